"""The lines of links in a picture, whose opacity and width show the weight, and their legend."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Transform

from attnviz.render.links import FAINT, DrawnLinks, opacity, width
from attnviz.render.picture.text_style import TextStyle
from attnviz.render.scale import Scale

ABOVE = 0.1
"""The gap between the drawing and its legend, in inches."""
SAMPLE, AFTER, APART = 0.3, 0.06, 0.16
"""The length of a line in the legend, and the gaps after it and after its number, in inches."""


def draw_links(axes: Axes, paths: Sequence[Path], drawn: DrawnLinks, scale: Scale, transform: Transform) -> None:
    """Draw the link `drawn[i]` along `paths[i]`, in the coordinates of `transform`."""
    collection = PatchCollection([PathPatch(path) for path in paths], match_original=False)
    collection.set(
        facecolor="none",
        edgecolor=_colours(drawn.fractions, scale),
        linewidth=width(drawn.fractions),
        capstyle="butt",
        transform=transform,
        clip_on=False,
    )
    axes.add_collection(collection, autolim=False)


class LinkLegend:
    """What the lines mean, in one line of text if `available` inches are enough, and `notes` below it."""

    def __init__(self, scale: Scale, text_style: TextStyle, available: float, notes: Sequence[str] = ()) -> None:
        self.scale, self.text_style = scale, text_style.sized(text_style.small)
        self.samples = [(fraction, label) for fraction, label in scale.ticks() if fraction >= FAINT]
        first = sum(SAMPLE + AFTER + self.text_style.width(label) + APART for _, label in self.samples)
        named = first + self.text_style.width(scale.meaning)
        self.meaning = scale.meaning if named <= available else ""
        self.width = named if self.meaning else first - APART
        notes = (*notes, f"under {scale.weight(FAINT):.2g} not drawn")
        notes = notes if self.meaning else (scale.meaning, *notes)
        self.notes = text_style.typesetting.wrapped(" · ".join(notes), text_style.small, max(available, self.width))
        self.width = max(self.width, *map(self.text_style.width, self.notes))
        self.height = ABOVE + self.text_style.line * (1 + len(self.notes))

    def draw(self, axes: Axes, corner: Transform) -> None:
        """Draw it below `corner`, which is in inches."""
        x, y = 0.0, -ABOVE - self.text_style.line / 2
        style: dict[str, Any] = {"transform": corner, "color": self.text_style.muted, "va": "center_baseline"}
        fractions = np.array([fraction for fraction, _ in self.samples])
        colours = _colours(fractions, self.scale)
        for colour, line_width, (_, label) in zip(colours, width(fractions), self.samples, strict=True):
            ends = [x, x + SAMPLE], [y, y]
            axes.add_artist(Line2D(*ends, color=colour, linewidth=line_width, transform=corner, clip_on=False))
            self.text_style.text(axes, x + SAMPLE + AFTER, y, label, **style)
            x += SAMPLE + AFTER + self.text_style.width(label) + APART
        self.text_style.text(axes, x, y, self.meaning, **style)
        for index, note in enumerate(self.notes, 1):
            self.text_style.text(axes, 0, y - index * self.text_style.line, note, **style)


def _colours(fractions: np.ndarray, scale: Scale) -> np.ndarray:
    """The colours of lines that far along the scale, RGBA from 0 to 1, `[line, 4]`."""
    return np.concatenate([scale.line_colours(fractions), opacity(fractions)[:, None]], 1)
