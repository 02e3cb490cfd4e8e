"""The slot of the caller's axes in a figure without a layout engine: labels and colour bar have to fit into it."""

from typing import Any

from matplotlib.axes import Axes

from attnviz.render.picture.text_style import TextStyle
from attnviz.render.scale import Scale

BAR, GAP = 0.12, 0.08
"""The width of a colour bar, and the gaps between it, its numbers, labels and cells, in inches."""
LEAST = 0.3
"""The least width and height that the cells keep, as a fraction of those of the axes."""


class Slot:
    """What `axes` cover now, in inches, and the free space left of them and above: gaps, or the margins of the page.

    A title of `title_height` inches, labels, cells and a colour bar for `scale`, if it is given, share this space. Axes
    that a layout engine arranges, or that are not in a grid, keep their position: the slot `is_fixed`.
    """

    def __init__(self, axes: Axes, scale: Scale | None, text_style: TextStyle, title_height: float) -> None:
        self.axes, self.text_style = axes, text_style
        root, spec = axes.get_figure(root=True), axes.get_subplotspec()
        self.is_fixed = root is None or root.get_layout_engine() is not None or spec is None
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
        self.title_height = title_height
        number = text_style.width("0.000" if scale and scale.log else "0.00")
        self.beside = BAR + 4 * GAP + number + text_style.line if scale else 0.0
        self.inches = self.x1 - self.x0, self.y1 - self.y0

    def inside(self, left: float, above: float, right: float = 0.0, below: float = 0.0) -> tuple[float, float]:
        """The width and height of the cells, in inches, if labels around them need that much."""
        self.right, self.below = right, below
        if not self.is_fixed:
            x0 = max(self.x0, self.left + left + self.text_style.line + GAP)
            y1 = min(self.y1 - above, self.top - self.title_height - 2 * GAP - self.text_style.line - above)
            width, height = self.x1 - self.beside - right - x0, y1 - self.y0 - below
            self.inches = (
                max(width, LEAST * (self.x1 - self.x0)),
                max(height, LEAST * (self.y1 - self.y0)),
            )
        return self.inches

    def fill(self, bar: Axes | None) -> None:
        """Move the axes and their `bar` to where they fit."""
        if self.is_fixed:
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
        axes.set_in_layout(True)  # for a layout engine that the caller sets later
