"""`attnviz sources`: what an answer looked at, on the screen and in files."""

import csv
import json
import re

import pytest
from command_line import run
from handmade_traces import decoder_only

TWO = "I ate an apple. She read a book."


def test_the_segments_and_the_sources_of_a_translation():
    done = run("sources", TWO)
    assert (done.code, done.err) == (0, "")
    assert re.findall(r"^(\d [\w .]+?\.) +(\d)", done.out, re.M) == [
        ("1 I ate an apple.", "5"),
        ("2 She read a book.", "4"),
    ]
    assert "Attention is not attribution" in done.out.replace("\n", " ")
    assert re.search(r"set aside: \d?\.\d\d to the first token", done.out.replace("\n", " "))


def test_files_put_before_the_text_are_segments(smollm2_file, tmp_path):
    for name, content in {"a.txt": "Anna lives in Oslo.", "b.md": "Boris lives in Rome.\n"}.items():
        (tmp_path / name).write_text(content)
    files = ["--context", tmp_path / "a.txt", "--context", tmp_path / "b.md"]
    asked = ["sources", "Where does Anna live? Anna lives in", "-m", smollm2_file, "--layer", "3", *files]
    done = run(*asked, "--generate", "1")
    assert done.code == 0
    assert re.findall(r"^(a\.txt|b\.md|the question) ", done.out, re.M) == ["a.txt", "b.md", "the question"]
    given = run(*asked, "--answer", "Oslo.", "-o", tmp_path / "s.json")
    assert given.code == 0
    found = json.loads((tmp_path / "s.json").read_text())
    assert [one["text"] for one in found["written"]] == ["Oslo", "."]
    assert sum(one["share"] for one in found["shares"]) == pytest.approx(1)


def test_a_table_has_a_row_a_segment(tmp_path):
    done = run("sources", TWO, "-o", tmp_path / "s.csv")
    assert done.out == f"{tmp_path / 's.csv'}\n"
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["1 I ate an apple.", "2 She read a book."]
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)
    assert rows[0]["question"] == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-o", "x.png"], "cannot write .png"),
        (["-o", "x"], "cannot write a file without an ending"),
        (["--context", "gone.txt"], "cannot read gone.txt: No such file"),
        (["--answer", "yes", "--target", "네"], "--answer is one that is given"),
        (["--top", "0"], "--top cannot be 0"),
    ],
)
def test_what_cannot_be_is_refused(args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("sources", TWO, *args)
    assert done.code != 0
    assert message in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_text_without_an_answer_says_how_to_get_one(tmp_path):
    done = run("sources", decoder_only().save(tmp_path / "t.safetensors"))
    assert done.code != 0
    assert "there is no answer in this text of by hand" in done.err
    assert "--generate 20" in done.err
