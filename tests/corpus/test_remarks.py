"""Errors and notes on lines are listed once each."""

from attnviz.corpus.remarks import MOST, Remarks


def test_a_remark_that_several_lines_share_is_listed_once_with_the_first_line():
    remarks = Remarks()
    for line, message in enumerate(["empty", "long", "empty", "empty"], 1):
        remarks.add(f"a.txt, line {line}", message, "hint")
    assert remarks.count == 4
    assert [(one.message, one.hint) for one in remarks.listed()] == [
        ("a.txt, line 1 (and 2 others): empty", "hint"),
        ("a.txt, line 2: long", "hint"),
    ]


def test_a_remark_on_all_texts_has_no_place():
    remarks = Remarks()
    for line in range(3):
        remarks.add(f"line {line}", "no layer 3")
    assert [one.message for one in remarks.listed(3)] == ["no layer 3"]


def test_of_many_different_remarks_the_first_are_listed_and_the_others_counted():
    remarks = Remarks()
    for line in range(MOST + 5):
        remarks.add(f"line {line}", f"word {line}")
    listed = [one.message for one in remarks.listed()]
    assert len(listed) == MOST + 1
    assert listed[-1] == "5 more are not listed"


def test_every_remark_is_listed_where_no_limit_is_set():
    remarks = Remarks(most=None)
    for line in range(MOST + 5):
        remarks.add(f"line {line}", f"word {line}")
    assert len(remarks.listed()) == MOST + 5
