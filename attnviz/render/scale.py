"""Weights as colours: which colour a cell has. A scale, the colours along it, and the other colours of the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnviz.render.colours import Colours, palette
from attnviz.render.options import PlotOptions

PALEST = 96
"""The first of the 256 colours that a line can have."""
DECADES = 3
"""A logarithmic scale covers this many powers of ten, the highest perhaps in part; smaller weights are its low end."""


@dataclass(frozen=True)
class Theme:
    """The colours of a page as `#rrggbb`: its background, its text (`ink`) and its less important text (`muted`).

    `blank` is a cell that the query may not look at, which is not a weight of 0. `hairline` is a thin line around and
    between cells. `palette` names the colours of cells, and `background_palette` those behind text, where a weight of 0
    has the background of the page.
    """

    background: str
    ink: str
    muted: str
    blank: str
    hairline: str
    palette: str
    background_palette: str


THEMES = {
    "light": Theme("#ffffff", "#000000", "#5b5f6b", "#e9ebf0", "#d3d6de", "white", "lilac"),
    "dark": Theme("#22242c", "#f2f2f2", "#a9adb8", "#353843", "#444854", "violet", "amber"),
    "print": Theme("#ffffff", "#000000", "#555555", "#ffffff", "#bbbbbb", "grey", "grey"),
}


@dataclass(frozen=True, eq=False)
class Scale:
    """How the weights of a picture become colours.

    `colours` are uint8 `[256, 3]`, from the lower end of the scale to `top`. `above` says that some weights are larger
    than `top`; `has_custom_colours`, that the user named a colour map; `has_colorbar`, that a colour bar is drawn.
    A `signed` scale begins at −`top`, with 0 in the middle. `quantity` says what the scale measures.
    """

    top: float
    theme: Theme
    colours: Colours
    log: bool = False
    above: bool = False
    has_custom_colours: bool = False
    has_colorbar: bool = True
    signed: bool = False
    quantity: str = "attention weight"

    @property
    def bottom(self) -> float:
        """Where the scale begins."""
        if self.signed:
            return -self.top
        return 10.0 ** (math.ceil(math.log10(self.top) - 1e-9) - DECADES) if self.log else 0.0

    @property
    def meaning(self) -> str:
        """What it is a scale of."""
        return f"{self.quantity} (log)" if self.log else self.quantity

    def fractions(self, weights: np.ndarray) -> np.ndarray:
        """How far along the scale each weight is, from 0 to 1; weights beyond an end count as that end."""
        if not self.log:
            return np.asarray(np.clip((weights - self.bottom) / (self.top - self.bottom), 0, 1))
        fractions = np.log(np.maximum(weights, self.bottom) / self.bottom) / np.log(self.top / self.bottom)
        return np.asarray(np.clip(fractions, 0, 1))

    def weight(self, fraction: float) -> float:
        """The weight at that fraction of the scale."""
        if self.log:
            return float(self.bottom * (self.top / self.bottom) ** fraction)
        return self.bottom + (self.top - self.bottom) * fraction

    def indices(self, weights: np.ndarray) -> np.ndarray:
        """The colour of each weight, as its row of `colours`, uint8."""
        return np.asarray(np.round(self.fractions(weights) * 255), np.uint8)

    @property
    def for_backgrounds(self) -> "Scale":
        """The same scale for the background of text, in colours that begin with that of the page."""
        return self if self.has_custom_colours else replace(self, colours=palette(self.theme.background_palette))

    def line_colours(self, fractions: np.ndarray) -> np.ndarray:
        """The colours of lines that far along the scale, RGB from 0 to 1, `[line, 3]`.

        They are the colours of cells, but none near that of the background, unless the user named a colour map.
        """
        first = 0 if self.has_custom_colours else PALEST
        return np.asarray(self.colours[np.round(first + fractions * (255 - first)).astype(int)] / 255.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Fractions of the scale and the labels there, with `≥` or `≤` where weights beyond it have the same colour."""
        weights = [self.bottom, 0.0 if self.signed else _half(self.top), self.top]
        if self.log:
            weights = [self.bottom, *(10.0**index for index in _powers(self.bottom, self.top)), self.top]
        labels = [f"{weight:.3g}".replace("-", "−") for weight in weights]
        if self.log or (self.signed and self.above):
            labels[0] = f"≤{labels[0]}"
        if self.above:
            labels[-1] = f"≥{labels[-1]}"
        return list(zip(self.fractions(np.array(weights)).tolist(), labels, strict=True))


def spaced_ticks(ticks: Sequence[tuple[float, str]], least: float) -> list[tuple[float, str]]:
    """Those of `ticks` whose positions differ by `least` or more; both ends stay."""
    *most, end = ticks
    kept = most[:1]
    for tick in most[1:]:
        if tick[0] - kept[-1][0] >= least <= end[0] - tick[0]:
            kept.append(tick)
    return [*kept, end]


def scale_of(
    options: PlotOptions,
    tops: Sequence[float],
    largest: float = 0.0,
    theme: str = "light",
    signed: bool = False,
    quantity: str = "attention weight",
) -> Scale:
    """One scale for scenes whose own scales end at `tops`, and whose largest weight is `largest`.

    `theme` is used where `options` names none. A `signed` scale, for weights of which some are negative, is linear from
    −top to top; its colours run from 0 in the middle to one hue on each side. `quantity` is what the scale measures.
    """
    chosen = THEMES[options.theme or theme]
    top = options.vmax or max(tops, default=1.0)
    return Scale(
        top,
        chosen,
        _colours(options, chosen, signed),
        log=options.log and not signed,
        above=bool(largest > top + 1e-6),
        has_custom_colours=options.cmap is not None,
        has_colorbar=options.colorbar,
        signed=signed,
        quantity=quantity,
    )


def _colours(options: PlotOptions, theme: Theme, signed: bool) -> Colours:
    """256 colours, uint8 `[256, 3]`: those of the colour map that the user named, or of the theme."""
    if options.cmap is None and signed:
        return signed_palette(theme)
    if options.cmap is None:
        return palette(theme.palette)
    from attnviz.render.colour_maps import sampled

    return sampled(options.cmap)


def signed_palette(theme: Theme) -> Colours:
    """256 colours, uint8 `[256, 3]`, of differences from −1 to 1: numbers 127 and 128 are that of 0."""
    negative, positive = ("teal", "amber") if theme is THEMES["dark"] else ("lilac", "rust")
    return np.concatenate([palette(negative)[-2::-2], palette(positive)[::2]])


def _half(top: float) -> float:
    """About half of `top`, easy to read: exactly half if that has two digits, otherwise rounded to one digit."""
    half = top / 2
    return float(f"{half:.2g}") if math.isclose(float(f"{half:.2g}"), half) else float(f"{half:.1g}")


def _powers(bottom: float, top: float) -> range:
    """The powers of ten whose labels fit between those of two weights."""
    return range(math.ceil(math.log10(bottom) + 0.25), math.floor(math.log10(top) - 0.25) + 1)
