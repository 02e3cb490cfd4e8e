"""A file is written whole or not at all, and what stood there stays until the new one is whole."""

import errno
import os
import subprocess
import sys

import pytest

from attnviz.errors import FileError
from attnviz.files import write_whole


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name", ["a.png", "new/deep/그림.png", "[bold] $x$.png", "x" * 250 + ".png", "가" * 80 + ".png"]
)
def test_bytes_arrive_in_folders_that_are_made_and_nothing_else_does(name, tmp_path):
    assert write_whole(tmp_path / name, b"new") == tmp_path / name
    assert contents(tmp_path) == {name: b"new"}


def test_a_name_may_be_a_string_and_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole("a.png", b"new")
    assert contents(tmp_path) == {"a.png": b"new"}


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_file_may_be_read_by_whom_the_umask_lets(umask, mode, tmp_path):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a.png", b"")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == mode


def test_a_place_under_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileError, match=r"cannot write .*file/a\.png") as caught:
        write_whole(tmp_path / "file" / "a.png", b"new")
    assert "-o" in caught.value.hint
    assert contents(tmp_path) == {"file": b"old"}


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(FileError, match="it is a folder"):
        write_whole(tmp_path / "a.png", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


class Failing:
    """A file that fails when it is written to, or when it is closed."""

    def __init__(self, file, when: str, error: BaseException) -> None:
        self.file, self.when, self.error = file, when, error

    def __enter__(self):
        return self

    def write(self, data: bytes) -> None:
        self.file.write(data[:2])
        if self.when == "write":
            raise self.error

    def __exit__(self, *args: object) -> None:
        self.file.close()
        if self.when == "close":
            raise self.error


@pytest.mark.parametrize("when", ["write", "close", "rename"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(when, error, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"old")

    def refuse(*args: object) -> None:
        raise error

    if when == "rename":
        monkeypatch.setattr(os, "replace", refuse)
    else:
        fdopen = os.fdopen
        monkeypatch.setattr(os, "fdopen", lambda *args: Failing(fdopen(*args), when, error))
    with pytest.raises(FileError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        write_whole(tmp_path / "a.png", b"new")
    if isinstance(error, OSError):
        assert "No space left on device" in caught.value.message
    assert contents(tmp_path) == {"a.png": b"old"}


def test_a_real_limit_of_the_system_is_a_FileError_too(tmp_path):  # noqa: N802
    (tmp_path / "a.png").write_bytes(b"old")
    code = f"""
import resource, attnviz.files, attnviz.errors
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    attnviz.files.write_whole({str(tmp_path / "a.png")!r}, bytes(5000))
except attnviz.errors.FileError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot write" in done.stdout
    assert "File too large" in done.stdout
    assert contents(tmp_path) == {"a.png": b"old"}
