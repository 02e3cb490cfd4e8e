"""What the heads of a model were measured to do over many texts: a file `attnviz.json` in the folder of the model.

`attnviz heads --corpus FILE --save-roles FOLDER` writes it, `attnviz heads` shows it. It holds no date and no path, so
the same model and corpus give the same file.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from attnviz.errors import FileError
from attnviz.kinds import Kind

FILE = "attnviz.json"
FORMAT = 1
"""The version of the format, which stands in the file; a reader refuses a later one."""
_PROVENANCE = "measured roles"
_LARGEST = 2**20  # bytes
_AGAIN = "Write it again: attnviz heads --corpus FILE --save-roles FOLDER"

_Share = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=1)]
_Name = Annotated[str, Meta(min_length=1, max_length=200)]


class MeasuredRole(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One head and what it was measured to do.

    `role` is its name for a reader: `previous`, `verb → object`, `obj: head → dependent`. `rate` is its number, from 0
    to 1: the mean of the measure over `texts` texts, or the share of `pairs` pairs of words. `baseline` is the same
    number for uniform attention, or for the best fixed offset. `relation` is the dependency, and `language` the
    language of the texts, if they are known.
    """

    role: _Name
    kind: Kind
    head: Annotated[str, Meta(pattern=r"^L\d{1,4}H\d{1,4}\Z")]
    rate: _Share
    baseline: _Share
    texts: _Count
    pairs: _Count | None = None
    relation: _Name | None = None
    language: _Name | None = None

    @property
    def sentence(self) -> str:
        """Number and baseline too: `L3H1: obj: head → dependent, 93% of 14 pairs (best fixed offset 43%)`."""
        if self.pairs is None:
            over = f"mean over {self.texts:,} text{'s' * (self.texts != 1)}"
            return f"{self.head}: {self.role} {self.rate:.2f}, {over} (uniform attention {self.baseline:.2f})"
        of = f"{self.rate:.0%} of {self.pairs:,} pair{'s' * (self.pairs != 1)}"
        return f"{self.head}: {self.role}, {of} (best fixed offset {self.baseline:.0%})"

    @property
    def summary(self) -> str:
        """The same in at most ten words: `L3H1: obj: head → dependent, 93%, best fixed offset 43%`."""
        if self.pairs is None:
            return f"{self.head}: {self.role} {self.rate:.2f}, uniform attention {self.baseline:.2f}"
        return f"{self.head}: {self.role}, {self.rate:.0%}, best fixed offset {self.baseline:.0%}"

    @property
    def layer(self) -> int:
        """The number of the head's layer."""
        return int(self.head[1:].split("H")[0])

    @property
    def index(self) -> int:
        """The number of the head in its layer."""
        return int(self.head.split("H")[1])


def parse_roles(roles: Sequence[Mapping[str, Any]]) -> tuple[MeasuredRole, ...]:
    """Roles as a checkpoint's metadata holds them. Raises ValueError for anything else."""
    return msgspec.convert(roles, tuple[MeasuredRole, ...])


def to_provenance(roles: Sequence[MeasuredRole]) -> dict[str, str]:
    """The entry of a trace's provenance that holds `roles`; empty where there are none."""
    return {_PROVENANCE: msgspec.json.encode(roles).decode()} if roles else {}


def from_provenance(provenance: Mapping[str, str]) -> tuple[MeasuredRole, ...]:
    """The roles that `to_provenance` put there; none where there are none, or where the entry is something else."""
    try:
        return msgspec.json.decode(provenance.get(_PROVENANCE, "[]"), type=tuple[MeasuredRole, ...])
    except (msgspec.DecodeError, RecursionError):
        return ()


class MeasuredRoles(Struct, frozen=True, forbid_unknown_fields=True):
    """The roles of the heads of `model`, the most important first."""

    format: Annotated[int, Meta(ge=1, le=FORMAT)]
    model: _Name
    roles: tuple[MeasuredRole, ...]

    def to_bytes(self) -> bytes:
        """The content of the file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def of_model(model: str, roles: Sequence[MeasuredRole]) -> MeasuredRoles:
    """The measured `roles` of a model of that name."""
    return MeasuredRoles(FORMAT, model, tuple(roles))


def read_roles(path: str | os.PathLike[str]) -> MeasuredRoles:
    """Read a file of measured roles. Raises FileError if it cannot be read, or holds anything else."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise FileError(f"{path} is larger than {_LARGEST:,} bytes", _AGAIN)
    try:
        return msgspec.json.decode(data, type=MeasuredRoles)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FileError(f"{path} holds no measured roles: {error}", _AGAIN) from error


def roles_among(files: Iterable[Path]) -> tuple[tuple[MeasuredRole, ...], tuple[str, ...]]:
    """The roles in the `attnviz.json` among the `files` of a model, and notes: a damaged one is no reason to stop."""
    file = next((path for path in files if path.name == FILE), None)
    try:
        return read_roles(file).roles if file else (), ()
    except FileError as error:
        return (), (error.message,)


def output_file(path: Path) -> Path:
    """The file to write: `path`, or `attnviz.json` in the folder `path`. Raises FileError unless it ends in .json."""
    if path.is_dir():
        return path / FILE
    if path.suffix.lower() != ".json":
        raise FileError(f"cannot write roles to {path}", f"Name a folder that exists, or a file: {FILE}")
    return path
