"""What is said of lines, each thing once."""

from attnviz.corpus.remarks import MOST, Remarks


def test_the_same_of_several_lines_is_said_once_with_the_first_of_them():
    remarks = Remarks()
    for line, message in enumerate(["empty", "long", "empty", "empty"], 1):
        remarks.add(f"line {line}", message, "hint")
    assert remarks.count == 4
    assert [(one.message, one.hint) for one in remarks.told("a.txt")] == [
        ("a.txt, line 1 (and 2 others): empty", "hint"),
        ("a.txt, line 2: long", "hint"),
    ]


def test_what_holds_for_all_texts_is_said_without_a_place():
    remarks = Remarks()
    for line in range(3):
        remarks.add(f"line {line}", "no layer 3")
    assert [one.message for one in remarks.told("a.txt", 3)] == ["no layer 3"]


def test_of_many_different_ones_the_first_are_said_and_the_others_counted():
    remarks = Remarks()
    for line in range(MOST + 5):
        remarks.add(f"line {line}", f"word {line}")
    told = [one.message for one in remarks.told("a.txt")]
    assert len(told) == MOST + 1
    assert told[-1] == "a.txt: 5 more of this kind"
