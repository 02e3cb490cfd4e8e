"""One head in a picture, or several in rows, in a style that labels each of them."""

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
"""Makes axes from x, y, width and height, in inches from the top left corner."""

COMFORTABLE, WIDEST, BEST = 8.0, 14.0, 1.4
"""The usual and the greatest width of a row of heads, in inches; the latter if the aspect ratio were below BEST."""
GAP = 0.25
"""The gap between heads, in inches."""
MOST = 36
"""The most heads of such a style; a heatmap can show more."""
LEGEND_WIDTH = 3.0
"""The least width of a legend, in inches, even if the heads are narrower."""
SMALLEST = 0.15
"""The least width and height of axes, in inches."""


class Margins(NamedTuple):
    """Space for labels around axes, in inches."""

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
    """The legend of a style, `width` × `height` inches."""

    width: float
    height: float

    def draw(self, axes: Axes, corner: Transform) -> None:
        """Draw it below `corner`, which is in inches."""


class Drawing(Protocol):
    """A style: it draws each head of a scene into axes of `box` inches with `margins`, and has one legend for all.

    A drawing that `keeps_size` stays in the upper left corner of larger axes; others fill the axes.
    """

    box: tuple[float, float]
    margins: Margins
    keeps_size: bool

    def legend(self, available: float) -> Legend:
        """The legend, in `available` inches if it can be that narrow."""

    def draw(self, axes: Axes, index: int) -> None:
        """Draw head `index` of the scene."""


def styled_drawing(scene: Scene, scale: Scale, text_style: TextStyle, options: PlotOptions, available: Box) -> Drawing:
    """The heads of `scene` in the style of `options`. Raises SelectionError where the style cannot show them."""
    assert options.drawn_as.picture is not None
    drawing: Drawing = load(options.drawn_as.picture)(scene, scale, text_style, options, available)
    return drawing


class SmallMultiples:
    """The heads of `scene` in one style, with one legend below them; several heads have their names above them."""

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
        """The part of `available` that one head gets if `across` heads are side by side."""
        down = -(-len(self.scene.heads) // across)
        width = None if available[0] is None else (available[0] + GAP) / across - GAP
        if available[1] is None:
            return width, None
        legend = drawing.legend(available[0] or LEGEND_WIDTH).height if self.has_legend else 0.0
        return width, (available[1] - legend + GAP) / down - GAP - self.named

    def _across(self, drawing: Drawing, available: Box) -> int:
        """How many heads are side by side: as many as fit; or, for a given size, so that each keeps its shape."""
        count, tile = len(self.scene.heads), self._tile(drawing)
        if not (available[0] and available[1]):
            least, most = (int(((available[0] or inches) + GAP) / (tile[0] + GAP)) for inches in (COMFORTABLE, WIDEST))
            broad = (n for n in range(max(least, 1), most) if n * tile[0] >= BEST * -(-count // n) * tile[1])
            fit = next(broad, most)
            return balanced(count, min(max(fit, 1), count))

        def distortion(across: int) -> float:
            width, height = self._share(drawing, available, across)
            box = max((width or 0) - drawing.margins.across, 0.01), max((height or 0) - drawing.margins.down, 0.01)
            return abs(math.log(box[0] / box[1] * drawing.box[1] / drawing.box[0]))

        return min({-(-count // rows) for rows in range(1, count + 1)}, key=distortion)
