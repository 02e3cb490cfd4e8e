"""The metadata of a saved trace: the type of each field, and the rules between fields.

A file of an older format lacks some fields, which then have the defaults given here: format 1 has no `segment`,
`groups`, `rows` and `columns`, format 2 no `generated`, format 3 no tensors of peaks, format 4 none of value norms, and
format 5 no `projections`.
"""

import re
from collections.abc import Collection, Hashable, Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from attnviz.arguments import short_repr
from attnviz.kinds import Kind

VERSION = 6

SUFFIXES = {
    "by_layer": "",
    "sink_mass": ".sink",
    "row_sums": ".sums",
    "peak_keys": ".peak_keys",
    "peak_weights": ".peak_weights",
    "value_norms": ".value_norms",
}
"""The end of a tensor's name in the file, for each field of `Attention` that is a tensor for each layer."""

Natural = Annotated[int, Meta(ge=0, le=2**53)]
Range = tuple[Natural, Natural]
ByLayer = tuple[tuple[Natural, Annotated[tuple[Natural, ...], Meta(min_length=1)]], ...]


class TokenFields(Struct, frozen=True, forbid_unknown_fields=True):
    """A `Token`."""

    id: Natural
    text: str
    span: Range | None
    word: Natural | None
    special: bool
    segment: Natural = 0
    generated: bool = False


class ProjectionFields(Struct, frozen=True, forbid_unknown_fields=True):
    """The `Projections` of a layer without their arrays; `arrays` are the names of those, in the order of the terms."""

    layer: Natural
    scale: float
    softcap: float | None
    arrays: tuple[str, ...]


Tokens = Annotated[tuple[TokenFields, ...], Meta(min_length=1)]


class AttentionFields(Struct, frozen=True, forbid_unknown_fields=True):
    """An `Attention` without its tensors; `heads` and `groups` hold `(layer, numbers)` for each layer."""

    kind: Kind
    part: Literal["encoder", "decoder"]
    queries: Tokens
    keys: Tokens
    predicts: tuple[TokenFields | None, ...] | None
    heads: Annotated[ByLayer, Meta(min_length=1)]
    groups: ByLayer = ()
    rows: tuple[Range, ...] = ()
    columns: tuple[Range, ...] = ()
    projections: tuple[ProjectionFields, ...] = ()

    def projection_tensors(self, one: ProjectionFields) -> dict[str, str]:
        """The names of the tensors of a layer's projections in the file, by those of the arrays."""
        return {name: f"{self.kind}.{one.layer}.projections.{place}" for place, name in enumerate(one.arrays)}


class TraceFields(Struct, frozen=True, forbid_unknown_fields=True):
    """A `Trace`."""

    version: Annotated[int, Meta(ge=1, le=VERSION)]
    model: str
    revision: str | None
    text: str
    target: str | None
    provenance: dict[str, str]
    notes: tuple[str, ...]
    attentions: Annotated[tuple[AttentionFields, ...], Meta(min_length=1, max_length=len(get_args(Kind)))]


def parse_header(header: Any) -> TraceFields:
    """`header` as fields of the declared types. Raises ValueError that names the field and its value."""
    try:
        return msgspec.convert(header, TraceFields)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        path = path.rstrip("`").lstrip(".")
        if "field `" in reason:  # a missing or an unknown field
            raise ValueError(f"{path or 'the header'}: {_lower_first(reason)}") from error
        raise ValueError(f"{path} is {short_repr(_value(header, path))}: {_lower_first(reason)}") from error


def check(trace: TraceFields, tensors: Collection[str]) -> None:
    """Raise ValueError, with the field and its value, unless all fields fit each other and the names of `tensors`."""
    kinds = [a.kind for a in trace.attentions]
    _require(_are_unique(kinds), "attentions", kinds, "each kind once")
    for number, a in enumerate(trace.attentions):
        _check_numbers(a, f"attentions[{number}]")
        for cells, tokens, name in ((a.rows, a.queries, "rows"), (a.columns, a.keys, "columns")):
            _check_cells(cells, len(tokens), f"attentions[{number}].{name}")
        read = trace.text if a.part == "encoder" or trace.target is None else trace.target
        keys = trace.text if a.kind == "cross" else read
        _check_spans(a.queries, read, f"attentions[{number}].queries")
        _check_spans(a.keys, keys, f"attentions[{number}].keys")
        _check_spans(a.predicts or (), read, f"attentions[{number}].predicts")
    _check_tensors(trace, tensors)


def _check_numbers(a: AttentionFields, where: str) -> None:
    """Require each layer once, each of its heads once, one group for each head, and one written token per query."""
    predicted = len(a.queries if a.predicts is None else a.predicts)
    _require(predicted == len(a.queries), f"{where}.predicts", f"{predicted} tokens", f"{len(a.queries)}")
    for name, by_layer in (("heads", a.heads), ("groups", a.groups)):
        layers = [layer for layer, _ in by_layer]
        _require(_are_unique(layers), f"{where}.{name}", layers, "each layer once")
    heads = dict(a.heads)
    for layer, numbers in a.heads:
        _require(_are_unique(numbers), f"{where}.heads of layer {layer}", numbers, "each head once")
    projected = [one.layer for one in a.projections]
    _require(
        _are_unique(projected) and {*projected} <= {*heads}, f"{where}.projections", projected, "layers with heads"
    )
    for one in a.projections:
        _require(_are_unique(one.arrays), f"{where}.projections of layer {one.layer}", one.arrays, "each array once")
    for layer, groups in a.groups:
        count = len(heads.get(layer, ()))
        _require(len(groups) == count, f"{where}.groups of layer {layer}", groups, f"{count}, one for each head")


def _check_cells(cells: Sequence[Range], tokens: int, where: str) -> None:
    """Require that each cell covers existing tokens and comes after the cell before it."""
    end = 0
    for number, (start, stop) in enumerate(cells):
        fits = end <= start < stop <= tokens
        _require(fits, f"{where}[{number}]", [start, stop], f"tokens from {end} up to {tokens}")
        end = stop


def _check_spans(tokens: Sequence[TokenFields | None], text: str, where: str) -> None:
    """Require that the span of each token is inside `text`, the text of these tokens."""
    for number, token in enumerate(tokens):
        if token is not None and token.span is not None:
            start, stop = token.span
            fits = start <= stop <= len(text)
            _require(fits, f"{where}[{number}].span", [start, stop], f"a part of its text of {len(text)} characters")


def _check_tensors(trace: TraceFields, tensors: Collection[str]) -> None:
    """Require the weights of each layer, norms of values for all layers of a kind or for none, and no other tensor."""
    needed = {f"{a.kind}.{layer}" for a in trace.attentions for layer, _ in a.heads}
    known = needed | {f"{name}{suffix}" for name in needed for suffix in SUFFIXES.values()}
    projected = [name for a in trace.attentions for one in a.projections for name in a.projection_tensors(one).values()]
    for name in sorted(set(projected).difference(tensors)):
        raise ValueError(f"the tensor {name} is missing")
    known.update(projected)
    for name in sorted(needed.difference(tensors)):
        raise ValueError(f"the tensor {name} is missing")
    for name in sorted(needed):
        keys, weights = (name + SUFFIXES[field] for field in ("peak_keys", "peak_weights"))
        if (keys in tensors) != (weights in tensors):
            raise ValueError(f"of the tensors {keys} and {weights} one is missing")
    for a in trace.attentions:
        norms = {f"{a.kind}.{layer}{SUFFIXES['value_norms']}" for layer, _ in a.heads}
        if norms.intersection(tensors) and (missing := norms.difference(tensors)):
            raise ValueError(f"the tensor {min(missing)} is missing, and other layers have one")
    for name in sorted(set(tensors) - known):
        raise ValueError(f"the tensor {short_repr(name)} belongs to no layer in the header")


def _require(holds: bool, field: str, value: Any, expected: str) -> None:
    if not holds:
        raise ValueError(f"{field} is {value if isinstance(value, str) else short_repr(value)}: expected {expected}")


def _are_unique(values: Sequence[Hashable]) -> bool:
    return len(set(values)) == len(values)


def _value(header: Any, path: str) -> Any:
    """The value in `header` at a path such as `attentions[0].rows[1]`; the whole object for a key `[...]`."""
    for key, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        header = header[key] if key else header[int(index)]
    return header


def _lower_first(reason: str) -> str:
    return reason[0].lower() + reason[1:]
