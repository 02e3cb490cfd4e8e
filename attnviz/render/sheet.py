"""A figure that is laid out in inches from its top left corner, before it is drawn once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from attnviz.render.colours import palette
from attnviz.render.lettering import POINT, Lettering
from attnviz.render.scene import Scene

SMALL, BODY, LARGE = 8.0, 9.5, 12.0
"""Sizes of text, in points."""
GREY = "#5b5f6b"
BAR, BAR_ROOM = 0.14, 0.7
"""Width of a colour bar, and of the room for it and its numbers."""
LEADING = 1.4
COMFORTABLE = 6.5
"""Titles and captions may widen a small picture to this many inches before they are wrapped."""


def line_height(size: float) -> float:
    """The height of a line of text at `size` points, in inches."""
    return size * LEADING * POINT


class Panel(Protocol):
    """One scene, measured: `width` and `height` in inches, then drawn with its top left corner at `x`, `y`."""

    width: float
    height: float

    def draw(self, sheet: "Sheet", x: float, y: float) -> None:
        """Draw onto `sheet`."""


class Sheet:
    """A matplotlib figure of `width` × `height` inches. Places are inches from the left and from the top."""

    def __init__(self, width: float, height: float, dpi: int, lettering: Lettering) -> None:
        # Whole pixels, so that what is aligned here is sharp there.
        self.width, self.height = round(width * dpi) / dpi, round(height * dpi) / dpi
        self.dpi, self.lettering = dpi, lettering
        self.figure = Figure(figsize=(self.width, self.height), dpi=dpi, facecolor="white")

    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text`, as it is: `$` is a dollar sign."""
        style = {"fontfamily": self.lettering.family, "parse_math": False, "va": "top", **style}
        self.figure.text(x / self.width, 1 - y / self.height, text, fontsize=size, **style)

    def lines(self, x: float, y: float, lines: list[str], size: float, **style: Any) -> float:
        """Write `lines` below one another; gives where the next would begin."""
        for line in lines:
            self.text(x, y, line, size, **style)
            y += line_height(size)
        return y

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Empty axes, without frame or ticks, whose top left corner is at `x`, `y`, on whole pixels."""
        x, y, width, height = (round(inches * self.dpi) / self.dpi for inches in (x, y, width, height))
        place = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place)
        axes.tick_params(length=0, pad=4)
        axes.spines[:].set_visible(False)
        return axes

    def colour_bar(self, x: float, y: float, height: float, top: float) -> None:
        """The scale from 0 to `top`, and what it is a scale of."""
        axes = self.axes(x, y, BAR, height)
        axes.imshow(palette()[::-1, None], aspect="auto", interpolation="none")
        axes.set_axis_off()
        for part in (0, 0.5, 1):
            at = y + height * (1 - part)
            self.text(x + BAR + 0.05, at, f"{top * part:.3g}", SMALL, color=GREY, va="center_baseline")
        style = {"color": GREY, "ha": "right", "va": "center", "rotation": 90}
        self.text(x + BAR_ROOM, y + height / 2, "attention weight", SMALL, **style)


def colour_map() -> ListedColormap:
    """The terminal's colours as a colour map of matplotlib's."""
    return ListedColormap(palette() / 255.0, name="attnviz")


class Headed:
    """A panel with the title of its scene above it and the caption below."""

    def __init__(self, inner: Panel, scene: Scene, lettering: Lettering) -> None:
        self.inner = inner
        first, _, rest = scene.title.partition("\n")
        texts = [(first, LARGE), *((line, BODY) for line in rest.split("\n")), (scene.caption, SMALL)]
        widest = max(lettering.width(text, size) for text, size in texts)
        self.width = max(inner.width, min(widest + 0.05, COMFORTABLE))
        self.title = lettering.wrapped(first, LARGE, self.width) if first else []
        self.rest = lettering.wrapped(rest, BODY, self.width) if rest else []
        self.caption = lettering.wrapped(scene.caption, SMALL, self.width) if scene.caption else []
        self.above = self._height(self.title, LARGE) + self._height(self.rest, BODY) + (0.12 if self.title else 0)
        self.height = self.above + inner.height + self._height(self.caption, SMALL) + (0.1 if self.caption else 0)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        """Title, panel, caption."""
        below = sheet.lines(x, y, self.title, LARGE, color="black")
        sheet.lines(x, below, self.rest, BODY, color=GREY)
        self.inner.draw(sheet, x, y + self.above)
        sheet.lines(x, y + self.above + self.inner.height + 0.1, self.caption, SMALL, color=GREY)

    @staticmethod
    def _height(lines: list[str], size: float) -> float:
        return len(lines) * line_height(size)


@contextmanager
def settings() -> Iterator[None]:
    """What makes the same picture the same bytes, and Hangul in an SVG visible where no font has it."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "attnviz", "svg.fonttype": "path"}):
        yield
