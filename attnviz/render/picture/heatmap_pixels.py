"""The cells of a heatmap and their labels, pixel by pixel: for PNG, without a figure."""

from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.render.picture.heatmap import PAD, TAKEN, TICK, HeatmapPanel
from attnviz.render.picture.mosaic import BACKGROUND, HAIR, HAIRLINE, HATCHED, INK, LINED, MUTED, edge, heatmap
from attnviz.render.picture.page import hatching
from attnviz.render.picture.text_style import MARK, SPLIT, border_widths
from attnviz.render.picture.typesetting import POINT

if TYPE_CHECKING:
    from attnviz.render.picture.palette_page import PalettePage


class HeatmapPixels:
    """The cells of `panel` on `page`, whose first one begins at `x`, `y`, in inches, on whole pixels."""

    def __init__(self, page: "PalettePage", x: float, y: float, panel: HeatmapPanel) -> None:
        self.page, self.panel, dpi = page, panel, page.dpi
        self.left, self.top = round(x * dpi), round(y * dpi)
        self.width, self.height = (max(round(side * dpi), 1) for side in panel.area)
        self.rows, self.columns = panel.scene.reachable.shape

    def draw(self) -> None:
        """Draw the cells, what is around them, and what is in them."""
        hair = self._pixels(HAIR)
        page, image = self.page, self._cells(hair)
        corner = (self.left - hair) / page.dpi, (self.top - hair) / page.dpi
        page.image(*corner, np.pad(image, hair, constant_values=HAIRLINE), self.panel.scale)
        self._mark_borders()
        self._label()
        self._show_taken()
        self._frame()
        self._annotate()

    def _pixels(self, points: float) -> int:
        """So many points, in whole pixels, but at least one."""
        return max(round(points * POINT * self.page.dpi), 1)

    def _row(self, index: int) -> int:
        """The first pixel of a row, from the top of the cells."""
        return edge(index, self.rows, self.height) if index < self.rows else self.height

    def _column(self, index: int) -> int:
        """The first pixel of a column, from the left of the cells."""
        return edge(index, self.columns, self.width) if index < self.columns else self.width

    def _cells(self, hair: int) -> np.ndarray:
        """The cells, with thin lines between them if they are large, as colours of `mosaic.table`."""
        is_lined = min(self.height / self.rows, self.width / self.columns) >= LINED * self.page.dpi
        image = heatmap(self.panel.weights, self.panel.scale, self.height, self.width, hair if is_lined else 0)
        self._hatch(image)
        for axis, starts in enumerate(self._borders()):
            along, cell = (image, image.T)[axis], self.panel.cell[1 - axis]
            for start in starts if cell >= SPLIT else ():  # a line of ink in a gap of background
                for points, colour in zip(border_widths(cell), (BACKGROUND, INK), strict=True):
                    thick = self._pixels(points)
                    along[max(start - thick // 2, 0) : start - thick // 2 + thick] = colour
        return image

    def _hatch(self, image: np.ndarray) -> None:
        """Draw lines on the rows and columns that were taken out."""
        rows, columns = self.panel.hatched
        if not rows and not columns:
            return
        hatched = np.zeros(image.shape, bool)
        for row in rows:
            hatched[self._row(row) : self._row(row + 1)] = True
        for column in columns:
            hatched[:, self._column(column) : self._column(column + 1)] = True
        image[hatched & hatching(self.height, self.width, self.page.dpi)] = HATCHED

    def _borders(self) -> tuple[list[int], list[int]]:
        """The first pixels of the rows and columns at which another part of the input begins."""
        rows, columns = self.panel.borders
        return [self._row(row) for row in rows], [self._column(column) for column in columns]

    def _mark_borders(self) -> None:
        """Draw marks outside of the cells where a border between them would hide them."""
        page, length, thick = self.page, self._pixels(MARK), self._pixels(1.0)
        rows, columns = self._borders()
        for row in rows if self.panel.cell[1] < SPLIT else ():
            for left in (self.left - length, self.left + self.width):
                page.fill(self.top + row - thick // 2, left, thick, length, INK)
        for column in columns if self.panel.cell[0] < SPLIT else ():
            for top in (self.top - length, self.top + self.height):
                page.fill(top, self.left + column - thick // 2, length, thick, INK)

    def _label(self) -> None:
        """Label the rows and columns."""
        panel, page, size = self.panel, self.page, self.panel.text_style.body
        x, y = self.left / page.dpi, self.top / page.dpi
        lengths = [
            0.0 if len(ticks) == count else TICK  # a mark points at the cell
            for ticks, count in ((panel.rows, self.rows), (panel.columns, self.columns))
        ]
        thick, (beside, above) = self._pixels(HAIR), (self._pixels(length) if length else 0 for length in lengths)
        for position, label in panel.rows:
            down = position * self.height / self.rows
            page.fill(self.top + round(down - thick / 2), self.left - beside, thick, beside, MUTED)
            end = x - (PAD + lengths[0]) * POINT
            page.text(end, y + down / page.dpi, label, size, ha="right", va="center_baseline")
        turned: dict[str, Any] = {"va": "bottom", "ha": "center"}
        if panel.turned:
            turned["rotation"] = panel.turned
        for position, label in panel.columns:
            across = position * self.width / self.columns
            page.fill(self.top - above, self.left + round(across - thick / 2), above, thick, MUTED)
            page.text(x + across / page.dpi, y - (PAD + lengths[1]) * POINT, label, size, **turned)

    def _show_taken(self) -> None:
        """Write beside each row what it lost."""
        panel, page = self.panel, self.page
        x, y = (self.left + self.width) / page.dpi + panel.beside, self.top / page.dpi
        style = {"ha": "right", "color": page.theme.muted}
        for index, text in enumerate(panel.losses):
            middle = y + (index + 0.5) * self.height / self.rows / page.dpi
            page.text(x, middle, text, panel.text_style.small, va="center_baseline", **style)
        if panel.losses:
            page.text(x, y - panel.label_height, TAKEN, panel.text_style.small, va="bottom", **style)

    def _frame(self) -> None:
        """Draw frames around the marked cells."""
        for row, column in self.panel.framed:
            top, bottom = (self.top + self._row(index) for index in (row, row + 1))
            left, right = (self.left + self._column(index) for index in (column, column + 1))
            for points, colour in zip(self.panel.frame_widths, (BACKGROUND, INK), strict=True):
                thick = self._pixels(points)
                before = thick // 2
                wide, high = right - left + thick, bottom - top + thick
                for y in (top, bottom):
                    self.page.fill(y - before, left - before, thick, wide, colour)
                for x in (left, right):
                    self.page.fill(top - before, x - before, high, thick, colour)

    def _annotate(self) -> None:
        """Write the weights, smaller where cells are small."""
        panel, page = self.panel, self.page
        size = min(panel.text_style.small, panel.number_size)
        across, down = self.width / self.columns, self.height / self.rows
        for number in panel.numbers():
            x, y = self.left + (number.column + 0.5) * across, self.top + (number.row + 0.5) * down
            weight = "bold" if number.is_peak else "normal"
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontweight": weight}
            page.text(x / page.dpi, y / page.dpi, number.text, size, color=number.colour, **style)
