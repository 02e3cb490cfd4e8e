"""Files with a text in each line or row: what is read, and the faults of lines that cannot be used."""

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from attnviz.corpus import Entry, Fault, read_corpus
from attnviz.corpus.lines import LONGEST
from attnviz.errors import FileError, InputError


def read(folder: Path, name: str, content: str | bytes) -> list[Entry | tuple[str, str]]:
    """The entries of a file with that content; a fault as its place and its message."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    found = list(read_corpus(folder / name))
    return [(one.place, one.error.message) if isinstance(one, Fault) else one for one in found]


def test_a_line_of_txt_is_a_text_and_blank_lines_are_skipped(tmp_path):
    found = read(tmp_path, "a.txt", "\ufeffone\r\n\n \t\ntwo\ttab\x0b\u2028still two")
    assert found == [Entry("line 1", "one"), Entry("line 4", "two\ttab\x0b\u2028still two")]


FULL = [
    Entry("line 1", "I ate", "나는 먹었다", "And you?", ("I", "ate")),
    Entry("line 2", "one"),
]


def test_each_line_of_jsonl_is_an_object(tmp_path):
    lines = '{"text": "I ate", "target": "나는 먹었다", "pair": "And you?", "from": "I", "to": "ate", "id": 7}\n'
    assert read(tmp_path, "a.jsonl", lines + '{"text": "one", "pair": null, "to": ""}\n\n') == FULL


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_table_names_its_columns(name, tmp_path):
    rows = [["id", "Text", "target", "pair", "from", "to"], ["7", "I ate", "나는 먹었다", "And you?", "I", "ate"]]
    rows.append(["8", "one", "", "", "", ""])
    separator = "\t" if name == "a.tsv" else ","
    found = read(tmp_path, name, "\n".join(map(separator.join, rows)))
    assert [(one.text, one.target, one.pair, one.words) for one in found] == [
        (one.text, one.target, one.pair, one.words) for one in FULL
    ]
    assert [one.place for one in found] == ["line 2", "line 3"]


def test_csv_has_quotes_and_tsv_has_none(tmp_path):
    assert read(tmp_path, "a.csv", 'text\n"a ""b"",\nc"\n') == [Entry("line 3", 'a "b",\nc')]
    assert read(tmp_path, "a.tsv", 'text\n"a" b\n') == [Entry("line 2", '"a" b')]


def test_a_tsv_without_a_text_column_is_text_and_target(tmp_path):
    found = read(tmp_path, "a.tsv", "one\t하나\ntwo\n")
    assert found == [Entry("line 1", "one", "하나"), Entry("line 2", "two")]


def test_parquet_has_a_row_for_each_text(tmp_path):
    table = pyarrow.table({"id": [1, 2, 3], "text": ["one", None, "three"], "target": [None, "x", "셋"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    found = list(read_corpus(tmp_path / "a.parquet"))
    assert found[::2] == [Entry("row 1", "one"), Entry("row 3", "three", "셋")]
    assert (found[1].place, found[1].error.message) == ("row 2", "the text is empty")


@pytest.mark.parametrize(
    ("name", "content", "place", "says"),
    [
        ("a.txt", b"one\n\xbb\xe7\nthree", "line 2", "not UTF-8: byte 0 of the line is 0xbb"),
        ("a.jsonl", b'{"text": "one"}\n{"text": "\xff"}\n{"text": "three"}', "line 2", "not UTF-8: byte 10"),
        ("a.csv", b"text\none\n\xff\nthree\n", "line 3", "not UTF-8: byte 0"),
        ("a.tsv", b"text\none\n\xff\nthree\n", "line 3", "not UTF-8: byte 0"),
        ("a.txt", b"one\n" + b"x" * (LONGEST + 1) + b"\nthree", "line 2", "longer than 1,048,576 bytes"),
        ("a.jsonl", b'{"text": "one"}\n{"text"}\n{"text": "three"}', "line 2", "not JSON: "),
        ("a.jsonl", b'{"text": "one"}\n["text"]\n{"text": "three"}', "line 2", "not a JSON object"),
        ("a.jsonl", b'{"text": "one"}\n{"text": 7}\n{"text": "three"}', "line 2", "its text is of type int"),
        ("a.jsonl", b'{"text": "one"}\n{"title": "x"}\n{"text": "three"}', "line 2", "the text is empty"),
        ("a.jsonl", b'{"text": "one"}\n{"text": " "}\n{"text": "three"}', "line 2", "the text is empty"),
        ("a.jsonl", b'{"text": "one"}\n{"text": "a", "to": "b"}\n{"text": "three"}', "line 2", "it has 'to' without"),
        ("a.jsonl", b'{"text": "one"}\n' + b"[" * 100_000 + b'\n{"text": "three"}', "line 2", "not JSON: "),
        ("a.csv", b"text\none\ntwo,more\nthree\n", "line 3", "it has 2 fields, and there are 1 columns"),
        ("a.csv", b'text\none\n"a"b\nthree\n', "line 3", "not a row of CSV: "),
        ("a.csv", b"text\none\n" + b"x" * 140_000 + b"\nthree\n", "line 3", "not a row of CSV: field larger"),
    ],
)
def test_a_line_that_cannot_be_used_is_a_fault_and_the_others_are_read(name, content, place, says, tmp_path):
    first, fault, last = read(tmp_path, name, content)
    assert (first.text, last.text) == ("one", "three")
    assert fault[0] == place
    assert fault[1].startswith(says)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_table_without_texts_is_refused(name, tmp_path):
    (tmp_path / "a.csv").write_text("sentence,label\none,1\n")
    parquet.write_table(pyarrow.table({"sentence": ["one"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has no column 'text'"):
        list(read_corpus(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.txt", "no such file"),
        ("", "is a folder"),
        ("a.md", "cannot read .md files"),
        ("b.parquet", "cannot read"),
    ],
)
def test_a_file_that_is_not_a_corpus_is_refused(name, says, tmp_path):
    (tmp_path / "a.md").write_text("one")
    (tmp_path / "b.parquet").write_text("one")
    with pytest.raises(FileError, match=says):
        list(read_corpus(tmp_path / name))


def test_only_one_line_is_in_memory(tmp_path):
    (tmp_path / "a.txt").write_text("one\n" * 3)
    entries = read_corpus(tmp_path / "a.txt")
    assert next(entries).place == "line 1"
    with open(tmp_path / "a.txt", "a") as file:  # a reader that had taken in the file would not see it
        file.write("x" * 100_000 + "\nlast\n")
    assert [one.text for one in entries][-1] == "last"
