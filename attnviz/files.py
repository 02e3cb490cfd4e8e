"""Files are written whole or not at all: to a temporary name beside the target, then renamed."""

import os
import tempfile
from pathlib import Path

from attnviz.errors import FileError, InputError


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` to `path`, making its folder. Nothing is left behind, and nothing lost, if that fails.

    Raises FileError where the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise FileError(f"cannot write {path}: it is a folder", "Name a file, such as picture.png.")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}", "Choose another place with -o.") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return path


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
