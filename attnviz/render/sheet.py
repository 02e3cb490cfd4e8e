"""A picture that is laid out in inches from its top left corner, before it is drawn once: the same for every format."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from attnviz.render.lettering import POINT, Lettering
from attnviz.render.mosaic import slots, table
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap, Normalize

SMALL, BODY, LARGE = 8.0, 9.5, 12.0
"""Sizes of text, in points."""
BAR, BAR_ROOM = 0.14, 0.8
"""Width of a colour bar, and of the room for it and its numbers."""
LEADING = 1.4
Box = tuple[float | None, float | None]
"""Width and height that are given, in inches, or None."""
COMFORTABLE = 6.5
"""Titles and captions may widen a small picture to this many inches before they are wrapped."""


def line_height(size: float) -> float:
    """The height of a line of text at `size` points, in inches."""
    return size * LEADING * POINT


class Panel(Protocol):
    """One scene, measured: `width` and `height` in inches, then drawn with its top left corner at `x`, `y`."""

    width: float
    height: float

    def draw(self, sheet: Any, x: float, y: float) -> None:
        """Draw onto `sheet`."""


class Page(ABC):
    """`width` × `height` inches of paper for text and images. Places are inches from the left and from the top."""

    def __init__(self, width: float, height: float, dpi: int, lettering: Lettering, scale: Scale) -> None:
        # Whole pixels, so that what is aligned here is sharp there.
        self.width, self.height = round(width * dpi) / dpi, round(height * dpi) / dpi
        self.dpi, self.lettering, self.scale, self.theme = dpi, lettering, scale, scale.theme

    @abstractmethod
    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text`, as it is: `$` is a dollar sign.

        `style` is matplotlib's: `ha`, `va` (`top` unless given), `color` (the theme's ink), `rotation`.
        """

    @abstractmethod
    def image(self, x: float, y: float, image: np.ndarray) -> None:
        """Draw `image`, colours of `mosaic.table`, uint8 `[pixel row, pixel column]`, pixel for pixel."""

    def lines(self, x: float, y: float, lines: list[str], size: float, **style: Any) -> float:
        """Write `lines` below one another; gives where the next would begin."""
        for line in lines:
            self.text(x, y, line, size, **style)
            y += line_height(size)
        return y

    def colour_bar(self, x: float, y: float, height: float) -> None:
        """The scale of the colours, and what it is a scale of."""
        high, wide = round(height * self.dpi), round(BAR * self.dpi)
        shades = np.linspace(255, 0, high).round().astype(np.uint8)
        self.image(x, y, np.repeat(slots(shades)[:, None], wide, 1))
        for part, label in self.scale.ticks():
            at = y + height * (1 - part)
            self.text(x + BAR + 0.05, at, label, SMALL, color=self.theme.muted, va="center_baseline")
        style = {"color": self.theme.muted, "ha": "right", "va": "center", "rotation": 90}
        self.text(x + BAR_ROOM, y + height / 2, self.scale.meaning, SMALL, **style)


class Sheet(Page):
    """A page that is a matplotlib figure."""

    def __init__(self, width: float, height: float, dpi: int, lettering: Lettering, scale: Scale) -> None:
        from matplotlib.figure import Figure

        super().__init__(width, height, dpi, lettering, scale)
        self.figure = Figure(figsize=(self.width, self.height), dpi=dpi, facecolor=self.theme.paper)

    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text`."""
        style = {
            "fontfamily": self.lettering.family,
            "parse_math": False,
            "va": "top",
            "color": self.theme.ink,
            **style,
        }
        self.figure.text(x / self.width, 1 - y / self.height, text, fontsize=size, **style)

    def image(self, x: float, y: float, image: np.ndarray) -> None:
        """Draw `image`."""
        high, wide = image.shape
        axes = self.axes(x, y, wide / self.dpi, high / self.dpi)
        axes.imshow(table(self.scale)[image], aspect="auto", interpolation="none")
        axes.set_axis_off()

    def axes(self, x: float, y: float, width: float, height: float) -> "Axes":
        """Empty axes, without frame or ticks, whose top left corner is at `x`, `y`, on whole pixels."""
        x, y, width, height = (round(inches * self.dpi) / self.dpi for inches in (x, y, width, height))
        place = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place)
        axes.set_facecolor(self.theme.paper)
        axes.tick_params(length=0, pad=4)
        axes.spines[:].set_visible(False)
        return axes


def colour_map(scale: Scale) -> "ListedColormap":
    """The colours of `scale` as a colour map of matplotlib's."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(scale.colours / 255.0, name="attnviz")


def norm(scale: Scale) -> "Normalize":
    """The way from a weight to its place on `scale`, as matplotlib's."""
    from matplotlib.colors import LogNorm, Normalize

    return (LogNorm if scale.log else Normalize)(scale.bottom, scale.top, clip=True)


class Headed:
    """A panel with the title of its scene above it and the caption below."""

    def __init__(self, inner: Panel, scene: Scene, lettering: Lettering, width: float | None = None) -> None:
        self.inner = inner
        first, _, rest = scene.title.partition("\n")
        texts = [(first, LARGE), *((line, BODY) for line in rest.split("\n"))]
        texts += [(line, SMALL) for line in scene.caption.split("\n")]
        widest = max(lettering.width(text, size) for text, size in texts)
        self.width = width or max(inner.width, min(widest + 0.05, COMFORTABLE))
        self.title = lettering.wrapped(first, LARGE, self.width) if first else []
        self.rest = lettering.wrapped(rest, BODY, self.width) if rest else []
        self.caption = lettering.wrapped(scene.caption, SMALL, self.width) if scene.caption else []
        self.above = self._height(self.title, LARGE) + self._height(self.rest, BODY) + (0.12 if self.title else 0)
        self.height = self.above + inner.height + self._height(self.caption, SMALL) + (0.1 if self.caption else 0)

    def draw(self, sheet: "Page", x: float, y: float) -> None:
        """Title, panel, caption."""
        below = sheet.lines(x, y, self.title, LARGE, color=sheet.theme.ink)
        sheet.lines(x, below, self.rest, BODY, color=sheet.theme.muted)
        self.inner.draw(sheet, x, y + self.above)
        sheet.lines(x, y + self.above + self.inner.height + 0.1, self.caption, SMALL, color=sheet.theme.muted)

    @staticmethod
    def _height(lines: list[str], size: float) -> float:
        return len(lines) * line_height(size)


@contextmanager
def settings() -> Iterator[None]:
    """What makes the same picture the same bytes, and Hangul in an SVG visible where no font has it."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "attnviz", "svg.fonttype": "path"}):
        yield
