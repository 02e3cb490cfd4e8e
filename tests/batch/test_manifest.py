"""What was done is known after any end, and no folder gets pictures of two kinds."""

from dataclasses import replace
from pathlib import Path

import pytest

from attnviz.analysis import HeadChoice
from attnviz.batch import ChosenHead, Job, Line, Manifest, Settings
from attnviz.batch.manifest import digest
from attnviz.corpus import Entry
from attnviz.errors import FileError

SETTINGS = Settings("1", "builtin", {})
CHOICE = HeadChoice("self", 1, 2, 0.5, 0.1, "content", 8, 0, "fixed", False, True)


def job(folder: Path, number: int, text: str = "I ate") -> Job:
    return Job(Path("a.txt"), Entry(f"line {number}", text), folder / f"{number:03}.png")


def done(folder: Path, number: int, text: str = "I ate", **more: object) -> Line:
    (folder / f"{number:03}.png").write_bytes(b"picture")
    return Line("a.txt", number, text, output=f"{number:03}.png", **more)


def begun(folder: Path) -> Manifest:
    manifest = Manifest(folder, SETTINGS)
    manifest.begin({}, [job(folder, 1)])
    return manifest


def test_what_was_done_is_known_in_the_next_run(tmp_path):
    manifest = begun(tmp_path)
    manifest.add(done(tmp_path, 1))
    manifest.add(Line("a.txt", 2, "She slept", error="too long"))
    again = Manifest(tmp_path, SETTINGS)  # nothing was finished or closed
    assert again.has(job(tmp_path, 1))
    assert not again.has(job(tmp_path, 2, "She slept"))
    assert not again.has(job(tmp_path, 1, "another text"))
    assert not again.has(job(tmp_path, 1), CHOICE)
    (tmp_path / "001.png").unlink()
    assert not again.has(job(tmp_path, 1))


def test_a_picture_of_another_head_does_not_count(tmp_path):
    manifest = begun(tmp_path)
    manifest.add(done(tmp_path, 1, kind="self", layer=1, head=2))
    assert manifest.has(job(tmp_path, 1), CHOICE)
    assert not manifest.has(job(tmp_path, 1), replace(CHOICE, head=3))


@pytest.mark.parametrize("kept", range(0, 60, 7))
def test_a_line_that_was_cut_off_is_no_line_and_the_next_one_is_whole(kept, tmp_path):
    manifest = begun(tmp_path)
    manifest.add(done(tmp_path, 1))
    file = tmp_path / "manifest.jsonl"
    first = file.read_bytes()
    manifest.add(done(tmp_path, 2))
    file.write_bytes(file.read_bytes()[: len(first) + kept])
    again = begun(tmp_path)
    again.add(done(tmp_path, 3))
    assert {number for _, number in Manifest(tmp_path, SETTINGS).lines} - {2} == {1, 3}


def test_a_finished_manifest_is_in_the_order_of_the_texts(tmp_path):
    manifest = begun(tmp_path)
    for number in (3, 1, 2, 1):
        manifest.add(done(tmp_path, number))
    manifest.finish([("a.txt", number) for number in (1, 2, 3)])
    assert [number for _, number in Manifest(tmp_path, SETTINGS).lines] == [1, 2, 3]
    assert (tmp_path / "manifest.jsonl").read_text().count("\n") == 3


def test_the_head_of_a_file_is_kept_for_the_same_texts(tmp_path):
    jobs = [job(tmp_path, 1), job(tmp_path, 2)]
    Manifest(tmp_path, SETTINGS).begin({"a.txt": ChosenHead(digest(jobs), CHOICE)}, jobs)
    again = Manifest(tmp_path, SETTINGS)
    assert again.chosen(Path("a.txt"), jobs) == CHOICE
    assert again.chosen(Path("a.txt"), [*jobs, job(tmp_path, 3)]) is None
    assert again.chosen(Path("b.txt"), jobs) is None


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (Settings("1", "bert", {}), "of the model builtin, not of bert"),
        (Settings("1", "builtin", {"layer": "2"}), "other options: with no option, and now with --layer 2"),
    ],
)
def test_another_model_or_other_options_are_an_error(other, says, tmp_path):
    begun(tmp_path).close()
    with pytest.raises(FileError, match=says):
        Manifest(tmp_path, other)


def test_another_version_goes_on(tmp_path):
    begun(tmp_path).close()
    Manifest(tmp_path, Settings("2", "builtin", {}))


def test_another_file_of_that_name_is_an_error(tmp_path):
    (tmp_path / "batch.json").write_text("{}")
    with pytest.raises(FileError, match="not a file of attnviz batch"):
        Manifest(tmp_path, SETTINGS)


def test_what_an_ended_run_left_half_written_is_deleted(tmp_path):
    for name in (".001.png.x7_a", ".manifest.jsonl.abc", ".mine", ".my.png.old"):
        (tmp_path / name).touch()
    begun(tmp_path).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine", ".my.png.old", "batch.json", "manifest.jsonl"]
