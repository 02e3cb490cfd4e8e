"""One head as a heatmap, in a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.attention import Range, Token
from attnviz.errors import PlotOptionError
from attnviz.labels import visible
from attnviz.render.colours import ink
from attnviz.render.exclusion import removed_labels
from attnviz.render.options import PlotOptions
from attnviz.render.picture.cells import NUMBER_WIDTH, Cells, Number
from attnviz.render.picture.figure_page import FigurePage
from attnviz.render.picture.page import DPI, Box, bar_height, bar_width, line_height
from attnviz.render.picture.text_style import TextStyle, shifted
from attnviz.render.scale import Scale
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.ticks import Tick, axis_name, is_numbered, numbers, segments, words
from attnviz.render.weight_format import format_weight

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

LONGEST = 1.7
"""The longest label of the usual size, in inches."""
TAKEN = "taken"
"""The heading of the mass that each row lost."""
LARGEST = 7.0
"""The longest side of all cells, in inches, with labels of the usual size."""
PITCH = 0.85
"""The least distance from one label to the next, in lines of text."""
ANNOTATED = 200
"""Weights are written into at most this many cells, unless `annotate` is set."""
LINE = 0.08
"""The greatest width of the frame of a cell, as a fraction of the cell."""
READABLE, LEGIBLE = 4.0, 6.0
"""The smallest number, in points, with `annotate`, and without it."""


class HeatmapPanel:
    """The first head of a scene: its cells, their labels, the names of the axes and a colour bar."""

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
        fits = scene.matrices[0].size <= ANNOTATED and self._number_size >= LEGIBLE
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

    def draw(self, page: FigurePage, x: float, y: float) -> None:
        """Draw onto `page`."""
        x, y = x + self._before, y + self.above
        axes = page.axes(x, y, *self.area)
        self.draw_into(axes)
        middle_x, middle_y = x + self.area[0] / 2, y + self.area[1] / 2
        page.text(
            middle_x,
            y - self.label_height,
            self.names[0],
            self.text_style.small,
            color=page.theme.muted,
            ha="center",
            va="bottom",
        )
        page.text(
            x - self.left,
            middle_y,
            self.names[1],
            self.text_style.small,
            color=page.theme.muted,
            ha="right",
            va="center",
            rotation=90,
        )
        page.colour_bar(x + self.area[0] + self.beside + 0.2, y, self.cells_height, self.scale)
        page.blank_legend(x, y + self.cells_height + 0.08, self.scene.blank_reasons)

    def draw_into(self, axes: "Axes") -> "ScalarMappable":
        """Draw the cells and their labels so that they fill `axes`; returns what a colour bar needs."""
        drawn = self._weights(axes)
        self._segments(axes)
        self._labels(axes)
        self._taken(axes)
        self._mark(axes)
        if self.annotated:
            self._annotate(axes)
        return drawn

    def _weights(self, axes: "Axes") -> "ScalarMappable":
        n, m = self.scene.reachable.shape
        drawn = Cells(axes, np.ma.masked_where(~self.scene.reachable, self.scene.matrices[0]), self.scale)
        axes.set(xlim=(-0.5, m - 0.5), ylim=(n - 0.5, -0.5))
        return drawn

    def _labels(self, axes: "Axes") -> None:
        """Label the rows and columns."""
        style = self.text_style.ticks
        axes.xaxis.tick_top()
        for axis, ticks, cells in (
            (axes.xaxis, self.columns, self.scene.columns),
            (axes.yaxis, self.rows, self.scene.rows),
        ):
            axis.set_tick_params(length=0 if len(ticks) == len(cells) else 3, pad=3)  # a mark points at the cell
        axes.set_yticks([tick.position - 0.5 for tick in self.rows], [tick.label for tick in self.rows], **style)
        turned: dict[str, Any] = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"} if self.turned == 45 else {}
        labels = [tick.label for tick in self.columns]
        axes.set_xticks(
            [tick.position - 0.5 for tick in self.columns], labels, **{**style, "rotation": self.turned, **turned}
        )

    def _taken(self, axes: "Axes") -> None:
        """Hatch the masked columns and the rows that lost everything; write beside each row what it lost."""
        n, m = self.scene.reachable.shape
        for index in self.scene.masked:
            axes.fill(
                [index - 0.5, index + 0.5, index + 0.5, index - 0.5], [-0.5, -0.5, n - 0.5, n - 0.5], **self._hatched
            )
        for index in [] if self.scene.emptied is None else np.flatnonzero(self.scene.emptied.all(0)).tolist():
            axes.fill(
                [-0.5, -0.5, m - 0.5, m - 0.5], [index - 0.5, index + 0.5, index + 0.5, index - 0.5], **self._hatched
            )
        style: dict[str, Any] = {"fontsize": self.text_style.small, "color": self.text_style.muted, "ha": "right"}
        for y, text in enumerate(self.losses):
            place = shifted(axes, self.beside, 0)
            self.text_style.text(axes, m - 0.5, y, text, transform=place, va="center_baseline", **style)
        if self.losses:
            place = shifted(axes, self.beside, self.label_height)
            self.text_style.text(axes, m - 0.5, -0.5, TAKEN, transform=place, va="bottom", **style)

    def _mark(self, axes: "Axes") -> None:
        """Frame the marked cells: a line of ink on a wider line of background is visible on every colour."""
        rows, columns = self.attention.rows, self.attention.columns
        for row, column in self.scene.marked:
            if row not in rows or column not in columns:  # they were excluded
                continue
            x, y = columns.index(column), rows.index(row)
            corners = [x - 0.5, x + 0.5, x + 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5]
            thick = min(2.0, LINE * 72 * min(self.cell))
            for width, colour in ((2 * thick, self.scale.theme.background), (thick, self.text_style.ink)):
                axes.fill(*corners, fill=False, edgecolor=colour, linewidth=width, zorder=3, clip_on=False)

    @property
    def _hatched(self) -> dict[str, Any]:
        return {"fill": False, "hatch": "//////", "edgecolor": self.text_style.muted, "linewidth": 0, "alpha": 0.5}

    def _segments(self, axes: "Axes") -> None:
        """Draw a border where another part of the input begins."""
        n, m = self.scene.reachable.shape
        for cell in segments(self.attention.queries, self.attention.rows):
            self.text_style.border(axes, 0, cell - 0.5, (-0.5, m - 0.5), self.cell[1])
        for cell in segments(self.attention.keys, self.attention.columns):
            self.text_style.border(axes, 1, cell - 0.5, (-0.5, n - 0.5), self.cell[0])

    @property
    def _number_unit(self) -> tuple[float, float]:
        """The width and height of a written weight, in inches per point of its size."""
        small = self.text_style.sized(self.text_style.small)
        return small.width("−.00" if self.scale.signed else ".00") / small.body, small.line / small.body

    @property
    def _number_size(self) -> float:
        """The largest size of weights that fits the cells, in points."""
        width, height = self._number_unit
        return min(NUMBER_WIDTH * self.cell[0] / width, self.cell[1] / height)

    def _annotate(self, axes: "Axes") -> None:
        """Write the weights, smaller where cells are small. Raises PlotOptionError where nobody could read them."""
        weights, small, unit = self.scene.matrices[0], self.text_style.small, self._number_unit
        if self._number_size < READABLE:
            width, height = self.cell
            raise PlotOptionError(
                f"cells of {width:.2g} × {height:.2g} inches are too small for numbers",
                "Make the picture larger with --size, or show fewer tokens with --rows and --columns.",
            )
        indices, peaks = self.scale.indices(weights), np.abs(weights).max(-1)
        for y, x in zip(*np.nonzero(self.scene.reachable), strict=True):
            weight = weights[y, x]
            heavy = "bold" if abs(weight) == peaks[y] else "normal"
            axes.add_artist(Number(
                x, y, format_weight(weight), unit, READABLE, fontsize=small, transform=axes.transData,
                color=ink(self.scale.colours[indices[y, x]]), fontweight=heavy,
                parse_math=False, usetex=False,
            ))  # fmt: skip


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
