"""The lines of a text file, one at a time, so that a large file needs little memory."""

from collections.abc import Iterator
from pathlib import Path

from attnviz.corpus.entry import Fault
from attnviz.errors import FileError, InputError

LONGEST = 2**20
"""The most bytes of a line."""


def read_lines(file: Path) -> Iterator[tuple[int, str | Fault]]:
    """The lines of `file` with their numbers from 1, without line ends; a fault for one that is too long or not UTF-8.

    Raises FileError if the file cannot be read.
    """
    try:
        with open(file, "rb") as stream:
            number = 0
            while data := stream.readline(LONGEST + 1):
                number += 1
                is_too_long = len(data) > LONGEST
                while is_too_long and not data.endswith(b"\n") and (data := stream.readline(LONGEST)):
                    pass
                yield number, _too_long(number) if is_too_long else _decoded(number, data)
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from error


def _decoded(number: int, data: bytes) -> str | Fault:
    try:
        return data.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        what = f"not UTF-8: byte {error.start} of the line is {error.object[error.start]:#04x}"
        return Fault(f"line {number}", InputError(what, "Convert it first."))


def _too_long(number: int) -> Fault:
    return Fault(f"line {number}", InputError(f"longer than {LONGEST:,} bytes", "One text a line."))
