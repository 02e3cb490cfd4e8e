"""The place that the caller's axes have in a figure that nothing lays out: labels and colour bar have to fit in it."""

from typing import Any

from matplotlib.axes import Axes

from attnviz.render.picture.text_style import TextStyle
from attnviz.render.scale import Scale

BAR, GAP = 0.12, 0.08
"""The width of a colour bar, and what is between it, its numbers, labels and cells, in inches."""
LEAST = 0.3
"""No side of the cells becomes smaller than this part of what it was."""


class Slot:
    """What `axes` cover now, in inches, and what is free left of them and above: gaps, or the margins of the page.

    Title (`titled` inches high), labels, cells and a colour bar that explains `scale`, where it is given, share it.
    Where a layout engine arranges the figure, or the axes stand in no grid, they keep their place.
    """

    def __init__(self, axes: Axes, scale: Scale | None, text_style: TextStyle, titled: float) -> None:
        self.axes, self.text_style = axes, text_style
        root, spec = axes.get_figure(root=True), axes.get_subplotspec()
        self.kept = root is None or root.get_layout_engine() is not None or spec is None
        page = axes.figure.bbox.transformed(axes.figure.dpi_scale_trans.inverted())
        self.page_width, self.page_height = float(page.width), float(page.height)
        box = axes.get_position()
        self.x0, self.y0, self.x1, self.y1 = (
            float(edge) * side for edge, side in zip(box.extents, (self.page_width, self.page_height) * 2, strict=True)
        )
        self.left, self.top = 0.0, self.page_height
        self.right = self.below = 0.0
        if spec is not None:
            figure: Any = axes.figure
            bottoms, _, _, rights = spec.get_gridspec().get_grid_positions(figure)
            self.left = rights[spec.colspan.start - 1] * self.page_width if spec.colspan.start else 0.0
            self.top = bottoms[spec.rowspan.start - 1] * self.page_height if spec.rowspan.start else self.page_height
        self.titled = titled
        number = text_style.width("0.000" if scale and scale.log else "0.00")
        self.beside = BAR + 4 * GAP + number + text_style.line if scale else 0.0
        self.inches = self.x1 - self.x0, self.y1 - self.y0

    def inside(self, left: float, above: float, right: float = 0.0, below: float = 0.0) -> tuple[float, float]:
        """The width and height of the cells beside labels that need so much, in inches."""
        self.right, self.below = right, below
        if not self.kept:
            x0 = max(self.x0, self.left + left + self.text_style.line + GAP)
            y1 = min(self.y1 - above, self.top - self.titled - 2 * GAP - self.text_style.line - above)
            width, height = self.x1 - self.beside - right - x0, y1 - self.y0 - below
            self.inches = (
                max(width, LEAST * (self.x1 - self.x0)),
                max(height, LEAST * (self.y1 - self.y0)),
            )
        return self.inches

    def fill(self, bar: Axes | None) -> None:
        """Put the axes, and their `bar`, where they fit."""
        if self.kept:
            return
        width, height = self.inches
        x0 = self.x1 - self.beside - self.right - width
        self._put(self.axes, x0, width)
        if bar is not None:
            bar.set_box_aspect(max(height / BAR, 1.0))
            self._put(bar, x0 + width + GAP, BAR)

    def _put(self, axes: Axes, x0: float, width: float) -> None:
        y0 = self.y0 + self.below
        axes.set_position(
            (x0 / self.page_width, y0 / self.page_height, width / self.page_width, self.inches[1] / self.page_height)
        )
        axes.set_in_layout(True)  # for a layout that is asked for later
