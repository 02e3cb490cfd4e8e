"""Weights as rectangles of one colour in matplotlib axes, for every size, resolution and format.

matplotlib resamples images: cells whose size is not a whole number of pixels would be blurred, uneven, or lost.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox

from attnviz.render.picture.figure_page import colour_map, norm
from attnviz.render.picture.heatmap import NUMBER_WIDTH
from attnviz.render.picture.mosaic import HAIR, LINED, owners, resized, split_lines
from attnviz.render.scale import Scale

SHAPES = 10_000
"""In SVG and PDF, up to this many cells with lines are shapes; more cells are an image."""


class Cells(AxesImage):
    """`weights` `[row, column]`, masked where a query may not look, in a frame, from `x`, `y` in data coordinates.

    A cell is 1 × 1 in data coordinates; the centre of the first is at `x`, `y`, and rows go downwards. Every device
    pixel gets the colour of one cell, or of the largest weight of several cells that are smaller than a pixel. In SVG
    and PDF, pixels are those of a PNG of the same resolution, but larger cells are exact.
    """

    def __init__(self, axes: Axes, weights: np.ndarray, scale: Scale, x: int = 0, y: int = 0) -> None:
        rows, columns = weights.shape
        extent = (x - 0.5, x + columns - 0.5, y + rows - 0.5, y - 0.5)
        super().__init__(axes, cmap=colour_map(scale), norm=norm(scale), interpolation="none", extent=extent)
        self.set_data(weights)
        self.counts = rows, columns
        self.hairline, self.blank = (np.array(to_rgba(colour)) for colour in (scale.theme.hairline, scale.theme.blank))
        axes.add_image(self)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the cells, then the frame around them."""
        if self.get_visible():
            gc = renderer.new_gc()
            gc.set_clip_rectangle(self.axes.bbox if self.get_clip_on() else None)
            corners = self.get_window_extent(renderer)
            box: Any = Bbox([corners.min, corners.max])  # for inverted axes too
            lined = min(box.width / self.counts[1], box.height / self.counts[0]) >= LINED * self.figure.dpi
            if not renderer.option_scale_image():
                box = self._pixels(renderer, gc, box, lined)
            elif lined and np.prod(self.counts) <= SHAPES:
                self._shapes(renderer, gc, box)
            else:
                self._image(renderer, gc, box)
            self._frame(renderer, gc, box)
            gc.restore()
        self.stale = False

    def _pixels(self, renderer: RendererBase, gc: GraphicsContextBase, box: Any, lined: bool) -> Bbox:
        """Draw device pixel by device pixel, clipped to the axes; returns the box of the cells in whole pixels."""
        left, bottom = round(box.x0), round(box.y0)
        width, height = max(round(box.x1) - left, 1), max(round(box.y1) - bottom, 1)
        (colours, blank), shown = self._coloured(height, width), self.axes.bbox
        up, across = (
            slice(max(round(low) - start, 0), max(min(round(end) - start, size), 0))
            for low, end, start, size in ((shown.y0, shown.y1, bottom, height), (shown.x0, shown.x1, left, width))
        )
        down = slice(height - up.stop, height - up.start)
        cells = np.ix_(owners(len(colours), height)[down], owners(colours.shape[1], width)[across])
        image = colours[cells]
        if lined:
            point: Any = renderer.points_to_pixels(HAIR)
            thick = max(round(point), 1)
            rows, columns = split_lines(len(colours), height, thick), split_lines(colours.shape[1], width, thick)
            lines = rows[down, None] | columns[across]
            image[lines & ~blank[cells]] = (self.hairline * 255).round()
        if image.size:
            renderer.draw_image(gc, left + across.start, bottom + up.start, image[::-1])
        return Bbox.from_bounds(left, bottom, width, height)

    def _image(self, renderer: RendererBase, gc: GraphicsContextBase, box: Any) -> None:
        """Draw an image with the same number of pixels for every cell, or with the file's resolution."""
        finer = renderer.get_image_magnification()
        pixels = max(round(box.height * finer), 1), max(round(box.width * finer), 1)
        height, width = (size if n > size else n * -(-size // n) for n, size in zip(self.counts, pixels, strict=True))
        colours, _ = self._coloured(height, width)
        image = colours[np.ix_(owners(len(colours), height), owners(colours.shape[1], width))]
        renderer.draw_image(gc, box.x0, box.y0, image[::-1], Affine2D().scale(box.width, box.height))

    def _shapes(self, renderer: RendererBase, gc: GraphicsContextBase, box: Any) -> None:
        """Draw one rectangle for all masked cells, and each other cell as a rectangle with thin edges."""
        rows, columns = self.counts
        place = Affine2D().scale(box.width, box.height).translate(box.x0, box.y0)
        gc.set_linewidth(0)
        renderer.draw_path(gc, Path.unit_rectangle(), place, tuple(self.blank))
        gc.set_linewidth(HAIR)
        gc.set_foreground(self.hairline)
        colours, blank = self._coloured(rows, columns)
        for y, x in np.argwhere(~blank):
            cell = Affine2D().translate(x, rows - 1 - y).scale(1 / columns, 1 / rows) + place
            renderer.draw_path(gc, Path.unit_rectangle(), cell, tuple(colours[y, x] / 255))

    def _frame(self, renderer: RendererBase, gc: GraphicsContextBase, box: Any) -> None:
        """Draw a line around the cells, outside of them, since a column may be only one pixel wide."""
        point: Any = renderer.points_to_pixels(1.0)
        thick = HAIR * point if renderer.option_scale_image() else max(round(HAIR * point), 1)
        gc.set_clip_rectangle(None)
        gc.set_linewidth(thick / point)
        gc.set_foreground(self.hairline)
        gc.set_joinstyle("miter")
        gc.set_snap(False)
        place = Affine2D().scale(box.width + thick, box.height + thick)
        place = place.translate(box.x0 - thick / 2, box.y0 - thick / 2)
        renderer.draw_path(gc, Path.unit_rectangle(), place)

    def _coloured(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """The colours of the cells, RGBA uint8 `[row, column, 4]`, and which are masked, bool `[row, column]`.

        Rows are from the top. More than `height` or `width` cells are pooled by their largest weight.
        """
        weights: Any = self.get_array()
        weights = np.ma.filled(weights, np.nan)
        weights = resized(weights, *(min(pair) for pair in zip(weights.shape, (height, width), strict=True)))
        down, right = -1 if not self.axes.yaxis_inverted() else 1, -1 if self.axes.xaxis_inverted() else 1
        weights = np.ma.masked_invalid(weights[::down, ::right])
        return np.asarray(self.to_rgba(weights, bytes=True)), np.ma.getmaskarray(weights)


class FittingText(Text):
    """A weight written into its cell: never wider than NUMBER_WIDTH of it, and left out where it would be too small.

    The size of the cell is known only when it is drawn, since layouts and zooming change it. `unit` is the width and
    height of a number, in inches per point of its size; `least` is the smallest size, in points.
    """

    def __init__(self, x: int, y: int, text: str, unit: tuple[float, float], least: float, **style: Any) -> None:
        super().__init__(x, y, text, ha="center", va="center", **style)
        self.unit, self.least, self.largest = unit, least, float(self.get_fontsize())

    def draw(self, renderer: RendererBase) -> None:
        """Draw it as large as fits."""
        axes: Any = self.axes
        inches = axes.figure.dpi_scale_trans.inverted()
        (x0, y0), (x1, y1) = inches.transform(axes.transData.transform([(0, 0), (1, 1)]))
        fits = min(abs(x1 - x0) * NUMBER_WIDTH / self.unit[0], abs(y1 - y0) / self.unit[1], self.largest)
        if fits >= self.least:
            self.set_fontsize(fits)
            super().draw(renderer)
