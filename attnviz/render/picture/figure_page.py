"""A page that is a matplotlib figure, and the scale in matplotlib's terms: `colour_map` and `norm`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.render.picture.mosaic import alpha, table
from attnviz.render.picture.page import Page
from attnviz.render.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap, Normalize

    from attnviz.render.picture.heatmap import HeatmapPanel


class FigurePage(Page):
    """A page that is a matplotlib figure."""

    def __init__(self, *measures: Any, **more: Any) -> None:
        from matplotlib.figure import Figure

        super().__init__(*measures, **more)
        self.background = "none" if self.transparent else self.theme.background
        self.figure = Figure(figsize=(self.width, self.height), dpi=self.dpi, facecolor=self.background)

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

    def image(self, x: float, y: float, image: np.ndarray, scale: Scale | None = None) -> None:
        """Draw `image`."""
        height, width = image.shape
        axes = self.axes(x, y, width / self.dpi, height / self.dpi)
        colours = table(scale or self.scale)
        if self.transparent:
            colours = np.column_stack([colours, alpha()])
        axes.imshow(colours[image], aspect="auto", interpolation="none")
        axes.set_axis_off()

    def heatmap(self, x: float, y: float, panel: "HeatmapPanel") -> None:
        """Draw `panel` into axes of its own."""
        from attnviz.render.picture.heatmap_axes import draw_into

        draw_into(self.axes(x, y, *panel.area), panel)

    def axes(self, x: float, y: float, width: float, height: float) -> "Axes":
        """Empty axes, without frame or ticks, whose top left corner is at `x`, `y`, on whole pixels."""
        x, y, width, height = (round(inches * self.dpi) / self.dpi for inches in (x, y, width, height))
        place = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place)
        axes.set_facecolor(self.background)
        axes.tick_params(length=0, pad=4)
        axes.spines[:].set_visible(False)
        return axes


def colour_map(scale: Scale) -> "ListedColormap":
    """The colours of `scale` as a matplotlib colour map."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(scale.colours / 255.0, name="attnviz", bad=scale.theme.blank)


def norm(scale: Scale) -> "Normalize":
    """The matplotlib norm of `scale`: from a weight to its fraction of the scale."""
    from matplotlib.colors import LogNorm, Normalize

    return (LogNorm if scale.log else Normalize)(scale.bottom, scale.top, clip=True)


@contextmanager
def settings() -> Iterator[None]:
    """matplotlib settings under which a picture always has the same bytes, and text has the width that was measured.

    A matplotlibrc has no effect. The letters of an SVG are outlines, so that Hangul is visible without a font.
    """
    from matplotlib import rc_context, rcParams, rcParamsDefault

    ours = {"svg.hashsalt": "attnviz", "svg.fonttype": "path", "pdf.fonttype": 42, "text.hinting": "no_hinting"}
    theirs = dict(dict.items(rcParams))  # by dict.items: reading the backend from rcParams would choose one
    usual = {name: value for name, value in dict.items(rcParamsDefault) if theirs.get(name) != value}
    with rc_context({**{name: value for name, value in usual.items() if name != "backend"}, **ours}):
        yield
