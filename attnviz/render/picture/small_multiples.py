"""One head in a picture, or several beside and below each other, in a style that labels each of them."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from attnviz.errors import SelectionError
from attnviz.render.balanced_rows import balanced
from attnviz.render.options import PlotOptions
from attnviz.render.picture.figure_page import FigurePage
from attnviz.render.picture.page import Box
from attnviz.render.picture.text_style import TextStyle, from_corner
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene
from attnviz.render.styles import load

Place = Callable[[float, float, float, float], Axes]
"""Makes axes at x, y from the top left corner, so wide and so high, in inches."""

COMFORTABLE, WIDEST, BEST = 8.0, 14.0, 1.4
"""Heads stand side by side in this many inches, or in so many where the page would be a strip: not as wide for its
height as this."""
GAP = 0.25
MOST = 36
"""More heads than this are a heatmap's."""
LEGEND_WIDTH = 3.0
"""A key is not squeezed for the sake of heads that are narrower than this, in inches."""
SMALLEST = 0.15
"""No axes are smaller than this, in inches."""


class Margins(NamedTuple):
    """Room for labels around axes, in inches."""

    left: float
    above: float
    right: float
    below: float

    @property
    def across(self) -> float:
        """Left and right."""
        return self.left + self.right

    @property
    def down(self) -> float:
        """Above and below."""
        return self.above + self.below


class Legend(Protocol):
    """What explains a style, `width` × `height` inches."""

    width: float
    height: float

    def draw(self, axes: Axes, corner: Transform) -> None:
        """Draw it below `corner`, which is in inches."""


class Drawing(Protocol):
    """A style: draws each head of a scene into axes of `box` inches with `margins`, and has one key to all of them.

    Where it `keeps_size` it keeps its size in axes that are larger, in their upper left corner; else it fills them.
    """

    box: tuple[float, float]
    margins: Margins
    keeps_size: bool

    def legend(self, available: float) -> Legend:
        """What explains it, in `available` inches where it can be so narrow."""

    def draw(self, axes: Axes, index: int) -> None:
        """Draw head `index` of the scene."""


def styled_drawing(scene: Scene, scale: Scale, text_style: TextStyle, options: PlotOptions, available: Box) -> Drawing:
    """The heads of `scene` in the style that `options` name. Raises SelectionError where it cannot show them."""
    assert options.drawn_as.picture is not None
    drawing: Drawing = load(options.drawn_as.picture)(scene, scale, text_style, options, available)
    return drawing


class SmallMultiples:
    """The heads of `scene` in one style, each under its name where they are several, and one key below all of them."""

    def __init__(
        self,
        scene: Scene,
        make: Callable[[Box], Drawing],
        text_style: TextStyle,
        available: Box = (None, None),
        has_legend: bool = True,
    ) -> None:
        count = len(scene.heads)
        if count > MOST:
            raise SelectionError(
                f"{count} heads are too many to be drawn one by one, at most {MOST}",
                "Choose some with --layer and --head, or --style heatmap.",
            )
        self.scene, self.text_style, self.has_legend = scene, text_style, has_legend
        self.named = text_style.line if count > 1 else 0.0
        drawing = make((available[0], None)) if count == 1 else make((None, None))
        self.across = self._across(drawing, available)
        self.down = -(-count // self.across)
        self.drawing = make(self._share(drawing, available, self.across)) if available != (None, None) else drawing
        if min(self.drawing.box) < SMALLEST:
            raise SelectionError(
                "there is no room for the heads", "Make the picture larger with --size, or draw fewer heads."
            )
        width, height = self._tile(self.drawing)
        self.width = self.across * (width + GAP) - GAP
        self.height = self.down * (height + GAP) - GAP
        if has_legend:
            self.legend = self.drawing.legend(available[0] or max(self.width, LEGEND_WIDTH))
            self.width, self.height = max(self.width, self.legend.width), self.height + self.legend.height

    def draw(self, page: FigurePage, x: float, y: float) -> None:
        """Draw onto `page`."""
        self.draw_at(lambda left, top, width, height: page.axes(x + left, y + top, width, height))

    def draw_at(self, place: Place) -> None:
        """Draw into axes that `place` makes, within `width` × `height` inches."""
        margins, box = self.drawing.margins, self.drawing.box
        width, height = self._tile(self.drawing)
        for index, name in enumerate(self.scene.names):
            row, column = divmod(index, self.across)
            left, top = column * (width + GAP) + margins.left, row * (height + GAP) + self.named + margins.above
            axes = place(left, top, *box)
            self.drawing.draw(axes, index)
            if self.named:
                corner = -margins.left, margins.above + 0.06
                style: dict[str, Any] = {"transform": from_corner(axes), "va": "bottom", "color": self.text_style.muted}
                self.text_style.text(axes, *corner, name, fontsize=self.text_style.small, **style)
        if self.has_legend:
            axes = place(0, self.height - self.legend.height, self.width, self.legend.height)
            axes.set_axis_off()
            self.legend.draw(axes, from_corner(axes))

    def _tile(self, drawing: Drawing) -> tuple[float, float]:
        margins, (width, height) = drawing.margins, drawing.box
        return width + margins.across, self.named + height + margins.down

    def _share(self, drawing: Drawing, available: Box, across: int) -> Box:
        """What of `available` one head gets where so many stand side by side."""
        down = -(-len(self.scene.heads) // across)
        width = None if available[0] is None else (available[0] + GAP) / across - GAP
        if available[1] is None:
            return width, None
        key = drawing.legend(available[0] or LEGEND_WIDTH).height if self.has_legend else 0.0
        return width, (available[1] - key + GAP) / down - GAP - self.named

    def _across(self, drawing: Drawing, available: Box) -> int:
        """How many heads stand side by side: as many as fit; in a given room, so that each keeps its shape."""
        count, tile = len(self.scene.heads), self._tile(drawing)
        if not (available[0] and available[1]):
            least, most = (int(((available[0] or inches) + GAP) / (tile[0] + GAP)) for inches in (COMFORTABLE, WIDEST))
            broad = (n for n in range(max(least, 1), most) if n * tile[0] >= BEST * -(-count // n) * tile[1])
            fit = next(broad, most)
            return balanced(count, min(max(fit, 1), count))

        def badness(across: int) -> float:
            width, height = self._share(drawing, available, across)
            box = max((width or 0) - drawing.margins.across, 0.01), max((height or 0) - drawing.margins.down, 0.01)
            return abs(math.log(box[0] / box[1] * drawing.box[1] / drawing.box[0]))

        return min({-(-count // rows) for rows in range(1, count + 1)}, key=badness)
