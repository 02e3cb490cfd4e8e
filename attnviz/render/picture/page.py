"""A page whose content is placed in inches from its top left corner, in the same way for every format."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from attnviz.render.picture.mosaic import BLANK, HAIRLINE, HATCHED, slots
from attnviz.render.picture.typesetting import POINT, Typesetting
from attnviz.render.scale import Scale, spaced_ticks
from attnviz.render.scene import TAKEN_OUT

if TYPE_CHECKING:
    from attnviz.render.picture.heatmap import HeatmapPanel

DPI = 150
"""The usual resolution of a picture, in dots per inch."""
BAR = 0.14
"""Width of a colour bar, in inches."""
SWATCH = 0.11
"""Width and height of a sample cell in a legend, in inches, beside text of the usual size."""
LEADING = 1.4
Box = tuple[float | None, float | None]
"""A given width and height, in inches; None where it is not given."""


def line_height(size: float) -> float:
    """The height of a line of text at `size` points, in inches."""
    return size * LEADING * POINT


def bar_width(scale: Scale, typesetting: Typesetting) -> float:
    """The width of a colour bar with its numbers and its name, in inches; 0 where there is no bar."""
    if not scale.has_colorbar:
        return 0.0
    small = typesetting.small
    return BAR + 0.13 + max(typesetting.width(label, small) for _, label in scale.ticks()) + line_height(small)


def bar_height(scale: Scale, typesetting: Typesetting, height: float) -> float:
    """The height of a colour bar beside cells of that `height`, in inches: its name has to fit along it."""
    return max(height, typesetting.width(scale.meaning, typesetting.small), 1.0) if scale.has_colorbar else height


def hatching(height: int, width: int, dpi: int) -> np.ndarray:
    """Which pixels of an area belong to the lines of its hatching, bool `[pixel row, pixel column]`."""
    step, thick = (max(round(dpi * inches), least) for inches, least in ((0.045, 3), (0.012, 1)))
    return np.asarray((np.arange(height)[:, None] + np.arange(width)) % step < thick)


class Panel(Protocol):
    """A scene that was measured, `width` × `height` inches, and can be drawn with its top left corner at `x`, `y`."""

    width: float
    height: float

    def draw(self, page: Any, x: float, y: float) -> None:
        """Draw onto `page`."""


class Page(ABC):
    """A page of `width` × `height` inches for text and images; positions are inches from its left and from its top.

    A `transparent` page has no background.
    """

    def __init__(
        self, width: float, height: float, dpi: int, typesetting: Typesetting, scale: Scale, transparent: bool = False
    ) -> None:
        # Whole pixels, so that aligned edges are sharp.
        self.width, self.height = round(width * dpi) / dpi, round(height * dpi) / dpi
        self.dpi, self.typesetting, self.scale, self.theme = dpi, typesetting, scale, scale.theme
        self.transparent = transparent

    @abstractmethod
    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text` literally: `$` is a dollar sign.

        `style` are matplotlib's text properties: `ha`, `va` (default `top`), `color` (default: ink), `fontweight`,
        `rotation`; text with a `rotation` of 45 begins at `x`, `y`.
        """

    @abstractmethod
    def image(self, x: float, y: float, image: np.ndarray, scale: Scale | None = None) -> None:
        """Draw `image`, colours of `mosaic.table`, uint8 `[pixel row, pixel column]`, pixel for pixel.

        The colours are those of `scale`, or of the page's own scale.
        """

    @abstractmethod
    def heatmap(self, x: float, y: float, panel: "HeatmapPanel") -> None:
        """Draw the cells of `panel`, with the top left corner of the first at `x`, `y`, and the labels around them."""

    def framed(self, x: float, y: float, image: np.ndarray, scale: Scale | None = None) -> None:
        """Draw `image` with a thin frame around it."""
        self.image(x - 1 / self.dpi, y - 1 / self.dpi, np.pad(image, 1, constant_values=HAIRLINE), scale)

    def lines(self, x: float, y: float, lines: list[str], size: float, **style: Any) -> float:
        """Write `lines` below one another; returns the `y` of the next line."""
        for line in lines:
            self.text(x, y, line, size, **style)
            y += line_height(size)
        return y

    def colour_bar(self, x: float, y: float, height: float, scale: Scale) -> None:
        """Draw the colour bar of `scale` with its name, if it has one."""
        if not scale.has_colorbar:
            return
        pixels = round(height * self.dpi), round(BAR * self.dpi)
        small = self.typesetting.small
        shades = np.linspace(255, 0, pixels[0]).round().astype(np.uint8)
        self.framed(x, y, np.repeat(slots(shades)[:, None], pixels[1], 1), scale)
        for part, label in spaced_ticks(scale.ticks(), 0.9 * line_height(small) / height):
            middle = y + height * (1 - part)
            self.text(x + BAR + 0.05, middle, label, small, color=self.theme.muted, va="center_baseline")
        style = {"color": self.theme.muted, "ha": "right", "va": "center", "rotation": 90}
        self.text(x + bar_width(scale, self.typesetting), y + height / 2, scale.meaning, small, **style)

    def blank_legend(self, x: float, y: float, reasons: Sequence[str]) -> None:
        """Draw the legend of empty cells: a sample for each of `reasons`, in one line of small text."""
        small, swatch_side = self.typesetting.small, SWATCH * self.typesetting.zoom
        side = round(swatch_side * self.dpi)
        for reason in reasons:
            swatch = np.full((side, side), BLANK)
            if reason == TAKEN_OUT:
                swatch[hatching(side, side, self.dpi)] = HATCHED
            self.framed(x, y + (line_height(small) - swatch_side) / 2, swatch.astype(np.uint8))
            style = {"color": self.theme.muted, "va": "center_baseline"}
            self.text(x + swatch_side + 0.06, y + line_height(small) / 2, reason, small, **style)
            x += swatch_side + 0.06 + self.typesetting.width(reason, small) + 0.2
