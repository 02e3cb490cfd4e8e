"""Several heads as small heatmaps in the terminal, as many side by side as fit."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.render.cells import DIM, Line, colour, fit, halves, in_colour, legend, shading
from attnviz.render.colours import shade
from attnviz.render.scene import Scene

GAP = 2
LARGEST = 64
"""A head of more tokens than this is drawn in blocks of tokens, each by its largest weight."""


def grid(scenes: Sequence[Scene]) -> RenderableType:
    """Every head of every scene as something that rich prints, on one scale; it adapts to the console."""
    return Grid(tuple(scenes))


@dataclass(frozen=True)
class Grid:
    """What `grid` gives to rich."""

    scenes: tuple[Scene, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        coloured, width = in_colour(console), options.max_width
        top = max((scene.top for scene in self.scenes), default=1.0)
        for scene in self.scenes:
            if scene.title:
                yield Text(scene.title, style="bold")
            yield Text(scene.axes, style="dim")
            yield Segment.line()
            for row in _rows(scene, _Tiles(scene, top, coloured, width), width):
                yield from _side_by_side(row)
                yield Segment.line()
            if scene.caption:
                yield Text(scene.caption, style="dim")
        yield from legend(top, coloured, not all(scene.reachable.all() for scene in self.scenes), width)


class _Tiles:
    """The heads of one scene, each a block of lines of the same width."""

    def __init__(self, scene: Scene, top: float, coloured: bool, width: int) -> None:
        self.scene, self.top, self.coloured = scene, top, coloured
        n, m = scene.reachable.shape
        # Two columns a cell are square and generous: worth it for few tokens, or where it costs no row of tiles.
        few, across = max(n, m) <= 8, [max(1, (width + GAP) // (m * cell + GAP)) for cell in (1, 2)]
        largest = max(Counter(layer for layer, _ in scene.heads).values())
        same = max(n, m) <= 20 and -(-largest // across[0]) == -(-largest // across[1])
        self.halved = coloured and not ((few or same) and 2 * m <= width)
        self.cell = 1 if self.halved else 2
        self.block = max(1, -(-m * self.cell // min(width, LARGEST * self.cell)))
        self.width = max(-(-m // self.block) * self.cell, max(map(len, scene.names)))

    def lines(self, at: int) -> list[Line]:
        """Head `at` of the scene: its name, then its weights."""
        weights = _pooled(np.where(self.scene.reachable, self.scene.matrices[at], -1.0), self.block)
        name = [Segment(fit(self.scene.names[at], self.width), DIM)]
        used = weights.shape[1] * self.cell
        rest = [Segment(" " * (self.width - used))]
        return [name, *(line + rest for line in self._weights(weights))]

    def _weights(self, weights: np.ndarray) -> Iterator[Line]:
        indices = np.where(weights < 0, -1, shade(weights, self.top).astype(int))
        if self.halved:
            if len(indices) % 2:
                indices = np.vstack([indices, np.full_like(indices[:1], -1)])
            for upper, lower in zip(indices[::2].tolist(), indices[1::2].tolist(), strict=True):
                yield [halves(u, w) for u, w in zip(upper, lower, strict=True)]
        elif self.coloured:
            for row in indices.tolist():
                yield [Segment("  ", colour(index)) if index >= 0 else Segment("  ") for index in row]
        else:
            for row in weights.tolist():
                yield [Segment("".join("  " if weight < 0 else shading(weight, self.top) for weight in row))]


def _rows(scene: Scene, tiles: _Tiles, width: int) -> Iterator[list[list[Line]]]:
    """The tiles in rows as wide as the console; a layer with several heads begins a row of its own."""
    across = max(1, (width + GAP) // (tiles.width + GAP))
    by_layer = [[at for at, _ in group] for _, group in groupby(enumerate(scene.heads), key=lambda head: head[1][0])]
    groups = by_layer if any(len(group) > 1 for group in by_layer) else [[at for group in by_layer for at in group]]
    for group in groups:
        even = -(-len(group) // -(-len(group) // across))  # 12 heads where 10 fit: 6 and 6
        for start in range(0, len(group), even):
            yield [tiles.lines(at) for at in group[start : start + even]]


def _side_by_side(row: list[list[Line]]) -> Iterator[Segment]:
    for y in range(len(row[0])):
        for x, tile in enumerate(row):
            if x:
                yield Segment(" " * GAP)
            yield from tile[y]
        yield Segment.line()


def _pooled(weights: np.ndarray, block: int) -> np.ndarray:
    """`weights` `[query, key]` in square blocks, each by its largest weight."""
    if block == 1:
        return weights
    rows = np.maximum.reduceat(weights, np.arange(0, len(weights), block), 0)
    return np.maximum.reduceat(rows, np.arange(0, weights.shape[1], block), 1)
