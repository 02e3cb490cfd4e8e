"""Files are written completely or not at all: first under a temporary name in the same folder, then renamed."""

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
    """Write `data` to `path` and create its folder. If that fails, nothing is lost and no partial file stays.

    If `path` is a link, its target is written. A replaced file keeps its permissions and, if the system allows it, its
    owner. A device, a pipe and the file of standard output are written to directly.

    Raises FileError if the folder cannot be created or written, the file is write-protected, or the disk is full.
    """
    path = as_path(path)
    with _name_path_in_errors(path):
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
    """`given` as a path. Raises FileError if it is neither a string nor a path."""
    require_type("a file", given, (str, os.PathLike), FileError, 'Its path: "trace.safetensors".', optional=False)
    return Path(given)


def require_writable(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raise FileError for an output that cannot be written, or that is also an input.

    Files are compared by identity, so other names and links of an input are found too. `inputs` is only read if one of
    the outputs exists.
    """
    outputs = list(outputs)
    for output in outputs:
        with _name_path_in_errors(output):
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
    """Whether `name` has the ending of a picture, a text or a data file, such as `.txt` or `.png`."""
    return os.path.splitext(name)[1].lower() in (*PICTURE_ENDINGS, *_TEXT_ENDINGS, *_DATA_ENDINGS)


def _identity(path: Path) -> tuple[int, int] | None:
    """The device and inode of the file at `path`, unique on this machine; None if there is no file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def is_standard_output(path: Path) -> bool:
    """Whether `path` is the same file as standard output: `/dev/stdout`, or the file or pipe that it leads to."""
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # no such file; an impossible path; no stdout, or one without a file
        return False


def is_stream(path: Path) -> bool:
    """Whether `path` is a device, a pipe or standard output: written to directly, and never replaced."""
    try:
        return (path.exists() and not path.is_file() and not path.is_dir()) or is_standard_output(path)
    except (OSError, ValueError):  # an impossible path
        return False


@contextmanager
def _name_path_in_errors(path: Path) -> Iterator[None]:
    """Turn every error into a FileError that says that `path` cannot be written."""
    try:
        yield
    except FileError as error:
        raise FileError(f"cannot write {path}: {error.message}", error.hint) from None
    except (OSError, ValueError) as error:  # ValueError: an impossible path, with a NUL in it
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"cannot write {path}: {reason}", _ELSEWHERE) from error


def _require_replaceable(path: Path) -> None:
    """Raise FileError if no file can replace `path`, in which all links are resolved."""
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
    """Create or replace the file at `path` with `data`, in one step."""
    _require_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    exists = path.exists()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if exists:
                _copy_owner_and_permissions(path, temporary)
            else:
                os.chmod(temporary, 0o666 & ~_umask())
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _copy_owner_and_permissions(path: Path, copy: str) -> None:
    """Give `copy` the owner and the permissions of `path`, also access lists; only root can change an owner."""
    status = path.stat()
    for owner, group in ((status.st_uid, -1), (-1, status.st_gid)):
        with suppress(OSError):
            os.chown(copy, owner, group)
    shutil.copystat(path, copy)


def decode_utf8(data: bytes, name: str) -> str:
    """`data` as text. Raises InputError, with the `name` of the data, if it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"{name} is not UTF-8: byte {error.start} is {byte:#04x}", "Convert it first.") from error


def _umask() -> int:
    """The umask of this process, which mkstemp does not apply. It can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
