"""The header of a .gguf file: its metadata, and the positions of its tensors.

The file is not trusted: every length is first compared with the number of bytes in the file. (The reader of the package
`gguf` reads past the end of a file if an array claims to be that long.)
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

import struct
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np

from attnviz.errors import ModelError

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_MOST_DIMENSIONS = 4


@dataclass(frozen=True)
class Field:
    """A value of the metadata: a number, a string, an array of numbers, or a list of strings; and its GGUF types."""

    types: list[int]
    value: Any


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file: its shape, outermost first, its GGML type, and the bytes that hold it."""

    name: str
    shape: tuple[int, ...]
    type: int
    data: np.ndarray

    @property
    def elements(self) -> int:
        """The number of its entries."""
        return prod(self.shape)


@dataclass(frozen=True)
class Header:
    """The metadata by key, and the tensors."""

    fields: dict[str, Field]
    tensors: tuple[Tensor, ...]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default` if it is missing."""
        return self.fields[key].value if key in self.fields else default


def read_header(path: Path) -> Header:
    """The header of one file, a whole model or one part. Raises ModelError for a damaged file."""
    try:
        data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
        return _Reader(data).header()
    except _BrokenError as error:
        raise ModelError(f"cannot read the header of {path}: {error.message}", error.hint) from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}", "Is the file whole?") from error


class _BrokenError(Exception):
    def __init__(self, message: str, hint: str = "Is the file whole? Get it again.") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class _Reader:
    """Reads the file from the position `at` on."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.view, self.position = data, memoryview(data.data), 0

    def header(self) -> Header:
        self._begin()
        tensors, values = self._scalar("Q"), self._scalar("Q")
        fields: dict[str, Field] = {}
        for _ in range(values):
            key = self._string()
            if key in fields:
                raise _BrokenError(f"{key} is there twice")
            fields[key] = field = self._field(self._scalar("I"))
            if isinstance(field.value, float) and not isfinite(field.value):
                raise _BrokenError(f"{key} is {field.value}, which is not a finite number")
        infos = [self._tensor_info() for _ in range(tensors)]
        alignment = fields["general.alignment"].value if "general.alignment" in fields else 32
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            raise _BrokenError(f"its alignment is {alignment!r}, not a power of two")
        start = (self.position + alignment - 1) // alignment * alignment
        named = {info[0]: self._tensor(*info, start) for info in infos}
        if len(named) < len(infos):
            raise _BrokenError("two of its tensors have one name")
        return Header(fields, tuple(named.values()))

    def _begin(self) -> None:
        """Check that the first bytes are those of a .gguf file of a known version."""
        if self._bytes(4) != MAGIC:
            raise _BrokenError("it does not begin as a .gguf file does")
        version = self._scalar("I")
        if version and not version & 0xFFFF:
            raise _BrokenError(
                "it was written for big-endian machines", "Turn it round: gguf-convert-endian FILE little"
            )
        if version < min(_VERSIONS):
            raise _BrokenError(f"it is of version {version} of the format", "Convert the model again: it is of 2023.")
        if version > max(_VERSIONS):
            raise _BrokenError(
                f"it is of version {version} of the format, and the newest known here is {max(_VERSIONS)}",
                "A newer attnviz may read it: pip install -U attnviz",
            )

    def _bytes(self, count: int) -> bytes:
        if count > len(self.data) - self.position:
            raise _BrokenError("it ends too early")
        self.position += count
        return bytes(self.view[self.position - count : self.position])

    def _scalar(self, format: str) -> Any:
        return struct.unpack(f"<{format}", self._bytes(struct.calcsize(f"<{format}")))[0]

    def _string(self) -> str:
        try:
            return self._bytes(self._scalar("Q")).decode()
        except UnicodeDecodeError as error:
            raise _BrokenError("a string in it is not UTF-8") from error

    def _field(self, type: int) -> Field:
        if type in _SCALARS:
            return Field([type], self._scalar(_SCALARS[type]))
        if type == _STRING:
            return Field([type], self._string())
        if type != _ARRAY:
            raise _BrokenError(f"a value in it is of the unknown type {type}")
        of, count = self._scalar("I"), self._scalar("Q")
        if of in _SCALARS:
            kind = np.dtype(f"<{_SCALARS[of]}")
            return Field([type, of], np.frombuffer(self._bytes(count * kind.itemsize), kind))
        if of != _STRING:
            raise _BrokenError(f"an array in it is of the unknown type {of}")
        return Field([type, of], [self._string() for _ in range(count)])

    def _tensor_info(self) -> tuple[str, tuple[int, ...], int, int]:
        """The name, the shape, the type and the offset of a tensor."""
        name, dimensions = self._string(), self._scalar("I")
        if dimensions > _MOST_DIMENSIONS:
            raise _BrokenError(f"its tensor {name} has {dimensions} dimensions")
        shape = [self._scalar("Q") for _ in range(dimensions)]
        return name, tuple(reversed(shape)), self._scalar("I"), self._scalar("Q")

    def _tensor(self, name: str, shape: tuple[int, ...], type: int, offset: int, start: int) -> Tensor:
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        try:
            block, size = GGML_QUANT_SIZES[GGMLQuantizationType(type)]
        except (ValueError, KeyError) as error:
            message = f"its tensor {name} is of type {type}, which the package gguf does not know"
            raise _BrokenError(message, "A newer one may: pip install -U gguf") from error
        if not shape or shape[-1] % block:
            raise _BrokenError(f"its tensor {name} has the shape {shape}, and is kept in blocks of {block}")
        begin, length = start + offset, prod(shape) // block * size
        if begin + length > len(self.data):
            raise _BrokenError(f"it ends before its tensor {name} does")
        return Tensor(name, shape, type, self.data[begin : begin + length])
