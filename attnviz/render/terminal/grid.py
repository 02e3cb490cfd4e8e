"""Several heads as small heatmaps in the terminal, one row for each layer, as large as fits a few screens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.analysis.methods import METHODS, RAW
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.scene import Scene
from attnviz.render.terminal.axis_names import axes_header
from attnviz.render.terminal.cells import Line, fit, ltr
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing, framed
from attnviz.render.terminal.grid_layout import GridLayout, Row, grid_layout
from attnviz.render.terminal.heatmap import pooling_note
from attnviz.render.terminal.matrix import lines, pooled

NAMED = 64
"""Up to this many rows and columns are named above a grid that has no room for names beside its tiles."""


@dataclass(frozen=True)
class Grid(Drawing):
    """Every head of every scene on one scale, as a rich renderable."""

    scenes: tuple[Scene, ...]
    options: PlotOptions = DEFAULT

    def is_coarse(self, width: int) -> bool:
        """Always true: a picture shows more of several heads."""
        return True

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        largest = max((scene.largest for scene in self.scenes), default=0.0)
        signed = any(scene.signed for scene in self.scenes)
        quantities = {scene.quantity for scene in self.scenes}
        quantity = quantities.pop() if len(quantities) == 1 else METHODS[RAW].quantity
        tops = [scene.top for scene in self.scenes]
        brush = Brush.on(console, scale_of(self.options, tops, largest, "dark", signed, quantity))
        for index, scene in enumerate(self.scenes):
            if index and self.scenes[index - 1].caption:
                yield Segment.line()
            yield from framed(scene, console_options.max_width, self._body(scene, brush, console_options.max_width))
        yield from brush.legend(
            max((scene.blank_note for scene in self.scenes), key=len, default=""), console_options.max_width
        )

    def _body(self, scene: Scene, brush: Brush, width: int) -> RenderResult:
        """The tiles of `scene`, and what their rows and columns are."""
        layout = grid_layout(scene, width, halves=brush.halves)
        yield Text(_axes(scene, layout), style="dim")
        if layout.label:
            yield from layout.names.listed(width)
        yield Segment.line()
        for line in _lines(layout, brush, self.options.annotate is not False):
            yield from line
            yield Segment.line()


def grid(scenes: Sequence[Scene], options: PlotOptions = DEFAULT) -> Grid:
    """Every head of every scene on one scale, as a rich renderable."""
    return Grid(tuple(scenes), options)


def _axes(scene: Scene, layout: GridLayout) -> str:
    """The names of the axes; the tokens where the tiles have no names; what a cell covers if it is several tokens."""
    if layout.label or layout.block > 1 or scene.attention.is_pooled or max(scene.reachable.shape) > NAMED:
        header = axes_header(layout.gutter - 1 if layout.label else 0)
        return header + pooling_note(scene, (layout.block, layout.block))
    return ltr(scene.axes)


def _lines(layout: GridLayout, brush: Brush, annotate: bool) -> Iterator[Line]:
    for index, row in enumerate(layout.rows):
        if row.headed:
            if index and not layout.has_gaps:
                yield []
            yield from ([Segment(text)] for text in _header(layout, row))
        beside = _beside(layout, row.layer)
        drawn = [_tile(layout, brush, head, annotate and layout.cell > 2) for head in row.heads]
        for y in range(layout.tile_height):
            line = [Segment(beside[y])]
            for x, tile in enumerate(drawn):
                line += [Segment(" " * layout.between)] if x else []
                line += tile[y]
            yield line
        if layout.has_gaps:
            yield []
    if not layout.has_gaps:
        yield []


def _header(layout: GridLayout, row: Row) -> Iterator[str]:
    """The names of the heads, and below each head the names of its columns."""
    between, start = " " * layout.between, " " * layout.gutter
    yield (start + between.join(fit(name, layout.width) for name in row.names))
    if layout.label:
        yield start + between.join(fit(layout.names.above(layout.cuts[1]), layout.width) for _ in row.names)


def _beside(layout: GridLayout, layer: str) -> list[str]:
    """The text left of each line of a row of tiles: the layer, and the names of the rows."""
    names = [layer, *[""] * (layout.tile_height - 1)]
    if not layout.label:
        return [fit(name, layout.gutter) for name in names]
    beside, left = layout.names.beside, layout.gutter - layout.label - 1
    labels = [fit("" if y is None else beside[y], layout.label, "right") + " " for y in layout.lines]
    return [fit(name, left) + label for name, label in zip(names, labels, strict=True)]


def _tile(layout: GridLayout, brush: Brush, head: int | None, annotate: bool) -> list[Line]:
    """The lines of a head's weights, all of the same width; empty lines for None."""
    if head is None:
        return [[Segment(" " * layout.width)]] * layout.tile_height
    scene, block = layout.scene, (layout.block, layout.block)
    weights = pooled(np.where(scene.reachable, scene.matrices[head], np.nan), block)
    drawn = [line for _, line in lines(brush, weights, layout.cell, layout.paired, layout.cuts, annotate)]
    rest = [Segment(" " * (layout.width - sum(segment.cell_length for segment in drawn[0])))]
    return [line + rest for line in drawn]
