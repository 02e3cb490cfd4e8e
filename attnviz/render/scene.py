"""What is drawn, in the one form that every renderer takes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs, without_first_key
from attnviz.analysis.method import Method
from attnviz.analysis.methods import METHODS, RAW, method_of
from attnviz.attention import (
    Attention,
    CellFlags,
    Flags,
    HeadFlags,
    HeadMatrices,
    HeadRows,
    Range,
    Token,
    Trace,
    borders,
    count_virtual_tokens,
)
from attnviz.head_names import head_name
from attnviz.labels import visible
from attnviz.render.ticks import is_numbered, segments
from attnviz.retrace import Retrace

LONG = 64
"""A text of more columns than this is long: nobody can read all their weights."""
PROMINENT, MOST_PROMINENT = 2.0, 8
"""A column is prominent if it gets PROMINENT times the average; at most MOST_PROMINENT columns are."""
FROM, TO = "query (from)", "key (to)"
"""The names of the two axes, wherever they are drawn."""
WRITES, GENERATES = "→", "⇒"
"""The arrow from the token that a decoder's row reads to the one that it writes; GENERATES if the model chose it."""
UNSEEN, TAKEN_OUT = "may not look there", "taken out"
"""The reasons why cells show no weight."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Heads of one kind of attention: one `(layer, head)` pair is one heatmap, several are a grid.

    `title` and `caption` are plain text. `text` is the text of the keys, and `retrace` says how to keep more of it.
    `queries` are the rows that a style of one query shows, as their mean. Where tokens were excluded
    (`render.exclusion`), `masked` are the columns that stay empty, `removed_mass` is what each row lost, and `emptied`
    says whether it lost everything, both `[head, row]`. `marked` are the cells with a frame, by their tokens.
    `combined` is the name of several heads that are drawn as one. `difference` is the name of a difference of two
    heads, such as `A − B`, where the weights are one. `method` made the numbers: weights, if it is the
    first of METHODS. `notes` are the notes of the trace, which a picture shows below its caption; of several scenes in
    one picture, only the last has them.
    """

    attention: Attention
    heads: tuple[tuple[int, int], ...]
    title: str = ""
    caption: str = ""
    queries: tuple[int, ...] = ()
    masked: tuple[int, ...] = ()
    removed_mass: HeadRows | None = None
    emptied: HeadFlags | None = None
    marked: tuple[tuple[Range, Range], ...] = ()
    combined: str = ""
    difference: str = ""
    method: Method = METHODS[RAW]
    notes: tuple[str, ...] = ()
    text: str = ""
    retrace: Retrace = field(default_factory=Retrace)

    def __post_init__(self) -> None:
        for name in ("title", "caption"):
            lines = str(getattr(self, name)).split("\n")
            object.__setattr__(self, name, "\n".join(line and visible(line) for line in lines))
        object.__setattr__(self, "notes", tuple(map(visible, self.notes)))

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """A label for each row, such as `ate`, or in a decoder `ate → an`; `16–31` for a row of several tokens."""
        labels = [row_label(*tokens) for tokens in zip(self.attention.queries, self._written, strict=True)]
        return _of_cells(labels, self.attention.rows)

    @cached_property
    def _written(self) -> tuple[Token | None, ...]:
        """The written token in the label of each query; where rows are numbered, only those that a model generated."""
        a = self.attention
        written, short = a.predicts or (None,) * len(a.queries), not is_numbered(a.rows)
        return tuple(token if token and (token.generated or short) else None for token in written)

    @property
    def arrows_note(self) -> str:
        """What the arrows in the labels of rows mean; "" where there are none."""
        return arrows_note([self._written[start] for start, stop in self.attention.rows if stop - start == 1])

    @property
    def borders_note(self) -> str:
        """What begins at the lines that are drawn between cells; "" where there are none."""
        a = self.attention
        axes = ((a.queries, a.rows), (a.keys, a.columns))
        divided = (tokens for tokens, cells in axes if segments(tokens, cells))
        starts = {_what_begins(tokens, index) for tokens in divided for index in borders(tokens)}
        return f"line: {' or '.join(start for start in _STARTS if start in starts)}" if starts else ""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """A label for each column."""
        return _of_cells([visible(token.text) for token in self.attention.keys], self.attention.columns)

    @cached_property
    def matrices(self) -> HeadMatrices:
        """The weights to draw, float32 `[head, row, column]`, in the order of `heads`. Raises SelectionError."""
        return np.stack([self.attention.matrix(layer, head) for layer, head in self.heads])

    @cached_property
    def reachable(self) -> CellFlags:
        """Bool `[row, column]`: false where the query may not look; such a cell is drawn empty, and not as a 0.

        Masked columns are false too, and so are rows that lost everything in every head.
        """
        allowed = allowed_pairs(self.attention)
        allowed[:, list(self.masked)] = False
        if self.emptied is not None:
            allowed[self.emptied.all(0)] = False
        return allowed

    @cached_property
    def prominent(self) -> tuple[int, ...]:
        """The columns that stand out, the most prominent first.

        In some head they get much more than the other columns, and more than uniform attention would give them.
        """
        allowed = self.reachable.astype(np.float32)
        weights = np.abs(self.matrices) * allowed
        sums = weights.sum(1)  # [head, column]
        uniform = weights.sum(2) / np.maximum(allowed.sum(1), 1) @ allowed  # [head, column]
        shares = sums / np.maximum(sums.mean(1, keepdims=True), 1e-9)
        shares = np.where(sums >= PROMINENT * uniform, shares, 0.0).max(0)
        order = np.argsort(-shares, kind="stable")[:MOST_PROMINENT]
        return tuple(int(column) for column in order if shares[column] >= PROMINENT)

    @property
    def blank_reasons(self) -> tuple[str, ...]:
        """Why cells show no weight: UNSEEN, TAKEN_OUT, both or neither."""
        allowed = allowed_pairs(self.attention)
        found = {UNSEEN: not allowed.all(), TAKEN_OUT: (allowed & ~self.reachable).any()}
        return tuple(reason for reason, is_true in found.items() if is_true)

    @property
    def blank_note(self) -> str:
        """Why cells are empty, in words; "" where none is."""
        return f"empty: {', or '.join(self.blank_reasons)}" if self.blank_reasons else ""

    @cached_property
    def largest(self) -> float:
        """The largest weight that is shown, whatever its sign."""
        return float(np.abs(self._shown).max(initial=0.0))

    @cached_property
    def signed(self) -> bool:
        """Whether the weights are a difference, or some are negative."""
        return bool(self.difference or self._shown.min(initial=0.0) < 0)

    @property
    def quantity(self) -> str:
        """The name of what its numbers are, for a scale of them."""
        return self.difference or self.method.quantity

    @cached_property
    def top(self) -> float:
        """Where the scale of the colours ends: the largest weight, rounded up to a number that is easy to read.

        In a long text of a decoder the first key does not count: where heads put most of their weight there, all other
        weights would look like 0.
        """
        if self.signed:
            return top_of(self.largest)
        return top_of(float(self._shown[:, :, self._scaled].max(initial=0.0)) or self.largest)

    @property
    def scale_note(self) -> str:
        """What the scale leaves out, in words; "" where it reaches to the largest weight."""
        first = float(self._shown[:, :, ~self._scaled].max(initial=0.0))
        return f"the scale leaves out the first key, whose largest weight is {first:.2f}" if first > self.top else ""

    @cached_property
    def _shown(self) -> HeadMatrices:
        """The weights that get a colour, `[head, row, column]`: all of them, or the mean of `queries` as one row."""
        return self.matrices[:, list(self.queries)].mean(1, keepdims=True) if self.queries else self.matrices

    @property
    def _scaled(self) -> Flags:
        """Bool `[column]`: whose weights decide where the scale ends."""
        columns = self.attention.columns
        return without_first_key(self.attention) if len(columns) > LONG else np.ones(len(columns), bool)

    @property
    def axes(self) -> str:
        """Rows and columns in words, for a grid whose tiles are too small to label."""
        rows, columns = " · ".join(self.rows), " · ".join(self.columns)
        if rows == columns:
            return f"{FROM} ↓ and {TO} →   {rows}"
        return f"{FROM} ↓   {rows}\n{TO} →   {columns}"

    @property
    def names(self) -> tuple[str, ...]:
        """The heads as people write them: `L3H5`."""
        if self.combined:
            return (self.combined,)
        return tuple(head_name(*pair) for pair in self.heads)


_STARTS = _TEXT, _OTHER, _ANSWER = (
    "the text begins, after learned vectors",
    "another text begins",
    "the answer begins",
)


def _what_begins(tokens: Sequence[Token], index: int) -> str:
    """What begins at the border `index` of `tokens`."""
    if index == count_virtual_tokens(tokens):
        return _TEXT
    return _ANSWER if tokens[index].generated else _OTHER


def scene(trace: Trace, kind: str, heads: tuple[tuple[int, int], ...], title: str = "", caption: str = "") -> Scene:
    """A scene of some heads of `trace`. Raises SelectionError."""
    attention = trace[kind]
    text = trace.text if attention.kind == "cross" else trace.read_by(attention.part)
    retrace = Retrace.of(trace, attention)
    return Scene(attention, heads, title, caption, method=method_of(trace), text=text, retrace=retrace)


def row_label(read: Token, written: Token | None = None) -> str:
    """The label of a row: the token that it reads, and in a decoder the one that it writes."""
    if written is None:
        return visible(read.text)
    return f"{visible(read.text)} {GENERATES if written.generated else WRITES} {visible(written.text)}"


def arrows_note(written: Sequence[Token | None]) -> str:
    """What the arrows mean in the labels of rows that write those tokens; "" where no token is known."""
    generated = {token.generated for token in written if token}
    meanings = [f"{WRITES} token written"] if False in generated else []
    meanings += [f"{GENERATES} token generated"] if True in generated else []
    return f"rows: token read {', '.join(meanings)}" if meanings else ""


def _of_cells(labels: Sequence[str], cells: Sequence[Range]) -> tuple[str, ...]:
    """The label of each cell: that of its token, or the indices of its first and last token."""
    return tuple(labels[start] if stop - start == 1 else f"{start}–{stop - 1}" for start, stop in cells)


def top_of(largest: float, most: float = 1.0) -> float:
    """`largest` rounded up to one or two significant digits, but at most `most`; 1 for a `largest` of 0."""
    if largest <= 0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(largest)) / 2
    return float(f"{min(math.ceil(largest / step - 1e-6) * step, most):.6g}")
