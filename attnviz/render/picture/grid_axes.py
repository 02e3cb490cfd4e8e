"""Several heads in the caller's axes: tiles, with labels on the left and at the bottom."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from attnviz.render.balanced_rows import balanced
from attnviz.render.picture.arrangement import Arrangement, Place, arrangements
from attnviz.render.picture.cells import Cells
from attnviz.render.picture.grid_labels import AxisLabels, axes_text
from attnviz.render.picture.mosaic import resized
from attnviz.render.picture.text_style import TextStyle, axes_size, shifted
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene
from attnviz.render.ticks import segments

TILE = 256
"""The most rows and columns of a tile; more are pooled by their largest weight."""
LISTED = 40
"""At most this many tokens are listed below the tiles."""
GAP = 0.08
"""Between tiles, in inches."""


class AxesGrid:
    """The heads of a scene as tiles that fill `axes`."""

    def __init__(self, axes: Axes, scene: Scene, text_style: TextStyle, scale: Scale) -> None:
        self.axes, self.scene, self.text_style, self.scale = axes, scene, text_style, scale
        self.inches = axes_size(axes)
        [self.arrangement] = arrangements([scene], self.inches[0] / self.inches[1])
        down, across = (balanced(cells, TILE) for cells in scene.reachable.shape)
        self.cells = down, across  # the rows and columns of a tile
        self.corners = [self._starts(axis, names) for axis, names in enumerate(self._names(self.arrangement))]
        self.extent = [starts[-1] + cells for starts, cells in zip(self.corners, self.cells, strict=True)]
        self.labels = self._labels()

    def draw(self) -> ScalarMappable:
        """Draw the tiles and their labels; returns what a colour bar needs."""
        drawn = self._weights()
        self._segments()
        self._label()
        self._name()
        return drawn

    def _names(self, arrangement: Arrangement) -> tuple[float, float]:
        """The space for names above a tile and left of it, in inches."""
        beside = max((self.text_style.width(name) for name in arrangement.beside.values()), default=0.0)
        return self.text_style.line + 0.04, beside + 0.1

    def _starts(self, axis: int, names: float) -> list[int]:
        """The indices of the first cells of tiles, where the gaps between tiles are counted in cells too."""
        count, breaks = self.arrangement.shape[axis], self.arrangement.breaks[axis]
        every = axis == 0 and self.arrangement.named
        gaps = [GAP + (names if every or index in breaks else 0.0) for index in range(1, count)]
        inches = max(self.inches[1 - axis] - sum(gaps), 0.3 * self.inches[1 - axis])
        cell = inches / count / self.cells[axis]
        steps = [self.cells[axis] + max(round(gap / cell), 1) for gap in gaps]
        return [0, *np.cumsum(steps, dtype=int).tolist()]

    def _labels(self) -> list[AxisLabels]:
        scene, a, (height, width) = self.scene, self.scene.attention, self._tile
        typesetting = self.text_style.typesetting
        return [
            AxisLabels.of(scene.rows, a.rows, a.queries, height, typesetting, True, LISTED),
            AxisLabels.of(scene.columns, a.columns, a.keys, width, typesetting, False, LISTED, scene.prominent),
        ]

    @property
    def _tile(self) -> tuple[float, float]:
        """The height and the width of a tile, in inches."""
        height, width = (self.inches[1 - axis] * self.cells[axis] / self.extent[axis] for axis in (0, 1))
        return height, width

    def _corner(self, place: Place) -> tuple[int, int]:
        """The index of the first cell of a tile, across and down."""
        return self.corners[1][place[1]], self.corners[0][place[0]]

    def _weights(self) -> ScalarMappable:
        n, m = self.cells
        blank = ~resized(self.scene.reachable, n, m)
        tiles = [
            Cells(self.axes, np.ma.array(resized(weights, n, m), mask=blank), self.scale, *self._corner(place))
            for place, weights in zip(self.arrangement.places, self.scene.matrices, strict=True)
        ]
        self.axes.set(xlim=(-0.5, self.extent[1] - 0.5), ylim=(self.extent[0] - 0.5, -0.5))
        return tiles[0]

    def _segments(self) -> None:
        """A border in each tile wherever another part of the input begins."""
        a, (n, m) = self.scene.attention, self.cells
        cuts = [(0, row * n / len(a.rows) - 0.5) for row in segments(a.queries, a.rows)]
        cuts += [(1, column * m / len(a.columns) - 0.5) for column in segments(a.keys, a.columns)]
        sides = [tile / len(cells) for tile, cells in zip(self._tile, (a.rows, a.columns), strict=True)]
        for x, y in map(self._corner, self.arrangement.places):
            for axis, cut in cuts:
                place, ends = (y + cut, (x - 0.5, x + m - 0.5)) if axis == 0 else (x + cut, (y - 0.5, y + n - 0.5))
                self.text_style.border(self.axes, axis, place, ends, sides[axis])

    def _label(self) -> None:
        """Label the queries on the left and the keys at the bottom, and write the names of the axes below."""
        rows, columns = self.labels
        axes, text_style = self.axes, self.text_style
        for axis, one, cells in ((axes.yaxis, rows, self.scene.rows), (axes.xaxis, columns, self.scene.columns)):
            side = 0 if one is rows else 1
            size = self.cells[side] / len(cells)
            ticks = [
                (start + position * size - 0.5, label) for start in self.corners[side] for position, label in one.ticks
            ]
            style = {
                **text_style.ticks,
                "fontsize": min(one.size, text_style.body),
                "rotation": 90 if one.turned else 0,
            }
            axis.set_ticks([position for position, _ in ticks], [label for _, label in ticks], **style)
        axes.tick_params(length=0, pad=2)
        text = "\n".join(
            text_style.typesetting.wrapped(axes_text(self.scene, self.labels), text_style.small, self.inches[0])
        )
        axes.set_xlabel(text, loc="left", **{**text_style.labels, "fontsize": text_style.small})

    def _name(self) -> None:
        """Write the names of layers and heads, or the name of each tile."""
        arrangement, text_style, (n, m) = self.arrangement, self.text_style, self.cells
        for place, name in arrangement.above.items():
            x, y = self._corner(place)
            across, ha = (x - 0.5, "left") if arrangement.named else (x + m / 2 - 0.5, "center")
            text_style.text(self.axes, across, y - 0.5, name, va="bottom", ha=ha, transform=shifted(self.axes, 0, 0.03))
        for place, name in arrangement.beside.items():
            x, y = self._corner(place)
            distance = self.labels[0].longest + 0.1 if place[1] == 0 else 0.05
            place_it: dict[str, Any] = {"transform": shifted(self.axes, -distance, 0), "va": "center", "ha": "right"}
            text_style.text(self.axes, x - 0.5, y + n / 2 - 0.5, name, **place_it)
