"""One head as a heatmap, in a picture: what is drawn where."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from attnviz.attention import Range, Token
from attnviz.errors import PlotOptionError
from attnviz.labels import visible
from attnviz.render.colours import ink
from attnviz.render.exclusion import removed_labels
from attnviz.render.options import PlotOptions
from attnviz.render.picture.page import DPI, Box, Page, bar_height, bar_width, line_height
from attnviz.render.picture.text_style import TextStyle
from attnviz.render.scale import Scale
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.ticks import Tick, axis_name, is_numbered, numbers, segments, words
from attnviz.render.weight_format import format_weight

LONGEST = 1.7
"""The longest label of the usual size, in inches."""
TAKEN = "taken"
"""The heading of the mass that each row lost."""
LARGEST = 7.0
"""The longest side of all cells, in inches, with labels of the usual size."""
PITCH = 0.85
"""The least distance from one label to the next, in lines of text."""
TICK, PAD = 3.0, 3.0
"""The length of the mark from a label to its cell, where not all have one, and the gap beside a label, in points."""
ANNOTATED = 200
"""Weights are written into at most this many cells, unless `annotate` is set."""
LINE = 0.08
"""The greatest width of the frame of a cell, as a fraction of the cell."""
NUMBER_WIDTH = 0.85
"""The greatest width of a number, as a fraction of the width of its cell."""
READABLE, LEGIBLE = 4.0, 6.0
"""The smallest number, in points, with `annotate`, and without it."""


class Number(NamedTuple):
    """A weight to write into a cell, in the colour that is readable there; the largest of its row is a peak."""

    row: int
    column: int
    text: str
    colour: str
    is_peak: bool


class HeatmapPanel:
    """The first head of a scene: its cells, their labels, the names of the axes and a colour bar.

    It says where everything is; `heatmap_axes` draws the cells and their labels with matplotlib, and `heatmap_pixels`
    without.
    """

    def __init__(
        self, scene: Scene, scale: Scale, text_style: TextStyle, options: PlotOptions, area: Box = (None, None)
    ) -> None:
        self.scene, self.scale, self.text_style = scene, scale, text_style
        self.attention, self.small_line = scene.attention, line_height(text_style.small)
        n, m = len(scene.rows), len(scene.columns)
        width, height = ((inches and inches / count) for inches, count in zip(area, (m, n), strict=True))
        side = min(0.56, LARGEST / max(n, m), width or LARGEST)
        side = (
            max(side, min(PITCH * text_style.line, LARGEST * text_style.typesetting.zoom / max(n, m)))
            if width is None
            else side
        )
        few = max(side, min(PITCH * text_style.line, LARGEST / 2 / min(n, m)))
        across_side, down_side = (
            given or _whole(few if count < other else side, options.dpi or DPI)
            for given, count, other in ((width, m, n), (height, n, m))
        )
        a, inches = self.attention, (n * down_side, m * across_side)
        self.rows, down = _ticks(a.rows, _words(a.rows, scene.rows, a.queries), inches[0], text_style)
        labels = _words(a.columns, scene.columns, a.keys)
        self.columns, across = _ticks(a.columns, labels, inches[1], text_style, scene.prominent)
        numbered = [
            not _in_words(cells, side, text_style) for cells, side in zip((a.rows, a.columns), inches, strict=True)
        ]
        self.left = down + 0.14
        available = max(LARGEST, m * side) if width is None else m * width
        apart = m * across_side / max(len(self.columns), 1)
        level = numbered[1] or across + 0.04 <= apart or m * max(across + 0.1, across_side) <= available
        self.turned = 0 if level else 45 if across_side > 1.3 * text_style.line else 90
        spread = width is None and not self.turned and len(self.columns) == m
        roomy = _whole(min(across + 0.2, available / m), options.dpi or DPI) if spread else 0.0
        self.cell = max(across_side, roomy), down_side
        self.area = m * self.cell[0], n * self.cell[1]
        self.names = axis_name(TO, a.columns, numbered[1]), axis_name(FROM, a.rows, numbered[0])
        beyond = max(text_style.sized(text_style.small).width(self.names[1]) - self.area[1], 0.0) / 2
        self.cells_height = max(bar_height(scale, text_style.typesetting, self.area[1]), self.area[1] + beyond)
        self.losses = removed_labels(scene) if len(self.rows) == n and not is_numbered(self.attention.rows) else []
        self.beside = text_style.sized(text_style.small).width(TAKEN) + 0.1 if self.losses else 0.0
        self.label_height = 0.1 + {0: text_style.line, 45: across * 0.72 + 0.1, 90: across + 0.08}[self.turned]
        slanted = across * 0.72 - self.cell[0] / 2 if self.turned == 45 else 0  # the last label goes beyond the edge
        self.width = (
            self._before + self.area[0] + max(self.beside + 0.2 + bar_width(scale, text_style.typesetting), slanted)
        )
        below = 0.08 + self.small_line if scene.blank_reasons else 0.0
        self.height = self.above + self.cells_height + below
        fits = scene.matrices[0].size <= ANNOTATED and self.number_size >= LEGIBLE
        self.annotated = fits if options.annotate is None else options.annotate

    @property
    def above(self) -> float:
        """The height of what stands above the cells: the name of the columns, and their labels."""
        return self.small_line + self.label_height

    @property
    def labels(self) -> int:
        """How many rows and columns have a label."""
        return len(self.rows) + len(self.columns)

    @property
    def _before(self) -> float:
        """The width left of the cells, for the name of the rows and their labels, in inches."""
        return self.small_line + self.left

    def draw(self, page: Page, x: float, y: float) -> None:
        """Draw onto `page`."""
        x, y = x + self._before, y + self.above
        page.heatmap(x, y, self)
        small, muted = self.text_style.small, page.theme.muted
        middle_x, middle_y = x + self.area[0] / 2, y + self.area[1] / 2
        page.text(middle_x, y - self.label_height, self.names[0], small, color=muted, ha="center", va="bottom")
        page.text(x - self.left, middle_y, self.names[1], small, color=muted, ha="right", va="center", rotation=90)
        page.colour_bar(x + self.area[0] + self.beside + 0.2, y, self.cells_height, self.scale)
        page.blank_legend(x, y + self.cells_height + 0.08, self.scene.blank_reasons)

    @property
    def weights(self) -> np.ndarray:
        """The weights of the cells, float `[row, column]`, nan where a query may not look."""
        return np.where(self.scene.reachable, self.scene.matrices[0], np.nan)

    @property
    def hatched(self) -> tuple[list[int], list[int]]:
        """The rows that lost everything, and the masked columns."""
        emptied = [] if self.scene.emptied is None else np.flatnonzero(self.scene.emptied.all(0)).tolist()
        return emptied, list(self.scene.masked)

    @property
    def borders(self) -> tuple[list[int], list[int]]:
        """The rows and the columns at which another part of the input begins."""
        a = self.attention
        return segments(a.queries, a.rows), segments(a.keys, a.columns)

    @property
    def framed(self) -> list[tuple[int, int]]:
        """The row and the column of each marked cell that is shown."""
        rows, columns = self.attention.rows, self.attention.columns
        shown = ((row, column) for row, column in self.scene.marked if row in rows and column in columns)
        return [(rows.index(row), columns.index(column)) for row, column in shown]

    @property
    def frame_widths(self) -> tuple[float, float]:
        """The widths of a frame, in points: of a line of background, and of ink on it, visible on every colour."""
        thick = min(2.0, LINE * 72 * min(self.cell))
        return 2 * thick, thick

    @property
    def number_unit(self) -> tuple[float, float]:
        """The width and height of a written weight, in inches per point of its size."""
        small = self.text_style.sized(self.text_style.small)
        return small.width("−.00" if self.scale.signed else ".00") / small.body, small.line / small.body

    @property
    def number_size(self) -> float:
        """The largest size of weights that fits the cells, in points."""
        width, height = self.number_unit
        return min(NUMBER_WIDTH * self.cell[0] / width, self.cell[1] / height)

    def numbers(self) -> Iterator[Number]:
        """The weights to write, if they are. Raises PlotOptionError where nobody could read them."""
        if not self.annotated:
            return
        if self.number_size < READABLE:
            width, height = self.cell
            raise PlotOptionError(
                f"cells of {width:.2g} × {height:.2g} inches are too small for numbers",
                "Make the picture larger with --size, or show fewer tokens with --rows and --columns.",
            )
        weights, peaks = self.scene.matrices[0], np.abs(self.scene.matrices[0]).max(-1)
        indices = self.scale.indices(weights)
        inks = {int(index): ink(self.scale.colours[index]) for index in np.unique(indices)}
        for y, x in zip(*np.nonzero(self.scene.reachable), strict=True):
            is_peak = bool(abs(weights[y, x]) == peaks[y])
            yield Number(int(y), int(x), format_weight(weights[y, x]), inks[int(indices[y, x])], is_peak)


def _whole(side: float, dpi: int) -> float:
    """`side` inches, rounded to whole pixels, so that all cells have one size; cells below one pixel do not change."""
    return max(round(side * dpi), 1) / dpi if side * dpi > 0.75 else side


def _in_words(cells: Sequence[Range], inches: float, text_style: TextStyle) -> bool:
    """Whether cells along an axis of `inches` are labelled by words; pooled cells are only if all of them fit."""
    return not is_numbered(cells) or inches >= len(cells) * PITCH * text_style.line


def _words(cells: Sequence[Range], labels: Sequence[str], tokens: Sequence[Token]) -> list[str]:
    """The labels of cells; a cell of several tokens has their numbers and the first token: `4–6 cat…`."""
    first = ("" if stop - start == 1 else f" {visible(tokens[start].text)}…" for start, stop in cells)
    return [label + more for label, more in zip(labels, first, strict=True)]


def _ticks(
    cells: Sequence[Range], labels: Sequence[str], inches: float, text_style: TextStyle, prominent: Sequence[int] = ()
) -> tuple[list[Tick], float]:
    """The labels of cells along an axis of `inches`, and the width of the longest; `prominent` cells come first."""
    if not _in_words(cells, inches, text_style):
        ticks = numbers(cells, int(inches / (0.5 * text_style.typesetting.zoom)), prominent)
    else:
        few = words(labels, int(inches / (PITCH * text_style.line) + 1e-6), prominent)
        ticks = [
            Tick(tick.position, text_style.short(tick.label, LONGEST * text_style.typesetting.zoom)) for tick in few
        ]
    return ticks, max((text_style.width(tick.label) for tick in ticks), default=0.0)
