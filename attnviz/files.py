"""Files are written whole or not at all: to a temporary name beside the target, then renamed."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attnviz.arguments import require_type
from attnviz.errors import FileError, InputError

_ELSEWHERE = "Choose another place."
PICTURE_ENDINGS = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".eps")
_TEXT_ENDINGS = (".txt", ".tsv", ".csv", ".md", ".rst", ".tex", ".log", ".json", ".jsonl", ".yaml", ".yml", ".html")
_DATA_ENDINGS = (".npz", ".npy", ".safetensors", ".gguf", ".docx")


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` to `path`, making its folder. Nothing is left behind, and nothing lost, if that fails.

    Where `path` is a link, the file that it leads to is written. A file that is replaced keeps its permissions and,
    where the system allows it, its owner. A device, a pipe, or wherever standard output goes is written to directly.

    Raises FileError where the folder cannot be made or written, the file is write-protected, or the disk is full.
    """
    path = as_path(path)
    with _writing(path):
        if is_standard_output(path):
            sys.stdout.flush()
            with open(sys.stdout.fileno(), "wb", closefd=False) as stream:
                stream.write(data)
        elif is_stream(path):
            path.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(path)), data)
    return path


def as_path(given: str | os.PathLike[str]) -> Path:
    """`given` as a path. Raises FileError where it is none."""
    require_type("a file", given, (str, os.PathLike), FileError, 'Its path: "trace.safetensors".', optional=False)
    return Path(given)


def require_writable(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raise FileError for an output that cannot be written, or that is one of the files that belong to the input.

    That is found out by whatever name or link; the inputs are looked through only where one of the outputs is there.
    """
    outputs = list(outputs)
    for output in outputs:
        with _writing(output):
            if not is_stream(output):
                _require_replaceable(Path(os.path.realpath(output)))
    if existing := [(output, identity) for output in outputs if (identity := _identity(output))]:
        read = {identity: path for path in inputs if (identity := _identity(path))}
        for output, identity in existing:
            if identity in read:
                other = "" if read[identity] == output else f", as {read[identity]}"
                raise FileError(
                    f"cannot write {output}: it belongs to the input of this command{other}",
                    "Choose another name with -o.",
                )


def has_file_ending(name: str) -> bool:
    """Whether `name` ends as the name of a file does, such as `.txt` or `.png`."""
    return os.path.splitext(name)[1].lower() in (*PICTURE_ENDINGS, *_TEXT_ENDINGS, *_DATA_ENDINGS)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells the file at `path` from every other on this machine; None where there is no file."""
    try:
        there = path.stat()
    except (OSError, ValueError):
        return None
    return (there.st_dev, there.st_ino) if stat.S_ISREG(there.st_mode) else None


def is_standard_output(path: Path) -> bool:
    """Whether what is written to `path` arrives where standard output does: `/dev/stdout`, or what stands behind it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # no such file; a path that can be none; no stdout, or not a file's
        return False


def is_stream(path: Path) -> bool:
    """Whether `path` is a device, a pipe, or where standard output goes: written to, and never replaced."""
    try:
        return (path.exists() and not path.is_file() and not path.is_dir()) or is_standard_output(path)
    except (OSError, ValueError):  # a path that can be none
        return False


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say of every error that `path` cannot be written for it."""
    try:
        yield
    except FileError as error:
        raise FileError(f"cannot write {path}: {error.message}", error.hint) from None
    except (OSError, ValueError) as error:  # a ValueError is of a path that can be none: with a NUL in it
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"cannot write {path}: {reason}", _ELSEWHERE) from error


def _require_replaceable(path: Path) -> None:
    """Raise FileError where no file can be put in the place of `path`, all of whose links were followed."""
    if path.is_dir():
        raise FileError("it is a folder", "Name a file in that folder.")
    if path.is_symlink():
        raise FileError("the link leads back to itself", _ELSEWHERE)
    if path.exists() and not os.access(path, os.W_OK):
        raise FileError("it is write-protected", "Choose another place, or allow it: chmod u+w FILE.")
    folder = next(folder for folder in path.parents if folder.exists())
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder", _ELSEWHERE)
    if not os.access(folder, os.W_OK):
        raise FileError(f"the folder {folder} is write-protected", _ELSEWHERE)


def _replace(path: Path, data: bytes) -> None:
    """Put a file with `data` in the place of `path`, or of nothing, in one step."""
    _require_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    replaces = path.exists()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if replaces:
                _copy_owner_and_permissions(path, temporary)
            else:
                os.chmod(temporary, 0o666 & ~_umask())
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _copy_owner_and_permissions(path: Path, copy: str) -> None:
    """Give `copy` the owner and the permissions of `path`, access lists too; only root may give a file away."""
    there = path.stat()
    for owner, group in ((there.st_uid, -1), (-1, there.st_gid)):
        with suppress(OSError):
            os.chown(copy, owner, group)
    shutil.copystat(path, copy)


def decoded(data: bytes, what: str) -> str:
    """`data` as text. Raises InputError, which calls it `what`, where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"{what} is not UTF-8: byte {error.start} is {byte:#04x}", "Convert it first.") from error


def _umask() -> int:
    """The process's umask, which can only be read by setting it: mkstemp makes files that nobody else may read."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
