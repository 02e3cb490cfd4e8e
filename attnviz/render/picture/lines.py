"""A head as lines in a picture, as in BertViz's head view: queries left, keys right, lines by weight."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path

from attnviz.render.links import links_to_draw, require_tokens
from attnviz.render.options import PlotOptions
from attnviz.render.picture.link_artists import LinkLegend, draw_links
from attnviz.render.picture.page import Box
from attnviz.render.picture.small_multiples import Margins
from attnviz.render.picture.text_style import TextStyle, shifted
from attnviz.render.scale import Scale
from attnviz.render.scene import FROM, TO, Scene

ROW, BETWEEN, SIDE_BY_SIDE = 0.24, 1.9, 1.3
"""The distance between tokens of the usual size, and from queries to keys of one head and of several, in inches."""
STEEPEST = 0.45
"""The largest distance between tokens in a picture of a given width, in inches."""
SHORTEST, PITCH = 0.5, 0.8
"""The least length of lines, in inches, and the least distance between tokens, in lines of text."""
LONGEST = 1.7
"""The longest label of the usual size, in inches."""
APART = 0.07
"""The gap between a label and its lines, in inches."""
BEND = np.array([Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


class Lines:
    """The heads of a scene, each in separate axes of `box` inches, with `margins` for labels."""

    keeps_size = False

    def __init__(
        self, scene: Scene, scale: Scale, text_style: TextStyle, options: PlotOptions, available: Box = (None, None)
    ) -> None:
        require_tokens(scene, "lines")
        self.scene, self.scale, self.text_style = scene, scale, text_style
        zoom = text_style.typesetting.zoom
        self.rows = [text_style.short(label, LONGEST * zoom) for label in scene.rows]
        self.columns = [text_style.short(label, LONGEST * zoom) for label in scene.columns]
        small = text_style.sized(text_style.small)
        left, right = (
            max(small.width(name), *map(text_style.width, labels))
            for name, labels in ((FROM, self.rows), (TO, self.columns))
        )
        self.margins = Margins(left + APART, text_style.line + 0.09, right + APART, 0.0)
        self.most = max(len(self.rows), len(self.columns))
        usual = BETWEEN if len(scene.heads) == 1 else SIDE_BY_SIDE
        width = usual if available[0] is None else max(available[0] - self.margins.across, SHORTEST)
        row = max(zoom, 1.0) * min(max(ROW, ROW * width / usual), STEEPEST)  # lines of any width are equally steep
        height = self.most * row if available[1] is None else available[1] - self.margins.down
        self.box = width, max(height, self.most * PITCH * text_style.line)

    def legend(self, available: float) -> LinkLegend:
        """The legend of the lines."""
        return LinkLegend(self.scale, self.text_style, available)

    def draw(self, axes: Axes, index: int) -> None:
        """Draw head `index` of the scene into `axes`, with its labels around them."""
        drawn = links_to_draw(self.scene, index, self.scale)
        ys = [self._places(labels) for labels in (self.rows, self.columns)]
        paths = [
            Path([(0, ys[0][row]), (0.5, ys[0][row]), (0.5, ys[1][column]), (1, ys[1][column])], BEND)
            for row, column in zip(drawn.rows, drawn.columns, strict=True)
        ]
        draw_links(axes, paths, drawn, self.scale, axes.transData)
        axes.set(xlim=(0, 1), ylim=(self.most - 0.5, -0.5))
        axes.set_axis_off()
        for x, name, labels, places in ((0, FROM, self.rows, ys[0]), (1, TO, self.columns, ys[1])):
            side = {"ha": "left" if x else "right", "transform": shifted(axes, APART * (2 * x - 1), 0)}
            for label, y in zip(labels, places, strict=True):
                self.text_style.text(axes, x, y, label, va="center", **side)
            self._name(axes, x, name)

    def _name(self, axes: Axes, x: int, name: str) -> None:
        """Write the name of one side above its labels, aligned with them."""
        text_style, place = self.text_style.sized(self.text_style.small), shifted(axes, APART * (2 * x - 1), 0.05)
        side = "left" if x else "right"
        text_style.text(axes, x, -0.5, name, ha=side, va="bottom", color=text_style.muted, transform=place)

    def _places(self, labels: list[str]) -> np.ndarray:
        """The position of each token; the shorter side is centred."""
        return np.arange(len(labels)) + (self.most - len(labels)) / 2
