"""A head of one sequence as arcs in a picture: above the tokens to earlier ones, below them to later ones."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path

from attnviz.errors import SelectionError
from attnviz.labels import visible
from attnviz.render.links import DrawnLinks, links_to_draw, require_tokens
from attnviz.render.options import PlotOptions
from attnviz.render.picture.link_artists import LinkLegend, draw_links
from attnviz.render.picture.page import Box
from attnviz.render.picture.small_multiples import Margins
from attnviz.render.picture.text_style import TextStyle, shifted
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene

WIDEST, SIDE_BY_SIDE = 7.5, 3.8
"""The greatest width of the tokens of one head, and of several, in inches; wider labels are turned upright."""
SLOT, UPRIGHT = 0.62, 0.2
"""The least distance between tokens, in inches, with level labels, and with upright ones of the usual size."""
HIGHEST, LONGEST = 2.2, 1.7
"""The highest arc, and the longest label of the usual size, in inches."""
LOWEST = 0.3
"""The least height for arcs, in inches."""
LOOP = 0.2
"""The height of an arc from a token to itself, and twice its width, in inches."""
SIDES = "above: looks back, or at itself", "below: looks ahead"
BEND = np.array([Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


class Arcs:
    """The heads of a scene, each in separate axes of `box` inches."""

    keeps_size = False

    def __init__(
        self, scene: Scene, scale: Scale, text_style: TextStyle, options: PlotOptions, available: Box = (None, None)
    ) -> None:
        if scene.attention.kind == "cross":
            raise SelectionError(
                "arcs join tokens of one sequence, and cross-attention has two", "Try --style lines, or --kind self."
            )
        require_tokens(scene, "arcs")
        self.scene, self.scale, self.text_style = scene, scale, text_style
        a, zoom = scene.attention, text_style.typesetting.zoom
        self.tokens = sorted({start for start, _ in (*a.rows, *a.columns)})
        self.labels = [text_style.short(visible(a.queries[index].text), LONGEST * zoom) for index in self.tokens]
        limit = available[0] or (WIDEST if len(scene.heads) == 1 else SIDE_BY_SIDE)
        slots = np.array([text_style.width(label) + 0.16 for label in self.labels])
        self.level = float(slots.sum()) <= limit
        if not self.level:
            slots = np.full(
                len(slots),
                UPRIGHT * zoom if available[0] is None else max(available[0] / len(slots), 0.8 * text_style.line),
            )
        elif available[0] or np.maximum(slots, SLOT).sum() > limit:
            slots *= limit / slots.sum()
        else:
            slots = np.maximum(slots, SLOT)
        self.xs = np.cumsum(slots) - slots / 2
        self.band = text_style.line * 1.25 if self.level else max(map(text_style.width, self.labels)) + 0.16
        self._heights(float(slots.sum()), available[1])
        self.margins = Margins(0, 0.05, 0, 0.05)

    def legend(self, available: float) -> LinkLegend:
        """The legend of the arcs."""
        return LinkLegend(self.scale, self.text_style, available, SIDES if self.below else ())

    def _heights(self, width: float, given: float | None) -> None:
        """Set the heights of the arcs above the tokens and below them, and so of the axes."""
        drawn = [self._ends(links_to_draw(self.scene, index, self.scale)) for index in range(len(self.scene.heads))]
        start, end = (np.concatenate([ends[i] for ends in drawn]) for i in (0, 1))
        self.longest = float(np.abs(end - start).max(initial=0.0)) or 1.0
        back, ahead = (start - end).max(initial=0.0), (end - start).max(initial=0.0)
        scale = min(HIGHEST, 0.42 * self.longest)
        if given is not None:
            available = max(given - 0.1 - self.band, LOWEST)
            scale = available / (self._rise(back) + self._rise(ahead) or 1.0)
        self.scaled = scale
        self.above = max(scale * self._rise(back), LOOP if (start == end).any() else 0.0)
        self.below = scale * self._rise(ahead)
        self.box = width, self.above + self.band + self.below

    def draw(self, axes: Axes, index: int) -> None:
        """Draw head `index` of the scene into `axes`."""
        drawn = links_to_draw(self.scene, index, self.scale)
        start, end = self._ends(drawn)
        axes.set(xlim=(0, self.box[0]), ylim=(-self.below - self.band / 2, self.above + self.band / 2))
        axes.set_axis_off()
        for side in (1, -1):
            which = (end > start) == (side < 0)
            paths = [self._arc(*ends, side) for ends in zip(start[which], end[which], strict=True)]
            part = DrawnLinks(drawn.rows[which], drawn.columns[which], drawn.fractions[which])
            draw_links(axes, paths, part, self.scale, shifted(axes, 0, side * self.band / 2))
        for x, label in zip(self.xs, self.labels, strict=True):
            self.text_style.text(axes, x, 0, label, ha="center", va="center", rotation=0 if self.level else 90)

    def _ends(self, drawn: DrawnLinks) -> tuple[np.ndarray, np.ndarray]:
        """The positions of the query and of the key of each link, in inches."""
        a = self.scene.attention
        x_of = dict(zip(self.tokens, self.xs, strict=True))
        queries = np.array([x_of[a.rows[row][0]] for row in drawn.rows])
        return queries, np.array([x_of[a.columns[column][0]] for column in drawn.columns])

    def _rise(self, length: float) -> float:
        """The height of an arc of that length, as a fraction of the highest; short arcs are steeper."""
        return float((length / self.longest) ** 0.75)

    def _arc(self, start: float, end: float, side: int) -> Path:
        height = (
            side * (self.scaled * self._rise(abs(end - start)) or LOOP) * 4 / 3
        )  # the curve stays below its handles
        if start == end:
            return Path([(start - 0.02, 0), (start - LOOP, height), (start + LOOP, height), (start + 0.02, 0)], BEND)
        return Path([(start, 0), (start, height), (end, height), (end, 0)], BEND)
