"""One head as a heatmap in the terminal, as wide as the terminal lets it be."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.attention import Range
from attnviz.pooling import join_ranges
from attnviz.render import ticks
from attnviz.render.exclusion import removed_labels
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.terminal.axis_names import Names, numbered_list
from attnviz.render.terminal.cells import DIM, Line, fit, ruler
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import SceneDrawing
from attnviz.render.terminal.matrix import cuts, lines, parts, pooled

LONGEST, SHORTEST = 28, 8
"""No word beside a row is longer, in terminal cells, and none is cut to less."""
TAKEN = 6
"""The column of what each row lost."""
AROUND = 10
"""So many lines of a screen are left for what stands above and below the cells."""
FEW = 20
"""So many rows have their names beside them on any screen: a list of them would take lines, too."""
NUMBERED = (5, 4, 3, 2)
"""How wide cells are whose columns are numbered."""
ANNOTATED = 4
"""In cells so wide the weights are written."""
EVERY = 10
"""One in how many cells is numbered where cells are one column wide."""


@dataclass(frozen=True)
class Layout:
    """How a scene is fitted into a width.

    `label` is the width of what stands beside the rows and `cell` that of a cell, in columns of the terminal; `block`
    is how many rows and columns are pooled to one. With `named`, each row has a line and its name beside it; else
    one in `EVERY` has a number. So have columns where a cell is one column wide.
    """

    label: int
    cell: int
    named: bool = True
    block: Range = (1, 1)

    @classmethod
    def of(cls, scene: Scene, width: int, height: float = math.inf) -> "Layout":
        """The roomiest layout that fits: words above the columns, or numbers; a number now and then; pooled cells.

        Cells of one column have their rows' names beside them where rows are no more than `height`.
        """
        free = width - 1 - len(cuts(scene)[1]) - (0 if scene.removed_mass is None else TAKEN)
        n, longest = len(scene.columns), max(map(cell_len, scene.columns))
        most = min(LONGEST, max(width // 3, SHORTEST))
        label = min(max(map(cell_len, scene.rows)), most)
        for cell in (max(longest + 2, 6), max(longest + 1, 5)):
            if n * cell <= free - label:
                return cls(cls._aligned(label, free - label - n * cell), cell)
        cell = (free - label) // n
        if cell > 1 and not Names(scene, cell).numbered:
            return cls(label, cell)
        least, label = (Names(scene, 1).width(longest) for longest in (SHORTEST, most))
        for cell in NUMBERED:
            if n * cell <= free - label:
                return cls(label, cell)
        if least <= free - 2 * n:
            return cls(free - 2 * n, 2)
        if not any(stop - start > 1 for start, stop in scene.attention.rows) and len(scene.rows) <= height:
            label = min(label, free - n) if least <= free - n else label
            return cls(label, 1, block=(1, -(-n // max(free - label, 2))))
        label = max(len(str(cells[-1][0])) for cells in (scene.attention.rows, scene.attention.columns))
        rows, columns = (max(1, -(-size // max(free - label, 2))) for size in scene.reachable.shape)
        return cls(label, 1, False, (rows, columns))

    @staticmethod
    def _aligned(label: int, free: int) -> int:
        """The width of row labels: that of their axis' name, too, where that takes no more than `free` cells more."""
        named = len(axes().split("   ")[0])
        return max(label, named) if named - label <= free else label


@dataclass(frozen=True)
class Heatmap(SceneDrawing):
    """The first head of `scene` as something that rich prints; it adapts to the console's width and colours."""

    scene: Scene
    options: PlotOptions = DEFAULT

    def is_coarse(self, width: int) -> bool:
        """Whether `width` columns leave no room for the names of the columns."""
        return Layout.of(self.scene, width).cell == 1

    def body(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn between its title and its caption."""
        scene, width = self.scene, console_options.max_width
        brush = Brush.on(console, scale_of(self.options, [scene.top], scene.largest, "dark", scene.signed))
        layout = Layout.of(scene, width, max(console.height - AROUND, FEW) if brush.halves else width)
        yield Text(axes(layout.label) + covering(scene, layout.block), style="dim")
        names = Names(scene, layout.cell)
        if layout.cell > 1:
            yield from names.listed(width)
        for line in self._lines(layout, names, brush):
            yield from line
            yield Segment.line()
        yield Segment.line()
        yield from brush.legend(scene.blank, width)
        if layout.cell == 1:
            yield from names.listed(width) if layout.named else _listed(scene, width)

    def _lines(self, layout: Layout, names: Names, brush: Brush) -> Iterator[Line]:
        """The column labels, then the rows."""
        scene, borders = self.scene, cuts(self.scene, layout.block)
        weights = pooled(np.where(scene.reachable, scene.matrices[0], np.nan), layout.block)
        rows, columns = (join_ranges(cells, size) for cells, size in zip(_cells(scene), layout.block, strict=True))
        header = names.above(borders[1]) if layout.cell > 1 else self._ruler(columns, layout.block[1], borders[1])
        labels = names.beside if layout.named else _numbers(rows, borders[0])
        emptied = removed_labels(scene) if layout.named else []
        yield [Segment(" " * (layout.label + 1) + header + ("taken".rjust(TAKEN) if emptied else ""))]
        annotate = layout.cell >= ANNOTATED and self.options.annotate is not False
        halves = brush.halves and not layout.named
        for y, line in lines(brush, weights, layout.cell, halves, borders, annotate):
            label = "" if y is None else labels[y]
            beside = [Segment(brush.written(emptied[y]).rjust(TAKEN), DIM)] if emptied and y is not None else []
            yield [Segment(fit(label, layout.label, "right") + " "), *line, *beside]

    def _ruler(self, columns: Sequence[Range], block: int, cuts: Sequence[int]) -> str:
        """The first tokens of `columns`, which are so many of the scene's each: of bright ones, and of some others."""
        bright = [*dict.fromkeys(column // block for column in self.scene.bright)]
        labels = _numbers(columns, cuts)
        for index in bright:
            labels[index] = str(columns[index][0])
        return ruler(labels, 1, cuts, bright)


def heatmap(scene: Scene, options: PlotOptions = DEFAULT) -> Heatmap:
    """The first head of `scene` as something that rich prints; it adapts to the console's width and colours."""
    return Heatmap(scene, options)


def axes(label: int = 0) -> str:
    """The names of the axes: that of the rows ends above their labels, which are `label` cells wide."""
    return f"{FROM} ↓".rjust(label) + f"   {TO} →"


def covering(scene: Scene, block: Range) -> str:
    """What a cell covers where that is more than one token: the end of a header."""
    said = ticks.covering(*(join_ranges(cells, size) for cells, size in zip(_cells(scene), block, strict=True)))
    return said and f"   {said}"


def _cells(scene: Scene) -> tuple[Sequence[Range], Sequence[Range]]:
    """The tokens of each row, and of each column."""
    return scene.attention.rows, scene.attention.columns


def _numbers(cells: Sequence[Range], cuts: Sequence[int]) -> list[str]:
    """The first token of one in `EVERY` cells, counted anew from each of `cuts`; nothing for the others."""
    labels = [""] * len(cells)
    for part in parts(len(cells), cuts):
        for index in part[::EVERY]:
            labels[index] = str(cells[index][0])
    return labels


def _listed(scene: Scene, width: int) -> Iterator[Text]:
    """The tokens by their numbers, where they stand neither beside the rows nor above the columns."""
    attention, (rows, columns) = scene.attention, _cells(scene)
    if (attention.queries, rows) == (attention.keys, columns):
        yield from numbered_list("tokens", scene.rows, rows, width)
    else:
        yield from numbered_list("queries", scene.rows, rows, width)
        yield from numbered_list("keys", scene.columns, columns, width)
