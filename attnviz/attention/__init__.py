"""The attention of one run of a model: plain, frozen data on the CPU, without torch and without drawing code.

`trace_file.py` saves and opens it by the rules of `schema.py`; `arrays.py` makes it from weights in memory.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from attnviz.attention.projections import Projections
from attnviz.errors import CaptureError, SelectionError
from attnviz.kinds import KIND_NAMES, Kind

Part = Literal["encoder", "decoder"]

Range = tuple[int, int]
"""Token numbers `[start, stop)`."""

Matrix = NDArray[np.float32]
"""The weights of one head, `[row, column]`."""

Row = NDArray[np.float32]
"""The weights that one query gives, `[column]`."""

HeadMatrices = NDArray[np.float32]
"""The weights of the heads of a layer, `[head, row, column]`."""

HeadRows = NDArray[np.float32]
"""One number for each query of each head of a layer, `[head, query]`."""

HeadKeys = NDArray[np.int32]
"""The number of a key for each query of each head of a layer, `[head, query]`; −1 for none."""

HeadKeyNorms = NDArray[np.float32]
"""One number for each key of each head of a layer, `[head, key]`."""

HeadValues = NDArray[np.float64]
"""One number for each head of a layer, `[head]`."""

Flags = NDArray[np.bool_]
"""True for each selected row or column, `[row]` or `[column]`."""

HeadFlags = NDArray[np.bool_]
"""True for each selected row of each head of a layer, `[head, row]`."""

CellFlags = NDArray[np.bool_]
"""True for each selected cell of a matrix, `[row, column]`."""


@dataclass(frozen=True)
class Token:
    """One token of the input.

    `text` is what a reader sees. `span` is its range of characters in the input, or None if it is not in the input.
    `word` is the number of its word, counted from 0, or None if it is in no word. `segment` is the number of its part
    of the input, for example the second of two sentences, or what a model wrote after a prompt. `generated` is True if
    the model chose the token; it is False in files before format 3, which do not store it.
    """

    id: int
    text: str
    span: tuple[int, int] | None = None
    word: int | None = None
    special: bool = False
    segment: int = 0
    generated: bool = False


IN_MEMORY = "in memory"
"""The value of `model` in a trace's provenance if the model was in memory: no name can load it again."""


def borders(tokens: Sequence[Token]) -> tuple[int, ...]:
    """The indices in `tokens` at which a new segment begins; a renderer draws a line there."""
    return tuple(index for index in range(1, len(tokens)) if tokens[index].segment != tokens[index - 1].segment)


def count_virtual_tokens(tokens: Sequence[Token]) -> int:
    """How many of `tokens` are virtual: learned by an adapter, in a segment of their own before the text."""
    first = next(iter(borders(tokens)), 0)
    return first if all(token.special for token in tokens[:first]) else 0


BY_QUERY = ("sink_mass", "row_sums", "peak_keys", "peak_weights")
"""The fields of `Attention` that have one number for each covered query of each head, `[head, query]`."""


@dataclass(frozen=True, eq=False)
class Attention:
    """One kind of attention of one run. Rows are queries ("from"), columns are keys ("to").

    Each mapping goes from the true number of a captured layer to its values. `by_layer` holds the weights, float32
    `[head, row, column]`: post-softmax, pre-dropout. `head_numbers` holds the numbers of those heads, `groups` the
    key-value group of each, and `sink_mass` what a learned sink took from each query, `[head, query]`, in the layers
    that have one. `predicts[i]` is the token that query `i` of a decoder writes, which is the next token, or None if it
    is unknown, as for the last token of a text that has no continuation.

    A row is one query and a column is one key, unless the matrix was pooled or only a part of it was selected: `rows`
    and `columns` then say which tokens each one covers. A cell of several tokens holds their largest weight, and
    `row_sums` holds the sum of each covered query's weights over all keys, `[head, query]`. A pooled matrix also keeps
    where each covered query looks most: the key, `peak_keys`, and its weight, `peak_weights`. Files before format 4 do
    not store them.

    `value_norms` is how far each head moves its result when it reads a key: the norm of the key's value behind the
    output projection, `[head, key]`, for each key that the columns cover (Kobayashi et al. 2020; see
    `attnviz.analysis.value_norm`). `projections` are the queries, keys and values of the heads. Both are there only if
    they were asked for when the model ran.
    """

    kind: Kind
    part: Part
    queries: tuple[Token, ...]
    keys: tuple[Token, ...]
    by_layer: Mapping[int, HeadMatrices]
    head_numbers: Mapping[int, tuple[int, ...]]
    sink_mass: Mapping[int, HeadRows] = field(default_factory=dict)
    predicts: tuple[Token | None, ...] | None = None
    groups: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    rows: tuple[Range, ...] = ()
    columns: tuple[Range, ...] = ()
    row_sums: Mapping[int, HeadRows] = field(default_factory=dict)
    peak_keys: Mapping[int, HeadKeys] = field(default_factory=dict)
    peak_weights: Mapping[int, HeadRows] = field(default_factory=dict)
    value_norms: Mapping[int, HeadKeyNorms] = field(default_factory=dict)
    projections: Mapping[int, Projections] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows) or single_ranges(len(self.queries)))
        object.__setattr__(self, "columns", tuple(self.columns) or single_ranges(len(self.keys)))
        for cells, tokens in ((self.rows, self.queries), (self.columns, self.keys)):
            if cells and cells[-1][1] > len(tokens):
                raise CaptureError(f"{KIND_NAMES[self.kind]}: a cell of tokens {cells[-1]}, of {len(tokens)} tokens")
        by_cell, by_query = (len(self.rows), len(self.columns)), (len(self.covered),)
        by_key = (len(tokens_of(self.columns)),)
        for what, arrays, axes, sizes in (
            ("weights", self.by_layer, "[head, query, key]", by_cell),
            ("sinks", self.sink_mass, "[head, query]", by_query),
            ("row sums", self.row_sums, "[head, query]", by_query),
            ("keys of peaks", self.peak_keys, "[head, query]", by_query),
            ("weights of peaks", self.peak_weights, "[head, query]", by_query),
            ("value norms", self.value_norms, "[head, key]", by_key),
        ):
            for layer, array in arrays.items():
                expected = (len(self.head_numbers[layer]), *sizes)
                if array.shape != expected:
                    raise CaptureError(
                        f"{KIND_NAMES[self.kind]}, layer {layer}: {what} of shape {array.shape},"
                        f" where {expected} {axes} was expected"
                    )
        for layer, one in self.projections.items():
            got = (len(one.queries), one.queries.shape[1], one.keys.shape[1])
            expected = (len(self.head_numbers[layer]), len(self.rows), len(self.columns))
            if got != expected or not self.has_all_rows:
                raise CaptureError(
                    f"{KIND_NAMES[self.kind]}, layer {layer}: queries and keys of {got}, where {expected}"
                    " [head, query, key] was expected"
                )
        for name in ("by_layer", *BY_QUERY, "value_norms"):
            frozen = {layer: _read_only(array) for layer, array in getattr(self, name).items()}
            object.__setattr__(self, name, frozen)

    @property
    def is_whole(self) -> bool:
        """Whether every query has its own row and every key its own column: nothing was pooled or left out."""
        return self.rows == single_ranges(len(self.queries)) and self.columns == single_ranges(len(self.keys))

    @property
    def has_all_rows(self) -> bool:
        """Whether it is whole, or lacks only the rows of virtual tokens, as with a prefix, which has no queries."""
        rows = single_ranges(len(self.queries))
        return self.columns == single_ranges(len(self.keys)) and self.rows in (
            rows,
            rows[count_virtual_tokens(self.queries) :],
        )

    @property
    def is_pooled(self) -> bool:
        """Whether a row or a column covers several tokens."""
        return any(stop - start > 1 for start, stop in (*self.rows, *self.columns))

    @cached_property
    def covered(self) -> tuple[int, ...]:
        """The queries that the rows cover, in order; `row_sums` and `sink_mass` have one column for each."""
        return tokens_of(self.rows)

    @property
    def name(self) -> str:
        """The kind by its full name: `masked self-attention`."""
        return KIND_NAMES[self.kind]

    @property
    def layers(self) -> tuple[int, ...]:
        """The true numbers of the captured layers."""
        return tuple(self.by_layer)

    def heads(self, layer: int) -> tuple[int, ...]:
        """The numbers of the heads captured in `layer`. Raises SelectionError for a layer that was not captured."""
        self._require(layer)
        return self.head_numbers[layer]

    def weights(self, layer: int) -> HeadMatrices:
        """The weights of `layer`, float32 `[head, row, column]`. Raises SelectionError for a layer not captured."""
        self._require(layer)
        return self.by_layer[layer]

    def matrix(self, layer: int, head: int) -> Matrix:
        """The weights of a head by its true number, float32 `[row, column]`. Raises SelectionError if not captured."""
        heads = self.heads(layer)
        if not _is_one_of(head, heads):
            raise SelectionError(
                f"head {head!r} of layer {layer} was not captured", f"Captured: {format_ranges(heads)}."
            )
        weights: Matrix = self.weights(layer)[heads.index(head)]
        return weights

    def check(self, tolerance: float = 1e-4) -> None:
        """Raise CaptureError unless weights are from 0 to 1, and each query's sum is 0 or 1 minus its sink.

        Norms of values can be any finite numbers that are not negative.
        """
        from attnviz.attention.peaks import check_peaks

        for layer, weights in self.by_layer.items():
            where = f"{self.name}, layer {layer}"
            sums = self.row_sums[layer] if layer in self.row_sums else weights.sum(-1, dtype=np.float64)
            sinks = self.sink_mass.get(layer, np.zeros(sums.shape, np.float32))
            peaks = self.peak_weights.get(layer, np.zeros(sums.shape, np.float32))
            norms = self.value_norms.get(layer, np.zeros(0, np.float32))
            for what, numbers, most in (
                ("weight", weights, 1),
                ("sink", sinks, 1),
                ("row sum", sums, np.inf),
                ("peak", peaks, 1),
                ("value norm", norms, np.inf),
            ):
                if not np.isfinite(numbers).all():
                    raise CaptureError(f"{where}: a {what} is not finite", "Try --dtype float32.")
                low, high = numbers.min(initial=0), numbers.max(initial=0)
                if low < 0 or high > most + tolerance:
                    outside, allowed = low if low < 0 else high, "from 0 to 1" if most == 1 else "0 or more"
                    raise CaptureError(f"{where}: a {what} is {outside:.3g}, and should be {allowed}")
            off = np.where(sums > 0, np.abs(sums - (1.0 - sinks)), 0.0)
            if off.max(initial=0) > tolerance:
                raise CaptureError(f"{where}: a row sums to 1 only within {off.max():.2g}, not within {tolerance:.2g}")
            if layer in self.peak_keys:
                check_peaks(self, layer)

    def __repr__(self) -> str:
        heads = sorted({head for numbers in self.head_numbers.values() for head in numbers})
        which = f"layers {format_ranges(self.layers) or 'none'}, heads {format_ranges(tuple(heads)) or 'none'}"
        return f"<{self.name}: {which}; {len(self.rows)}×{len(self.columns)} cells>"

    def _require(self, layer: int) -> None:
        if not _is_one_of(layer, self.layers):
            raise SelectionError(
                f"layer {layer!r} of {self.name} was not captured", f"Captured: {format_ranges(self.layers) or 'none'}."
            )


@dataclass(frozen=True, eq=False)
class Trace:
    """The attention of one run of one model on one text, and its origin.

    `target` is what the decoder read. `provenance` says how the attention was captured (versions, dtype, path), and
    `notes` are sentences that every output shows to the reader.
    """

    model: str
    text: str
    attentions: tuple[Attention, ...]
    target: str | None = None
    revision: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        weights: Any,
        tokens: Sequence[str],
        *,
        keys: Sequence[str] | None = None,
        kind: str | None = None,
        model: str = "given weights",
    ) -> "Trace":
        """A trace of attention weights that you already have; it is drawn, measured and saved like any other.

        `weights` are `[query, key]`, `[head, query, key]` or `[layer, head, query, key]`: a numpy array, a torch tensor
        on any device, or lists. They can also be the `attentions` that a transformers model returns,
        `[1, head, query, key]` for each layer, or for each layer of each step of `generate` with one beam. They are
        copied. `tokens` name the queries, and `keys` the keys if these are different tokens, as in cross-attention.
        `kind` is `self`, `masked-self` or `cross`. Without it, the kind is cross-attention if `keys` are given, masked
        self-attention if every weight for a later key is 0, and self-attention otherwise. `model` is the name that the
        trace carries.

        Raises InputError if these are not weights (each row must be all zeros or sum to 1, within the rounding of its
        type or of its decimals, two or more), if there are too many or too few tokens or keys, and if the weights do
        not fit `kind`.
        """
        from attnviz.attention.arrays import trace_of

        return trace_of(weights, tokens, keys, kind, model)

    def __getitem__(self, kind: str) -> Attention:
        for attention in self.attentions:
            if attention.kind == kind:
                return attention
        name = KIND_NAMES.get(kind, kind) if isinstance(kind, str) else kind
        raise SelectionError(f"this trace of {self.model} has no {name}", f"It has: {', '.join(self.kinds) or 'none'}.")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of attention in this trace, in the order self, masked-self, cross."""
        return tuple(attention.kind for attention in self.attentions)

    def read_by(self, part: Part) -> str:
        """The text that `part` of the model reads; the spans of its tokens are ranges of this text."""
        return self.text if part == "encoder" or self.target is None else self.target

    def __repr__(self) -> str:
        kinds = (
            f"{a.kind}: layers {format_ranges(a.layers)}, {len(a.queries)}×{len(a.keys)} tokens"
            for a in self.attentions
        )
        return f"<Trace of {_shorten(self.text)!r} by {_shorten(self.model)}; {'; '.join(kinds)}>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write this trace to one file, `x.safetensors`, completely or not at all. Raises FileError."""
        from attnviz.attention.trace_file import save

        return save(self, path)

    def view(self, *, exact: bool = False, max_mb: float = 25.0) -> Any:
        """The interactive page of this trace, as `attnviz.view` makes it; in a notebook it shows itself."""
        import attnviz  # the public name: this room knows none of those that draw

        return attnviz.view(self, exact=exact, max_mb=max_mb)

    def to_bytes(self) -> bytes:
        """This trace as the bytes of a safetensors file. Raises FileError if the bytes could not be opened again."""
        from attnviz.attention.trace_file import to_bytes

        return to_bytes(self)


def _read_only(array: np.ndarray) -> np.ndarray:
    """A read-only view of `array`. The array stays writable, because it can belong to the caller."""
    view = array.view()
    view.flags.writeable = False
    return view


def tokens_of(ranges: Sequence[Range]) -> tuple[int, ...]:
    """The numbers of the tokens that `ranges` cover, in order."""
    return tuple(token for start, stop in ranges for token in range(start, stop))


def single_ranges(tokens: int) -> tuple[Range, ...]:
    """One range for each token: `((0, 1), (1, 2), …)`, `tokens` in all."""
    return tuple((index, index + 1) for index in range(tokens))


def format_ranges(numbers: tuple[int, ...]) -> str:
    """Whole numbers as people write them: `0-3, 7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _is_one_of(number: object, known: tuple[int, ...]) -> bool:
    """Whether `number` is a single whole number (not a list or an array) and in `known`."""
    return isinstance(number, int | np.integer) and number in known


def _shorten(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
