"""A file is written completely or not at all, and the old file stays until the new one is complete."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from attnviz.errors import FileError
from attnviz.files import write_whole


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name", ["a.png", "new/deep/그림.png", "[bold] $x$.png", "x" * 250 + ".png", "가" * 80 + ".png"]
)
def test_folders_are_created_and_only_the_file_is_written(name, tmp_path):
    assert write_whole(tmp_path / name, b"new") == tmp_path / name
    assert contents(tmp_path) == {name: b"new"}


def test_a_name_can_be_a_string_and_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole("a.png", b"new")
    assert contents(tmp_path) == {"a.png": b"new"}


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_the_umask(umask, mode, tmp_path):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a.png", b"")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == mode


def test_a_file_cannot_be_written_inside_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileError, match=r"cannot write .*file/a\.png") as caught:
        write_whole(tmp_path / "file" / "a.png", b"new")
    assert caught.value.hint == "Choose another place."
    assert contents(tmp_path) == {"file": b"old"}


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(FileError, match="it is a folder"):
        write_whole(tmp_path / "a.png", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


def link(path: Path, to: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)
    return path


@pytest.mark.parametrize("to", ["real.png", "sub/real.png", "new/deep/real.png"])
def test_a_link_stays_and_its_target_is_written(to, tmp_path):
    (tmp_path / "sub").mkdir()
    for path in (tmp_path / "real.png", tmp_path / "sub" / "real.png"):
        path.write_bytes(b"old")
    last = link(tmp_path / "links" / "last.png", f"../{to}")
    for path in (last, link(tmp_path / "first.png", "links/last.png")):
        assert write_whole(path, b"new") == path
        assert path.is_symlink()
        assert (tmp_path / to).read_bytes() == b"new"
        assert not (tmp_path / to).is_symlink()


def test_a_file_in_a_linked_folder_is_written_there(tmp_path):
    (tmp_path / "real").mkdir()
    write_whole(link(tmp_path / "linked", "real") / "a.png", b"new")
    assert contents(tmp_path / "real") == {"a.png": b"new"}


def test_links_in_a_circle_are_an_error_and_stay(tmp_path):
    one, other = link(tmp_path / "a.png", "b.png"), link(tmp_path / "b.png", "a.png")
    with pytest.raises(FileError, match="the link leads back to itself"):
        write_whole(one, b"new")
    assert (os.readlink(one), os.readlink(other)) == ("b.png", "a.png")


def test_other_hard_links_of_a_replaced_file_keep_the_old_content(tmp_path):
    """A hard link is a second name of a file. Replacing the first name does not change what the second one names."""
    (tmp_path / "a.png").write_bytes(b"old")
    os.link(tmp_path / "a.png", tmp_path / "b.png")
    write_whole(tmp_path / "a.png", b"new")
    assert contents(tmp_path) == {"a.png": b"new", "b.png": b"old"}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o700])
def test_a_replaced_file_keeps_its_permissions(mode, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_whole(link(tmp_path / "link.png", "a.png"), b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_replaced_file_keeps_its_owner_and_group_if_the_system_allows_it(allowed, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"old")
    status, calls = (tmp_path / "a.png").stat(), []

    def chown(path: str, owner: int, group: int) -> None:
        calls.append((owner, group))
        if not allowed:
            raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    write_whole(tmp_path / "a.png", b"new")
    assert calls == [(status.st_uid, -1), (-1, status.st_gid)]
    assert contents(tmp_path) == {"a.png": b"new"}


def test_a_named_pipe_stays_a_pipe_and_its_reader_gets_all_data(tmp_path):
    pipe, got = tmp_path / "pipe.json", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert write_whole(link(tmp_path / "link.json", "pipe.json"), bytes(200_000)) == tmp_path / "link.json"
    reader.join(10)
    assert got == [bytes(200_000)]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_stays_a_device(tmp_path):
    before = os.stat("/dev/null")
    write_whole("/dev/null", b"new")
    write_whole(link(tmp_path / "null.png", "/dev/null"), b"new")
    assert os.path.samestat(os.stat("/dev/null"), before)
    assert os.readlink(tmp_path / "null.png") == "/dev/null"


WRITE = "import attnviz.files as f; print('before'); f.write_whole('/dev/stdout', b'new\\n'); print('after')"


@pytest.mark.parametrize("into", ["| cat", "> out.txt; cat out.txt", ">> log.txt; cat log.txt"])
def test_standard_output_is_written_to_when_it_is_a_pipe_or_a_file(into, tmp_path):
    (tmp_path / "log.txt").write_text("logged\n")
    shell = f'{sys.executable} -c "{WRITE}" {into}'
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True, cwd=tmp_path)
    logged = "logged\n" if "log" in into else ""
    assert done.stdout == f"{logged}before\nnew\nafter\n"


def test_a_process_substitution_of_the_shell_can_read_the_output(tmp_path):
    shell = f"""{sys.executable} -c "import sys, attnviz.files as f; f.write_whole(sys.argv[1], b'new')" >(cat > got)"""
    subprocess.run(["bash", "-c", f"{shell}; wait $!"], check=True, cwd=tmp_path)
    assert (tmp_path / "got").read_bytes() == b"new"


@pytest.fixture
def of_nobody():
    """A folder with a file; both belong to the user nobody if root runs the tests, because root can write anywhere."""
    with tempfile.TemporaryDirectory() as name:
        (folder := Path(name) / "folder").mkdir()
        (folder / "a.png").write_bytes(b"old")
        if os.getuid() == 0:
            Path(name).chmod(0o711)
            for path in (folder, folder / "a.png"):
                os.chown(path, 65534, 65534)
        yield folder
        folder.chmod(0o755)


def refusal(path: Path) -> str:
    """The error of a process without root's rights that writes to `path`."""
    code = f"""
import os, attnviz.errors, attnviz.files
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
try:
    attnviz.files.write_whole({str(path)!r}, b"new")
except attnviz.errors.FileError as error:
    print(error)
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_write_protected_file_is_not_replaced(of_nobody):
    (of_nobody / "a.png").chmod(0o444)
    assert "a.png: it is write-protected" in refusal(of_nobody / "a.png")
    assert contents(of_nobody) == {"a.png": b"old"}


def test_a_file_in_a_folder_that_is_write_protected_is_not_written_in_part(of_nobody):
    """Writing in place would work, but on a full disk it would leave half of the new file and none of the old."""
    of_nobody.chmod(0o555)
    assert f"a.png: the folder {of_nobody} is write-protected" in refusal(of_nobody / "a.png")
    assert contents(of_nobody) == {"a.png": b"old"}


@pytest.mark.parametrize("name", ["x" * 5000 + ".png", "d" * 300 + "/a.png", "a\0b.png", "\ud800.png"])
def test_a_name_that_no_file_can_have_is_an_error(name, tmp_path):
    with pytest.raises(FileError, match="cannot write"):
        write_whole(tmp_path / name, b"new")
    assert contents(tmp_path) == {}


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


def test_the_system_s_limit_of_a_file_size_is_a_FileError(tmp_path):  # noqa: N802
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
