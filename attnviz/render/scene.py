"""What is to be drawn, before anyone decides how: the one form that every renderer takes."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attnviz.analysis.reach import reach
from attnviz.attention import Attention, Trace
from attnviz.labels import visible

FROM, TO = "query (from)", "key (to)"
"""The names of the two axes, wherever they are drawn."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Heads of one kind of attention: one `(layer, head)` pair is one heatmap, several are a grid.

    `title` and `caption` are plain text. `pairs` says to label a row with the token read and the token written, as a
    decoder that stands beside an encoder is shown.
    """

    attention: Attention
    heads: tuple[tuple[int, int], ...]
    title: str = ""
    caption: str = ""
    pairs: bool = False

    def __post_init__(self) -> None:
        for name in ("title", "caption"):
            lines = str(getattr(self, name)).split("\n")
            object.__setattr__(self, name, "\n".join(line and visible(line) for line in lines))

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """A label for each query, such as `ate`, or with `pairs` `ate → an`."""
        read = [visible(token.text) for token in self.attention.queries]
        if not self.pairs or self.attention.predicts is None:
            return tuple(read)
        written = [token and visible(token.text) for token in self.attention.predicts]
        return tuple(f"{r} → {w}" if w else r for r, w in zip(read, written, strict=True))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """A label for each key."""
        return tuple(visible(token.text) for token in self.attention.keys)

    @cached_property
    def matrices(self) -> np.ndarray:
        """The weights to draw, float32 `[head, query, key]`, in the order of `heads`. Raises SelectionError."""
        return np.stack([self.attention.matrix(layer, head) for layer, head in self.heads])

    @cached_property
    def reachable(self) -> np.ndarray:
        """Bool `[query, key]`: false where the query may not look, which is drawn as nothing and not as a 0."""
        return reach(self.attention)

    @cached_property
    def top(self) -> float:
        """Where the scale of the colours ends: the largest weight, rounded up to a number that is easy to read."""
        return top_of(float(self.matrices.max(initial=0.0)))

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
        return tuple(f"L{layer}H{head}" for layer, head in self.heads)


def scene(trace: Trace, kind: str, heads: tuple[tuple[int, int], ...], title: str = "", caption: str = "") -> Scene:
    """A scene of some heads of `trace`, its rows labelled as that model's are. Raises SelectionError."""
    attention = trace[kind]
    beside_encoder = kind == "cross" or "cross" in trace.kinds or trace.target is not None
    return Scene(attention, heads, title, caption, pairs=beside_encoder and attention.predicts is not None)


def top_of(largest: float) -> float:
    """`largest`, from 0 to 1, rounded up to one or two significant digits; 1 where there is nothing to scale."""
    if largest <= 0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(largest)) / 2
    return float(f"{min(math.ceil(largest / step - 1e-6) * step, 1.0):.6g}")
