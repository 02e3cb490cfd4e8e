"""How attention is drawn: one frozen set of options that every renderer takes."""

import math
from dataclasses import MISSING, dataclass, fields
from numbers import Real
from typing import Any

from attnviz.arguments import dataclass_repr, require_flag, require_type
from attnviz.errors import PlotOptionError
from attnviz.render.styles import STYLES, Style

THEMES = ("light", "dark", "print")
SINKS = ("show", "mask", "renorm")
SPECIALS = ("show", "hide", "renorm")
SIZES = (1.0, 100.0)
"""The smallest and the largest side of a picture, in inches."""
RESOLUTIONS = (20, 2400)
"""The lowest and the highest resolution, in dots per inch."""
FONT_SIZES = (4.0, 72.0)
"""The smallest and the largest size of labels, in points."""

_TYPES: dict[str, tuple[type, str]] = {
    "query": (str, "query: a word of the text, or the number of a row: '3'."),
    "vmax": (Real, "vmax: a number, more than 0, up to 1."),
    "title": (str, "title: a text; '' for none."),
    "dpi": (Real, "dpi: dots per inch, such as 300."),
    "font_size": (Real, "font_size: points, such as 9.5."),
}
"""The types of options that are not a choice of words, and the hint for a value of another type."""


@dataclass(frozen=True)
class PlotOptions:
    """How attention is drawn. Only `renorm` changes numbers; each default leaves the picture as it is.

    `style` is one of STYLES. `query` names the row that `text` shows (see `render.query.find_query`). `cmap` is a
    matplotlib colour map or its name, in place of the theme's colours. `vmax` is the weight at which the scale ends, in
    place of the largest one; `log` makes it logarithmic. `annotate` writes the weights or not; by default they are
    written where they fit. `colorbar=False` leaves out the colour bar or the legend of lines. `title` replaces the
    text. `size` is the width in inches, or `WxH`; `dpi` is the resolution of a PNG. `theme` is one of THEMES; None is
    the light one in files, and matplotlib's settings in the caller's axes. `font_size` is the size of labels in points;
    titles and small text scale with it. `transparent` leaves out the background. `sink`, one of SINKS, and `special`,
    one of SPECIALS, exclude the first key and the special tokens (see `render.exclusion`). `mean` and `max` draw the
    heads as one: each cell is their mean or their largest weight.

    Raises PlotOptionError for a value that cannot be drawn.
    """

    style: str = "heatmap"
    query: str | None = None
    cmap: Any = None  # a name or a Colormap: matplotlib is imported only where one is given
    vmax: float | None = None
    log: bool = False
    annotate: bool | None = None
    title: str | None = None
    size: str | float | tuple[float, float] | None = None
    dpi: int | None = None
    theme: str | None = None
    font_size: float | None = None
    transparent: bool = False
    colorbar: bool = True
    sink: str = "show"
    special: str = "show"
    mean: bool = False
    max: bool = False

    def __post_init__(self) -> None:
        for name, (known, hint) in _TYPES.items():
            require_type(name, getattr(self, name), known, PlotOptionError, hint)
        for name in ("log", "annotate", "transparent", "colorbar", "mean", "max"):
            require_flag(name, getattr(self, name), PlotOptionError, optional=name == "annotate")
        _require_one_of("style", self.style, tuple(STYLES))
        _require_one_of("sink", self.sink, SINKS)
        _require_one_of("special", self.special, SPECIALS)
        if self.mean and self.max:
            raise PlotOptionError("heads are drawn as one by their mean or by their maximum", "Leave one of them out.")
        if self.theme is not None:
            _require_one_of("theme", self.theme, THEMES)
        if self.vmax is not None and not 0 < self.vmax <= 1:
            raise PlotOptionError(f"vmax cannot be {self.vmax:g}", "A weight above 0 and up to 1, such as 0.5.")
        if self.dpi is not None and not RESOLUTIONS[0] <= self.dpi <= RESOLUTIONS[1]:
            raise PlotOptionError(
                f"dpi cannot be {self.dpi:g}", f"From {RESOLUTIONS[0]} to {RESOLUTIONS[1]} dots per inch."
            )
        if self.font_size is not None and not FONT_SIZES[0] <= self.font_size <= FONT_SIZES[1]:
            raise PlotOptionError(
                f"font size cannot be {self.font_size:g}", "From {:g} to {:g} points.".format(*FONT_SIZES)
            )
        if self.query is not None and not self.drawn_as.shows_one_query:
            raise PlotOptionError(f"style {self.style} shows all queries, not one", "To show one query: --style text")
        if self.annotate and not self.drawn_as.takes_numbers:
            numbered = ", ".join(style.name for style in STYLES.values() if style.takes_numbers)
            raise PlotOptionError(
                f"style {self.style} has no cells to write numbers into", f"Styles with numbers: {numbered}."
            )
        if self.cmap is not None:
            from attnviz.render.colour_maps import require

            require(self.cmap)
        _ = self.inches

    def __repr__(self) -> str:
        return dataclass_repr(self)

    @property
    def drawn_as(self) -> Style:
        """The entry of `style` in the table of styles."""
        return STYLES[self.style]

    @property
    def combines(self) -> str | None:
        """How several heads are combined into one, `mean` or `max`; None where each is drawn."""
        return "mean" if self.mean else "max" if self.max else None

    @property
    def inches(self) -> tuple[float | None, float | None]:
        """Width and height of the picture, each None where the content decides. Raises PlotOptionError."""
        if self.size is None:
            return None, None
        try:
            given = self.size.lower().split("x") if isinstance(self.size, str) else self.size
            sides = [float(side) for side in (given if isinstance(given, list | tuple) else [given])]
        except (TypeError, ValueError):
            sides = []
        if len(sides) not in (1, 2) or not all(math.isfinite(side) for side in sides):
            raise PlotOptionError(
                f"size cannot be {self.size!r}", "Inches: a width such as 6.5, or width and height: 6.5x4."
            )
        if not all(SIZES[0] <= side <= SIZES[1] for side in sides):
            raise PlotOptionError(f"size cannot be {self.size!r}", f"From {SIZES[0]:g} to {SIZES[1]:g} inches.")
        return sides[0], sides[1] if len(sides) == 2 else None

    @property
    def given(self) -> dict[str, object]:
        """The options that differ from their defaults; a colour map is given by its name."""
        found = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != DEFAULTS[f.name]}
        return {name: getattr(value, "name", value) for name, value in found.items()}


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise PlotOptionError(f"{name} cannot be {value!r}", f"{name.capitalize()}: {', '.join(known)}.")


DEFAULT = PlotOptions()
DEFAULTS = {f.name: f.default for f in fields(PlotOptions) if f.default is not MISSING}
