"""A picture that is laid out in inches from its top left corner, before it is drawn once: the same for every format."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from attnviz.render.picture.mosaic import BLANK, HAIR, MUTED, alpha, slots, table
from attnviz.render.picture.typesetting import POINT, Typesetting
from attnviz.render.scale import Scale, apart
from attnviz.render.scene import TAKEN_OUT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap, Normalize

DPI = 150
"""Dots per inch of a picture, unless it is given others."""
BAR = 0.14
"""Width of a colour bar, in inches."""
SWATCH = 0.11
"""Width and height of the piece of a cell in a legend, in inches, beside text of the usual size."""
LEADING = 1.4
Box = tuple[float | None, float | None]
"""Width and height that are given, in inches, or None."""
COMFORTABLE = 4.5
"""Titles and captions of the usual size may widen a small picture to this many inches before they are wrapped."""
TITLE_LINES = 3
"""The title of a long text is its beginning and its end, in so many lines."""


def line_height(size: float) -> float:
    """The height of a line of text at `size` points, in inches."""
    return size * LEADING * POINT


def bar_width(scale: Scale, typesetting: Typesetting) -> float:
    """The width of a colour bar with its numbers and what it is a scale of, in inches; nothing where there is none."""
    if not scale.explained:
        return 0.0
    small = typesetting.small
    return BAR + 0.13 + max(typesetting.width(label, small) for _, label in scale.ticks()) + line_height(small)


def bar_height(scale: Scale, typesetting: Typesetting, height: float) -> float:
    """The height of a colour bar beside cells of that `height`, in inches: what it is a scale of stands along it."""
    return max(height, typesetting.width(scale.meaning, typesetting.small), 1.0) if scale.explained else height


class Panel(Protocol):
    """One scene, measured: `width` and `height` in inches, then drawn with its top left corner at `x`, `y`."""

    width: float
    height: float

    def draw(self, page: Any, x: float, y: float) -> None:
        """Draw onto `page`."""


class Page(ABC):
    """`width` × `height` inches of paper for text and images. Places are inches from the left and from the top.

    Where it is `transparent`, there is no paper.
    """

    def __init__(
        self, width: float, height: float, dpi: int, typesetting: Typesetting, scale: Scale, transparent: bool = False
    ) -> None:
        # Whole pixels, so that what is aligned here is sharp there.
        self.width, self.height = round(width * dpi) / dpi, round(height * dpi) / dpi
        self.dpi, self.typesetting, self.scale, self.theme = dpi, typesetting, scale, scale.theme
        self.transparent = transparent

    @abstractmethod
    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text`, as it is: `$` is a dollar sign.

        `style` is matplotlib's: `ha`, `va` (`top` unless given), `color` (the theme's ink), `rotation`.
        """

    @abstractmethod
    def image(self, x: float, y: float, image: np.ndarray) -> None:
        """Draw `image`, colours of `mosaic.table`, uint8 `[pixel row, pixel column]`, pixel for pixel."""

    def framed(self, x: float, y: float, image: np.ndarray) -> None:
        """Draw `image` in a thin frame that stands around it."""
        self.image(x - 1 / self.dpi, y - 1 / self.dpi, np.pad(image, 1, constant_values=HAIR))

    def lines(self, x: float, y: float, lines: list[str], size: float, **style: Any) -> float:
        """Write `lines` below one another; gives where the next would begin."""
        for line in lines:
            self.text(x, y, line, size, **style)
            y += line_height(size)
        return y

    def colour_bar(self, x: float, y: float, height: float) -> None:
        """The scale of the colours, and what it is a scale of, unless it shall not be explained."""
        if not self.scale.explained:
            return
        pixels = round(height * self.dpi), round(BAR * self.dpi)
        small = self.typesetting.small
        shades = np.linspace(255, 0, pixels[0]).round().astype(np.uint8)
        self.framed(x, y, np.repeat(slots(shades)[:, None], pixels[1], 1))
        for part, label in apart(self.scale.ticks(), 0.9 * line_height(small) / height):
            middle = y + height * (1 - part)
            self.text(x + BAR + 0.05, middle, label, small, color=self.theme.muted, va="center_baseline")
        style = {"color": self.theme.muted, "ha": "right", "va": "center", "rotation": 90}
        self.text(x + bar_width(self.scale, self.typesetting), y + height / 2, self.scale.meaning, small, **style)

    def blanks(self, x: float, y: float, reasons: Sequence[str]) -> None:
        """What the cells mean that show no weight, each beside a piece of one; as high as a line of small text."""
        small, swatch_side = self.typesetting.small, SWATCH * self.typesetting.zoom
        side = round(swatch_side * self.dpi)
        for reason in reasons:
            swatch = np.full((side, side), BLANK)
            if reason == TAKEN_OUT:
                down, across = np.indices(swatch.shape)
                swatch[(down + across) % max(round(self.dpi * 0.035), 2) == 0] = MUTED
            self.framed(x, y + (line_height(small) - swatch_side) / 2, swatch.astype(np.uint8))
            style = {"color": self.theme.muted, "va": "center_baseline"}
            self.text(x + swatch_side + 0.06, y + line_height(small) / 2, reason, small, **style)
            x += swatch_side + 0.06 + self.typesetting.width(reason, small) + 0.2


class FigurePage(Page):
    """A page that is a matplotlib figure."""

    def __init__(self, *measures: Any, **more: Any) -> None:
        from matplotlib.figure import Figure

        super().__init__(*measures, **more)
        self.paper = "none" if self.transparent else self.theme.paper
        self.figure = Figure(figsize=(self.width, self.height), dpi=self.dpi, facecolor=self.paper)

    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text`."""
        style = {
            "fontfamily": self.typesetting.family,
            "parse_math": False,
            "va": "top",
            "color": self.theme.ink,
            **style,
        }
        self.figure.text(x / self.width, 1 - y / self.height, text, fontsize=size, **style)

    def image(self, x: float, y: float, image: np.ndarray) -> None:
        """Draw `image`."""
        height, width = image.shape
        axes = self.axes(x, y, width / self.dpi, height / self.dpi)
        colours = table(self.scale)
        if self.transparent:
            colours = np.column_stack([colours, alpha()])
        axes.imshow(colours[image], aspect="auto", interpolation="none")
        axes.set_axis_off()

    def axes(self, x: float, y: float, width: float, height: float) -> "Axes":
        """Empty axes, without frame or ticks, whose top left corner is at `x`, `y`, on whole pixels."""
        x, y, width, height = (round(inches * self.dpi) / self.dpi for inches in (x, y, width, height))
        place = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place)
        axes.set_facecolor(self.paper)
        axes.tick_params(length=0, pad=4)
        axes.spines[:].set_visible(False)
        return axes


def colour_map(scale: Scale) -> "ListedColormap":
    """The colours of `scale` as a colour map of matplotlib's."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(scale.colours / 255.0, name="attnviz", bad=scale.theme.blank)


def norm(scale: Scale) -> "Normalize":
    """The way from a weight to its place on `scale`, as matplotlib's."""
    from matplotlib.colors import LogNorm, Normalize

    return (LogNorm if scale.log else Normalize)(scale.bottom, scale.top, clip=True)


class Headed:
    """A panel with a title above it and a caption below."""

    def __init__(
        self, inner: Panel, title: str, caption: str, typesetting: Typesetting, width: float | None = None
    ) -> None:
        self.inner, self.typesetting = inner, typesetting
        small, body, large = typesetting.small, typesetting.body, typesetting.large
        first, _, rest = title.partition("\n")
        available = width or max(inner.width, COMFORTABLE * typesetting.zoom)

        def wrapped(text: str, size: float) -> list[str]:
            return typesetting.wrapped(text, size, available) if text else []

        self.title = typesetting.title(first, large, available, TITLE_LINES) if first else []
        self.rest, self.caption = wrapped(rest, body), wrapped(caption, small)
        sized = ((self.title, large), (self.rest, body), (self.caption, small))
        used = max((typesetting.width(line, size) for lines, size in sized for line in lines), default=0.0)
        self.width = width or max(inner.width, used + 0.05)
        self.above = self._height(self.title, large) + self._height(self.rest, body) + (0.12 if title else 0)
        self.height = self.above + inner.height + self._height(self.caption, small) + (0.1 if self.caption else 0)

    def draw(self, page: "Page", x: float, y: float) -> None:
        """Title, panel, caption."""
        small, body, large = self.typesetting.small, self.typesetting.body, self.typesetting.large
        below = page.lines(x, y, self.title, large, color=page.theme.ink)
        page.lines(x, below, self.rest, body, color=page.theme.muted)
        self.inner.draw(page, x, y + self.above)
        page.lines(x, y + self.above + self.inner.height + 0.1, self.caption, small, color=page.theme.muted)

    @staticmethod
    def _height(lines: list[str], size: float) -> float:
        return len(lines) * line_height(size)


@contextmanager
def settings() -> Iterator[None]:
    """What makes the same picture the same bytes, whatever a matplotlibrc says, and its text as wide as was measured.

    Letters of an SVG are outlines, for Hangul is to be seen where no font has it.
    """
    from matplotlib import rc_context, rcParams, rcParamsDefault

    ours = {"svg.hashsalt": "attnviz", "svg.fonttype": "path", "pdf.fonttype": 42, "text.hinting": "no_hinting"}
    theirs = dict(dict.items(rcParams))  # as they are: to ask for a backend would choose one
    usual = {name: value for name, value in dict.items(rcParamsDefault) if theirs.get(name) != value}
    with rc_context({**{name: value for name, value in usual.items() if name != "backend"}, **ours}):
        yield
