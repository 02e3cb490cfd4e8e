"""One head as a heatmap in the terminal, as wide as the terminal lets it be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.attention import Range
from attnviz.pooling import joined
from attnviz.render import ticks
from attnviz.render.look import DEFAULT, Look
from attnviz.render.scale import scale_of
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.taken import losses
from attnviz.render.terminal.cells import (
    DIM,
    Line,
    above,
    across,
    fit,
    flowing,
    graphemes,
    heading,
    ltr,
    readable,
    ruler,
)
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.terminal.matrix import Cuts, cuts, lines, parts, pooled

LONGEST, TALLEST = 28, 12
"""No row label is longer, and no column label taller, in terminal cells."""
TAKEN = 6
"""The column of what each row lost."""
SHORTEST = 6
"""Row labels are cut to no less, where that leaves room for the words of the columns."""
CUT = 7
"""Where a word above the columns is cut, these are at least so wide."""
LISTED = 200
"""So many tokens are listed below a heatmap whose axes have room only for their numbers."""
EVERY = {1: 10, 2: 5}
"""One in how many cells is numbered on such axes, by their width."""


@dataclass(frozen=True)
class Layout:
    """How a scene is fitted into a width.

    `label` is the width of the row labels and `cell` that of a cell, in columns of the terminal; the labels above are
    written `across`, `down`wards, or are token `numbers`; `block` is how many rows and columns are pooled to one.
    """

    label: int
    cell: int
    above: str
    block: Range = (1, 1)

    @classmethod
    def of(cls, scene: Scene, width: int) -> "Layout":
        """The roomiest layout that fits: words on one line, on three, downwards; token numbers; pooled cells."""
        words = not scene.attention.is_pooled
        label = min(max(map(cell_len, scene.rows)), LONGEST, max(width // 3, 8))
        taken, n = 1 + len(cuts(scene)[1]) + (0 if scene.taken is None else TAKEN), len(scene.columns)
        room = max(width - label - taken, 2)
        longest = max(map(cell_len, scene.columns))
        for wide in (max(longest + 2, 6), max(longest + 1, 5)):
            if n * wide <= room:
                return cls(cls._aligned(label, room - n * wide), wide, "across")
        wide = min(room // n, longest + 1)
        if scene.rows == scene.columns and wide >= CUT and readable(scene.columns, wide - 1):
            return cls(label, wide, "across")
        for cell in (5, 4, 2) if words else ():
            if n * cell <= room:
                return cls(label, cell, "down")
        if words and min(label, SHORTEST) <= width - taken - 2 * n:
            return cls(width - taken - 2 * n, 2, "down")
        label = max(len(str(cells[-1][0])) for cells in (scene.attention.rows, scene.attention.columns))
        room = max(width - label - taken, 2)
        cell = 2 if 2 * n <= room and 2 * len(scene.rows) <= room else 1
        rows, columns = (max(1, -(-size // room)) for size in scene.reachable.shape)
        return cls(label, cell, "numbers", (rows, columns))

    @staticmethod
    def _aligned(label: int, free: int) -> int:
        """The width of row labels: that of their axis' name, too, where that takes no more than `free` cells more."""
        named = len(axes().split("   ")[0])
        return max(label, named) if named - label <= free else label


@dataclass(frozen=True)
class Heatmap(Drawing):
    """The first head of `scene` as something that rich prints; it adapts to the console's width and colours."""

    scene: Scene
    look: Look = DEFAULT

    def is_coarse(self, width: int) -> bool:
        """Whether `width` columns leave no room for words beside the weights."""
        return Layout.of(self.scene, width).above == "numbers"

    def parts(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        scene, layout = self.scene, Layout.of(self.scene, options.max_width)
        brush = Brush.on(console, scale_of(self.look, [scene.top], scene.largest, "dark", scene.signed))
        if scene.title:
            yield heading(scene.title, options.max_width)
        yield Text(axes(layout.label) + covering(scene, layout.block), style="dim")
        for line in self._lines(layout, brush):
            yield from line
            yield Segment.line()
        yield Segment.line()
        yield from brush.legend(scene.blank, options.max_width)
        if layout.above == "numbers":
            yield from _listed(scene, options.max_width)
        if scene.caption:
            yield Text(scene.caption, style="dim")

    def _lines(self, layout: Layout, brush: Brush) -> Iterator[Line]:
        """The column labels, then the rows."""
        scene, at = self.scene, cuts(self.scene, layout.block)
        weights = pooled(np.where(scene.reachable, scene.matrices[0], np.nan), layout.block)
        header = _above(scene, layout, at)
        lost = losses(scene) if layout.cell > 1 else []
        for text in (*header[:-1], header[-1] + "taken".rjust(TAKEN)) if lost else header:
            yield [Segment(" " * (layout.label + 1) + text)]
        if layout.above == "numbers":
            labels = _numbers(joined(scene.attention.rows, layout.block[0]), EVERY[layout.cell], at[0])
        else:
            labels = list(scene.rows)
        annotate = layout.cell > 2 and self.look.annotate is not False
        for y, line in lines(brush, weights, layout.cell, at, annotate):
            label = "" if y is None else labels[y]
            beside = [Segment(brush.written(lost[y]).rjust(TAKEN), DIM)] if lost and y is not None else []
            yield [Segment(fit(label, layout.label, "right") + " "), *line, *beside]


def heatmap(scene: Scene, look: Look = DEFAULT) -> Heatmap:
    """The first head of `scene` as something that rich prints; it adapts to the console's width and colours."""
    return Heatmap(scene, look)


def axes(label: int = 0) -> str:
    """The names of the axes: that of the rows ends above their labels, which are `label` cells wide."""
    return f"{FROM} ↓".rjust(label) + f"   {TO} →"


def covering(scene: Scene, block: Range) -> str:
    """What a cell covers where that is more than one token: the end of a header."""
    attention = scene.attention
    said = ticks.covering(joined(attention.rows, block[0]), joined(attention.columns, block[1]))
    return said and f"   {said}"


def _above(scene: Scene, layout: Layout, at: Cuts) -> list[str]:
    """What is written above the cells, a string a line."""
    if layout.above == "numbers":
        cells = joined(scene.attention.columns, layout.block[1])
        return [ruler(_numbers(cells, EVERY[layout.cell], at[1]), layout.cell, at[1])]
    if layout.above == "down":
        return above([graphemes(label) for label in scene.columns], layout.cell, TALLEST, at[1])
    return [across(scene.columns, layout.cell, at[1])]


def _numbers(cells: Sequence[Range], every: int, cuts: Sequence[int]) -> list[str]:
    """The first token of every so many cells, counted anew from each of `cuts`; nothing for the others."""
    labels = [""] * len(cells)
    for part in parts(len(cells), cuts):
        for at in part[::every]:
            labels[at] = str(cells[at][0])
    return labels


def _listed(scene: Scene, width: int) -> Iterator[Text]:
    """The tokens by their numbers, where cells of the trace are single tokens, and not too many."""
    attention = scene.attention
    if attention.is_pooled:
        return
    keys, queries = (_entries(*axis) for axis in ((scene.columns, attention.columns), (scene.rows, attention.rows)))
    same = (attention.queries, attention.rows) == (attention.keys, attention.columns)
    lists = {"tokens": queries} if same else {"queries": queries, "keys": keys}
    for name, entries in lists.items():
        if len(entries) <= LISTED:
            yield from flowing([Text(f"{name}:", style="dim"), *entries], width)


def _entries(labels: Sequence[str], cells: Sequence[Range]) -> list[Text]:
    return [Text.assemble((f"{start} ", "dim"), ltr(label)) for label, (start, _) in zip(labels, cells, strict=True)]
