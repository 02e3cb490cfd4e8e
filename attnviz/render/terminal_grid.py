"""Several heads as small heatmaps in the terminal, as many side by side as fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.render.cells import DIM, Line, fit, heading, ltr
from attnviz.render.look import DEFAULT, Look
from attnviz.render.scale import scale_of
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.terminal import covering
from attnviz.render.terminal_colours import Brush
from attnviz.render.terminal_matrix import Cuts, cuts, lines, pooled

GAP = 2
SIDES = (64, 48, 32, 24)
"""A head of more cells than one of these is drawn in blocks of them, each by its largest weight."""
TALL = 60
"""Tiles are smaller where a grid would be more lines than this."""
GENEROUS = 20
"""Cells of so many tokens may be two columns wide."""
NAMED = 64
"""The tokens of so many rows and columns are named above the grid."""


@dataclass(frozen=True)
class Grid:
    """Every head of every scene as something that rich prints, on one scale; it adapts to the console."""

    scenes: tuple[Scene, ...]
    look: Look = DEFAULT

    def is_coarse(self, width: int) -> bool:
        """Whether `width` columns leave no room for words beside the weights: they never do."""
        return True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        largest = max((float(scene.matrices.max(initial=0.0)) for scene in self.scenes), default=0.0)
        brush = Brush.on(console, scale_of(self.look, [scene.top for scene in self.scenes], largest))
        for at, scene in enumerate(self.scenes):
            if at and self.scenes[at - 1].caption:
                yield Segment.line()
            if scene.title:
                yield heading(scene.title, options.max_width)
            tiles = Tiles.of(scene, brush, options.max_width)
            yield Text(_axes(scene, tiles.block), style="dim")
            yield Segment.line()
            for row in tiles.rows(options.max_width):
                yield from _side_by_side([tiles.lines(at) for at in row])
                yield Segment.line()
            if scene.caption:
                yield Text(scene.caption, style="dim")
        yield from brush.legend(max((scene.blank for scene in self.scenes), key=len, default=""), options.max_width)


def grid(scenes: Sequence[Scene], look: Look = DEFAULT) -> Grid:
    """Every head of every scene as something that rich prints, on one scale; it adapts to the console."""
    return Grid(tuple(scenes), look)


@dataclass(frozen=True)
class Tiles:
    """The heads of one scene, each a block of lines of the same width: cells of `cell` columns, pooled by `block`."""

    scene: Scene
    brush: Brush
    cell: int
    block: int

    @classmethod
    def of(cls, scene: Scene, brush: Brush, width: int) -> "Tiles":
        """The largest tiles that fit, and at which the grid stays within a screen or two; else the smallest."""
        longest = max(scene.reachable.shape)
        cells = [1] if brush.depth else [2]
        if longest <= GENEROUS:
            cells = [2, *cells]
        blocks = dict.fromkeys(-(-longest // side) for side in SIDES)
        choices = [cls(scene, brush, cell, block) for block in blocks for cell in cells]
        return next((tiles for tiles in choices if tiles.width <= width and tiles.height(width) <= TALL), choices[-1])

    @property
    def width(self) -> int:
        """How many columns a tile takes."""
        wide: int = -(-self.scene.reachable.shape[1] // self.block) * self.cell + len(self._cuts[1])
        return max(wide, *map(len, self.scene.names))

    def height(self, width: int) -> int:
        """How many lines the grid takes in `width` columns."""
        high: int = -(-self.scene.reachable.shape[0] // self.block) + len(self._cuts[0])
        return len(self.rows(width)) * (2 + (high + 1) // 2 if self.halved else 2 + high)

    @property
    def halved(self) -> bool:
        """Whether a line shows two rows of weights."""
        return self.cell == 1 and self.brush.depth > 0

    def rows(self, width: int) -> list[list[int]]:
        """The heads, by their places in the scene, in rows of tiles; a layer of several heads begins its own row."""
        across = max(1, (width + GAP) // (self.width + GAP))
        heads = enumerate(self.scene.heads)
        by_layer = [[at for at, _ in group] for _, group in groupby(heads, key=lambda head: head[1][0])]
        groups = by_layer if any(len(group) > 1 for group in by_layer) else [[at for group in by_layer for at in group]]
        return [part for group in groups for part in _evenly(group, across)]

    def lines(self, at: int) -> list[Line]:
        """Head `at` of the scene: its name, then its weights."""
        weights = np.where(self.scene.reachable, self.scene.matrices[at], -1.0)
        block = (self.block, self.block)
        name = [Segment(fit(self.scene.names[at], self.width), DIM)]
        drawn = [line for _, line in lines(self.brush, pooled(weights, block), self.cell, self._cuts)]
        rest = [Segment(" " * (self.width - sum(segment.cell_length for segment in drawn[0])))]
        return [name, *(line + rest for line in drawn)]

    @property
    def _cuts(self) -> Cuts:
        return cuts(self.scene, (self.block, self.block))


def _evenly(group: list[int], across: int) -> Iterator[list[int]]:
    """`group` in rows of at most `across`: 12 where 10 fit are 6 and 6."""
    even = -(-len(group) // -(-len(group) // across))
    for start in range(0, len(group), even):
        yield group[start : start + even]


def _side_by_side(row: list[list[Line]]) -> Iterator[Segment]:
    for y in range(len(row[0])):
        for x, tile in enumerate(row):
            if x:
                yield Segment(" " * GAP)
            yield from tile[y]
        yield Segment.line()


def _axes(scene: Scene, block: int) -> str:
    """Rows and columns in words, or how many tokens a cell stands for."""
    size = max(scene.reachable.shape)
    if not scene.attention.is_pooled and size <= NAMED:
        return ltr(scene.axes)
    return f"{FROM} ↓   {TO} →{covering(scene, (block, block))}"
