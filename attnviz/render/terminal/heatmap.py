"""One head as a heatmap in the terminal, as wide as fits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.attention import Range
from attnviz.pooling import join_ranges
from attnviz.render import ticks
from attnviz.render.exclusion import removed_labels
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.scene import Scene
from attnviz.render.terminal.axis_names import AxisNames, axes_header, numbered_list
from attnviz.render.terminal.cells import DIM, Line, fit, ruler
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import SceneDrawing
from attnviz.render.terminal.heatmap_layout import REMOVED_WIDTH, HeatmapLayout
from attnviz.render.terminal.matrix import cuts, lines, parts, pooled

AROUND = 10
"""Lines of a screen that are kept free for the text above and below the cells."""
FEW = 20
"""Up to this many rows are named on any screen: a list of their names would take lines too."""
ANNOTATED = 4
"""The weights are written into cells of at least this width."""
EVERY = 10
"""Where cells are one column wide, one in this many has a number."""


@dataclass(frozen=True)
class Heatmap(SceneDrawing):
    """The first head of `scene` as a rich renderable."""

    scene: Scene
    options: PlotOptions = DEFAULT

    def is_coarse(self, width: int) -> bool:
        """Whether `width` columns are too narrow for the names of the columns."""
        return HeatmapLayout.of(self.scene, width).cell == 1

    def body(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The cells, their labels and the scale."""
        scene, width = self.scene, console_options.max_width
        brush = Brush.on(
            console, scale_of(self.options, [scene.top], scene.largest, "dark", scene.signed, scene.quantity)
        )
        layout = HeatmapLayout.of(scene, width, max(console.height - AROUND, FEW) if brush.halves else width)
        yield Text(axes_header(layout.label) + pooling_note(scene, layout.block), style="dim")
        names = AxisNames(scene, layout.cell)
        if layout.cell > 1:
            yield from names.listed(width)
        for line in self._lines(layout, names, brush):
            yield from line
            yield Segment.line()
        yield Segment.line()
        yield from brush.legend(scene.blank_note, width)
        if layout.cell == 1:
            yield from names.listed(width) if layout.named else _listed(scene, width)

    def _lines(self, layout: HeatmapLayout, names: AxisNames, brush: Brush) -> Iterator[Line]:
        """The column labels, then the rows."""
        scene, borders = self.scene, cuts(self.scene, layout.block)
        weights = pooled(np.where(scene.reachable, scene.matrices[0], np.nan), layout.block)
        rows, columns = (join_ranges(cells, size) for cells, size in zip(_cells(scene), layout.block, strict=True))
        header = names.above(borders[1]) if layout.cell > 1 else self._ruler(columns, layout.block[1], borders[1])
        labels = names.beside if layout.named else _numbers(rows, borders[0])
        removed = removed_labels(scene) if layout.named else []
        yield [Segment(" " * (layout.label + 1) + header + ("taken".rjust(REMOVED_WIDTH) if removed else ""))]
        annotate = layout.cell >= ANNOTATED and self.options.annotate is not False
        halves = brush.halves and not layout.named
        for y, line in lines(brush, weights, layout.cell, halves, borders, annotate):
            label = "" if y is None else labels[y]
            end = [Segment(brush.written(removed[y]).rjust(REMOVED_WIDTH), DIM)] if removed and y is not None else []
            yield [Segment(fit(label, layout.label, "right") + " "), *line, *end]

    def _ruler(self, columns: Sequence[Range], block: int, cuts: Sequence[int]) -> str:
        """The numbers of the first tokens of prominent columns, and of some others; `block` is the width of a cell."""
        prominent = [*dict.fromkeys(column // block for column in self.scene.prominent)]
        labels = _numbers(columns, cuts)
        for index in prominent:
            labels[index] = str(columns[index][0])
        return ruler(labels, 1, cuts, prominent)


def heatmap(scene: Scene, options: PlotOptions = DEFAULT) -> Heatmap:
    """The first head of `scene` as a rich renderable."""
    return Heatmap(scene, options)


def pooling_note(scene: Scene, block: Range) -> str:
    """The end of a header: what a cell covers, if that is more than one token."""
    note = ticks.pooling_note(*(join_ranges(cells, size) for cells, size in zip(_cells(scene), block, strict=True)))
    return note and f"   {note}"


def _cells(scene: Scene) -> tuple[Sequence[Range], Sequence[Range]]:
    """The tokens of each row, and of each column."""
    return scene.attention.rows, scene.attention.columns


def _numbers(cells: Sequence[Range], cuts: Sequence[int]) -> list[str]:
    """The number of the first token of one in `EVERY` cells, counted again from each of `cuts`; "" for the others."""
    labels = [""] * len(cells)
    for part in parts(len(cells), cuts):
        for index in part[::EVERY]:
            labels[index] = str(cells[index][0])
    return labels


def _listed(scene: Scene, width: int) -> Iterator[Text]:
    """The tokens with their numbers, where neither rows nor columns are named."""
    attention, (rows, columns) = scene.attention, _cells(scene)
    if (attention.queries, rows) == (attention.keys, columns):
        yield from numbered_list("tokens", scene.rows, rows, width)
    else:
        yield from numbered_list("queries", scene.rows, rows, width)
        yield from numbered_list("keys", scene.columns, columns, width)
