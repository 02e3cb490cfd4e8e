"""Several heads as small heatmaps in the terminal: a layer a row, a head a column, as large as a few screens allow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.scene import Scene
from attnviz.render.terminal.cells import Line, fit, ltr
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing, framed
from attnviz.render.terminal.grid_layout import GridLayout, Row, grid_layout
from attnviz.render.terminal.heatmap import axes, covering
from attnviz.render.terminal.matrix import lines, pooled

NAMED = 64
"""The tokens of so many rows and columns are named above a grid that has no room for them beside its tiles."""


@dataclass(frozen=True)
class Grid(Drawing):
    """Every head of every scene as something that rich prints, on one scale; it adapts to the console."""

    scenes: tuple[Scene, ...]
    options: PlotOptions = DEFAULT

    def is_coarse(self, width: int) -> bool:
        """Whether a picture would show more: of several heads it does."""
        return True

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        largest = max((scene.largest for scene in self.scenes), default=0.0)
        signed = any(scene.signed for scene in self.scenes)
        brush = Brush.on(console, scale_of(self.options, [scene.top for scene in self.scenes], largest, "dark", signed))
        for index, scene in enumerate(self.scenes):
            if index and self.scenes[index - 1].caption:
                yield Segment.line()
            yield from framed(scene, console_options.max_width, self._body(scene, brush, console_options.max_width))
        yield from brush.legend(
            max((scene.blank for scene in self.scenes), key=len, default=""), console_options.max_width
        )

    def _body(self, scene: Scene, brush: Brush, width: int) -> RenderResult:
        """The tiles of `scene`, and what their rows and columns are."""
        tiles = grid_layout(scene, width, halves=brush.halves)
        yield Text(_axes(scene, tiles), style="dim")
        if tiles.label:
            yield from tiles.names.listed(width)
        yield Segment.line()
        for line in _lines(tiles, brush, self.options.annotate is not False):
            yield from line
            yield Segment.line()


def grid(scenes: Sequence[Scene], options: PlotOptions = DEFAULT) -> Grid:
    """Every head of every scene as something that rich prints, on one scale; it adapts to the console."""
    return Grid(tuple(scenes), options)


def _axes(scene: Scene, tiles: GridLayout) -> str:
    """Rows and columns in words, where they are not beside the tiles; what a cell covers, where that is no token."""
    if tiles.label or tiles.block > 1 or scene.attention.is_pooled or max(scene.reachable.shape) > NAMED:
        named = axes(tiles.gutter - 1) if tiles.label else axes()
        return named + covering(scene, (tiles.block, tiles.block))
    return ltr(scene.axes)


def _lines(tiles: GridLayout, brush: Brush, annotate: bool) -> Iterator[Line]:
    for index, row in enumerate(tiles.rows):
        if row.headed:
            if index and not tiles.apart:
                yield []
            yield from ([Segment(text)] for text in _header(tiles, row))
        beside = _beside(tiles, row.layer)
        drawn = [_tile(tiles, brush, head, annotate and tiles.cell > 2) for head in row.heads]
        for y in range(tiles.tile_height):
            line = [Segment(beside[y])]
            for x, tile in enumerate(drawn):
                line += [Segment(" " * tiles.between)] if x else []
                line += tile[y]
            yield line
        if tiles.apart:
            yield []
    if not tiles.apart:
        yield []


def _header(tiles: GridLayout, row: Row) -> Iterator[str]:
    """The names of the heads, and below each those of its columns."""
    between, start = " " * tiles.between, " " * tiles.gutter
    yield (start + between.join(fit(name, tiles.width) for name in row.names))
    if tiles.label:
        yield start + between.join(fit(tiles.names.above(tiles.cuts[1]), tiles.width) for _ in row.names)


def _beside(tiles: GridLayout, layer: str) -> list[str]:
    """What stands to the left of each line of a row of tiles: its layer, and the names of the lines."""
    names = [layer, *[""] * (tiles.tile_height - 1)]
    if not tiles.label:
        return [fit(name, tiles.gutter) for name in names]
    beside, left = tiles.names.beside, tiles.gutter - tiles.label - 1
    labels = [fit("" if y is None else beside[y], tiles.label, "right") + " " for y in tiles.lines]
    return [fit(name, left) + label for name, label in zip(names, labels, strict=True)]


def _tile(tiles: GridLayout, brush: Brush, head: int | None, annotate: bool) -> list[Line]:
    """A head's weights, a line each of the same width; or as much room for one that there is not."""
    if head is None:
        return [[Segment(" " * tiles.width)]] * tiles.tile_height
    scene, block = tiles.scene, (tiles.block, tiles.block)
    weights = pooled(np.where(scene.reachable, scene.matrices[head], np.nan), block)
    drawn = [line for _, line in lines(brush, weights, tiles.cell, tiles.paired, tiles.cuts, annotate)]
    rest = [Segment(" " * (tiles.width - sum(segment.cell_length for segment in drawn[0])))]
    return [line + rest for line in drawn]
