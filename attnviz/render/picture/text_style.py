"""Fonts and colours of text in axes: those of a picture's theme, or of matplotlib's settings."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from attnviz.render.picture.page import line_height
from attnviz.render.picture.typesetting import POINT, Typesetting
from attnviz.render.scale import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Transform

Colour = str | tuple[float, ...]
"""A colour that matplotlib accepts."""
SPLIT = 0.06
"""The smallest cells, in inches, that a line can be drawn between; it takes 3 tenths of a cell."""
MARK = 4.0
"""The length of the marks outside of smaller cells, in points."""


@dataclass(frozen=True)
class TextStyle:
    """Fonts, sizes of text in points, and colours; `typesetting` says how a text is written."""

    typesetting: Typesetting
    family: tuple[str, ...]
    small: float
    body: float
    large: float
    ink: Colour
    muted: Colour
    background: Colour
    themes: bool = False

    @classmethod
    def themed(cls, typesetting: Typesetting, theme: Theme) -> "TextStyle":
        """The style of our pages."""
        sizes = typesetting.small, typesetting.body, typesetting.large
        return cls(typesetting, tuple(typesetting.family), *sizes, theme.ink, theme.muted, theme.background, True)

    @classmethod
    def of_settings(cls, typesetting: Typesetting, background: Colour, body: float | None = None) -> "TextStyle":
        """The style for the caller's axes: matplotlib's settings, and our fonts for characters that theirs lack.

        Labels have `body` points where that is given, and other text is in proportion.
        """
        from matplotlib import rcParams

        small, usual, large = (_points(rcParams[f"{name}size"]) for name in ("axes.label", "xtick.label", "axes.title"))
        zoom = (body or usual) / usual
        return cls(
            typesetting,
            (*rcParams["font.family"], *typesetting.family),
            small * zoom,
            usual * zoom,
            large * zoom,
            rcParams["text.color"],
            rcParams["axes.labelcolor"],
            background,
        )

    def sized(self, size: float) -> "TextStyle":
        """The same style with that body size, in points."""
        return replace(self, body=size)

    @property
    def plain(self) -> dict[str, Any]:
        """matplotlib properties for literal text, where `$` is a dollar sign, in fonts that have its letters."""
        return {"fontfamily": list(self.family), "parse_math": False, "usetex": False}

    @property
    def labels(self) -> dict[str, Any]:
        """Properties of axis names; without a theme, their colour is that of matplotlib's settings."""
        return {"fontsize": self.small, **self.plain, **({"color": self.ink} if self.themes else {})}

    @property
    def ticks(self) -> dict[str, Any]:
        """Properties of tick labels; without a theme, their colour is that of matplotlib's settings."""
        return {**self.labels, "fontsize": self.body}

    @property
    def line(self) -> float:
        """The height of a line of text, in inches."""
        return line_height(self.body)

    def width(self, text: str) -> float:
        """The width of `text` as it is drawn at body size, in inches."""
        if self.themes:  # our fonts, which need no figure
            return self.typesetting.width_as_drawn(text, self.body)
        from matplotlib.font_manager import FontProperties
        from matplotlib.textpath import text_to_path

        font = FontProperties(family=list(self.family), size=self.body)
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
        return float(width) * POINT

    def short(self, text: str, width: float, available: float = math.inf) -> str:
        """`text` as it is drawn, cut with an ellipsis to at most `width` inches, as `Typesetting.short` does it."""
        return self.typesetting.short(text, self.body, width, available)

    def text(self, axes: "Axes", x: float, y: float, text: str, **style: Any) -> "Text":
        """Write `text`, at body size unless `fontsize` is given; `transform` is that of the data unless given."""
        style = {"fontsize": self.body, "color": self.ink, "clip_on": False, **style}
        return axes.text(x, y, text, **self.plain, **style)

    def border(self, axes: "Axes", axis: int, position: float, ends: tuple[float, float], cell: float) -> None:
        """Draw the border of a part of the input, between rows (`axis` 0) or columns of `cell` inches.

        It is a line of ink in a gap of background, visible between cells of every colour, from one of `ends` to the
        other. Where it would hide cells, marks outside of them replace it. All positions are data coordinates.
        """
        from matplotlib import markers
        from matplotlib.lines import Line2D

        if cell >= SPLIT:
            for colour, width in zip((self.background, self.ink), border_widths(cell), strict=True):
                along = (ends, (position, position))
                axes.add_line(Line2D(*along[:: 1 - 2 * axis], color=colour, linewidth=width, solid_capstyle="butt"))
            return
        style: dict[str, Any] = {"markersize": MARK, "markeredgewidth": 1.0, "linestyle": "none", "clip_on": False}
        for end, side in zip(ends, (("left", "right"), ("up", "down"))[axis], strict=True):
            place = ([end], [position]) if axis == 0 else ([position], [end])
            axes.add_line(Line2D(*place, marker=getattr(markers, f"TICK{side.upper()}"), color=self.ink, **style))


def border_widths(cell: float) -> tuple[float, float]:
    """The widths, in points, of the gap between cells of `cell` inches at a border, and of the line of ink in it."""
    gap = min(0.3 * cell / POINT, 5.0)
    return gap, max(0.25 * gap, 0.5)


def shifted(axes: "Axes", x: float, y: float) -> "Transform":
    """The data coordinates of `axes`, shifted `x` inches to the right and `y` inches upwards."""
    from matplotlib.transforms import ScaledTranslation

    return axes.transData + ScaledTranslation(x, y, axes.figure.dpi_scale_trans)


def from_corner(axes: "Axes", bottom: bool = False, down: float = 0.0) -> "Transform":
    """Inches to the right of and above the upper (or lower) left corner of `axes`, moved `down` inches down."""
    from matplotlib.transforms import Affine2D, ScaledTranslation

    corner: Any = axes.transAxes
    inches = Affine2D().translate(0, -down) + axes.figure.dpi_scale_trans
    return inches + ScaledTranslation(0, 0 if bottom else 1, corner)


def axes_size(axes: "Axes") -> tuple[float, float]:
    """Width and height of `axes` now, in inches."""
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    return float(box.width), float(box.height)


def _points(size: float | str) -> float:
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size=size).get_size_in_points())
