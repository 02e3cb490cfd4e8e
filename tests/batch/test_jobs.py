"""Files of sentences become jobs."""

from pathlib import Path

import pytest

from attnviz.batch import find_files, folders, read_jobs
from attnviz.errors import FileError, InputError


def written(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("I ate an apple\n")
    return [folder / name for name in names]


def test_files_are_found_in_folders_in_order_each_once(tmp_path):
    written(tmp_path, "b.txt", "a/z.tsv", "a/B.TXT", "a/picture.png", "notes.md", ".txt")
    found = find_files([tmp_path / "b.txt", tmp_path])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["b.txt", "a/B.TXT", "a/z.tsv"]


def test_patterns_and_tables_are_read_and_what_batch_wrote_itself_is_not(tmp_path):
    written(tmp_path, "b.csv", "a/one.jsonl", "a/two.parquet", "out/manifest.jsonl")
    assert [path.name for path in find_files([tmp_path])] == ["one.jsonl", "two.parquet", "b.csv"]
    assert [path.name for path in find_files([tmp_path / "a" / "t*"])] == ["two.parquet"]
    assert [path.name for path in find_files([tmp_path / "**" / "*.csv"])] == ["b.csv"]
    with pytest.raises(FileError, match="no such file or folder"):
        find_files([tmp_path / "*.xyz"])


def test_a_folder_with_the_name_of_a_text_file_is_skipped(tmp_path):
    (tmp_path / "folder.txt").mkdir()
    [file] = written(tmp_path, "folder.txt/in.txt")
    assert find_files([tmp_path]) == [file]


@pytest.mark.parametrize(
    ("names", "asked", "says"),
    [
        ((), "gone", "no such file or folder: .*gone"),
        (("a.md",), "a.md", "no file of texts in .*a.md"),
        ((), "", "no file of texts"),
    ],
)
def test_paths_without_texts_are_refused(names, asked, says, tmp_path):
    written(tmp_path, *names)
    with pytest.raises(FileError, match=says) as caught:
        find_files([tmp_path / asked])
    assert ".txt" in caught.value.hint


@pytest.mark.parametrize("content", ["", "\ufeff", "\n \r\n\t\n"])
@pytest.mark.parametrize("name", ["a.txt", "a.tsv"])
def test_a_file_of_only_blank_lines_is_refused(name, content, tmp_path):
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(InputError, match=f"{name} holds no text"):
        read_jobs(tmp_path / name, Path("out"))


@pytest.mark.parametrize(
    ("name", "content", "jobs"),
    [
        ("a.txt", "one\ntwo", [(1, "one", None), (2, "two", None)]),
        ("a.txt", "one\n\n  \n\t\nfour\n", [(1, "one", None), (5, "four", None)]),
        ("a.txt", "\ufeffone\r\ntwo\r\n", [(1, "one", None), (2, "two", None)]),
        ("a.txt", "one\ttab", [(1, "one\ttab", None)]),
        ("a.txt", "one\x0b\u2028still one", [(1, "one\x0b\u2028still one", None)]),
        ("a.tsv", "one\t하나\r\ntwo\nthree\t\n\t넷\n", [
            (1, "one", "하나"), (2, "two", None), (3, "three", None),
        ]),
        ("a.TSV", "one\t하나\tmore", [(1, "one", "하나\tmore")]),
        ("a.tsv", "target\ttext\n하나\tone\n", [(2, "one", "하나")]),
    ],
)  # fmt: skip
def test_a_line_is_a_job(name, content, jobs, tmp_path):
    (tmp_path / name).write_bytes(content.encode())
    found, _ = read_jobs(tmp_path / name, Path("out"))
    assert [(job.entry.number, job.entry.text, job.entry.target) for job in found] == jobs
    assert [str(job.output) for job in found] == [f"out/{line:03}.png" for line, _, _ in jobs]
    assert all(job.source == tmp_path / name for job in found)


def test_pictures_sort_in_the_order_of_their_lines(tmp_path):
    (tmp_path / "a.txt").write_text("x\n" * 1200)
    names = [job.output.name for job in read_jobs(tmp_path / "a.txt", tmp_path)[0]]
    assert (names[0], names[-1]) == ("0001.png", "1200.png")
    assert names == sorted(names)


def test_a_line_that_cannot_be_used_is_a_fault_beside_the_jobs(tmp_path):
    (tmp_path / "a.tsv").write_bytes("one\t하나\n".encode() + "사과를".encode("cp949") + "\n\t넷\n".encode())
    jobs, faults = read_jobs(tmp_path / "a.tsv", tmp_path)
    assert [job.entry.text for job in jobs] == ["one"]
    assert [(fault.place, fault.error.message) for fault in faults] == [
        ("line 2", "not UTF-8: byte 0 of the line is 0xbb"),
        ("line 3", "the text is empty"),
    ]


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"no such file: .*gone\.txt"):
        read_jobs(tmp_path / "gone.txt", tmp_path)


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["a.txt"], ["a.txt"]),
        (["deep/a.txt"], ["a.txt"]),
        (["x/a.txt", "y/a.txt"], ["x/a.txt", "y/a.txt"]),
        (["a.txt", "x/a.txt", "a.tsv"], ["a.txt", "x/a.txt", "a.tsv"]),
        (["home/me/s.txt", "work/samples/pairs.tsv"], ["s.txt", "pairs.tsv"]),
        (["home/x/a.txt", "work/deep/y/a.txt", "work/b.txt"], ["x/a.txt", "y/a.txt", "b.txt"]),
        (["one/x/a.txt", "two/x/a.txt", "two/y/a.txt"], ["one/x/a.txt", "two/x/a.txt", "two/y/a.txt"]),
    ],
)
def test_every_file_has_a_different_folder(names, places, tmp_path):
    files = written(tmp_path, *names)
    assert folders(files, Path("out")) == {file: Path("out") / place for file, place in zip(files, places, strict=True)}


def test_relative_and_absolute_paths_can_be_mixed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "x/a.txt", "y/a.txt")
    files = [Path("x/a.txt"), tmp_path / "y" / "a.txt"]
    assert list(folders(files, Path("out")).values()) == [Path("out/x/a.txt"), Path("out/y/a.txt")]
