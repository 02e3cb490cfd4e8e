"""One head as a heatmap, in a picture."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from attnviz.render.cells import number
from attnviz.render.colours import ink, palette, shade
from attnviz.render.lettering import Lettering
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.sheet import BAR_ROOM, BODY, GREY, SMALL, Sheet, colour_map, line_height

LONGEST = 1.7
"""No label is longer than this, in inches."""
LARGEST = 7.0
"""No side of the cells is longer than this, in inches."""
ANNOTATED = 200
"""Weights are written into at most so many cells."""


class HeatmapPanel:
    """The first head of a scene: its cells, their labels, the names of the axes and a colour bar."""

    def __init__(self, scene: Scene, top: float, lettering: Lettering) -> None:
        self.scene, self.top = scene, top
        n, m = len(scene.rows), len(scene.columns)
        self.rows = [lettering.short(label, BODY, LONGEST) for label in scene.rows]
        self.columns = [lettering.short(label, BODY, LONGEST) for label in scene.columns]
        across = max((lettering.width(label, BODY) for label in self.columns), default=0)
        self.left = max((lettering.width(label, BODY) for label in self.rows), default=0) + 0.14
        side = min(0.56, LARGEST / max(n, m))
        self.turned = 0 if m * max(across + 0.2, side) <= max(LARGEST, m * side) else 45 if side > 0.24 else 90
        self.cell = max(side, 0 if self.turned else across + 0.2), side
        self.cells = m * self.cell[0], n * self.cell[1]
        self.label_height = 0.1 + {0: line_height(BODY), 45: across * 0.72 + 0.1, 90: across}[self.turned]
        beyond = across * 0.72 - self.cell[0] / 2 if self.turned == 45 else 0  # the last label leans over the edge
        self.width = self._before + self.cells[0] + max(0.2 + BAR_ROOM, beyond)
        self.height = line_height(SMALL) + self.label_height + max(self.cells[1], 1.0)

    @property
    def _before(self) -> float:
        """What stands left of the cells: the name of the rows, and their labels."""
        return line_height(SMALL) + self.left

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        """Draw onto `sheet`."""
        x, y = x + self._before, y + line_height(SMALL) + self.label_height
        axes = sheet.axes(x, y, *self.cells)
        self._weights(axes)
        self._labels(axes, sheet.lettering)
        if self.scene.matrices[0].size <= ANNOTATED and self.cell[0] >= 0.33 and self.cell[1] >= 0.2:
            self._annotate(axes)
        middle_x, middle_y = x + self.cells[0] / 2, y + self.cells[1] / 2
        sheet.text(middle_x, y - self.label_height, TO, SMALL, color=GREY, ha="center", va="bottom")
        sheet.text(x - self.left, middle_y, FROM, SMALL, color=GREY, ha="right", va="center", rotation=90)
        sheet.colour_bar(x + self.cells[0] + 0.2, y, max(self.cells[1], 1.0), self.top)

    def _weights(self, axes: Axes) -> None:
        weights = np.ma.masked_where(~self.scene.reachable, self.scene.matrices[0])
        style: dict[str, Any] = {"cmap": colour_map(), "vmin": 0, "vmax": self.top}
        n, m = weights.shape
        if min(self.cell) < 0.1:
            axes.imshow(weights, aspect="auto", extent=(-0.5, m - 0.5, n - 0.5, -0.5), **style)
        else:
            edges = np.arange(m + 1) - 0.5, np.arange(n + 1) - 0.5
            axes.pcolormesh(*edges, weights, edgecolors="white", linewidth=0.6, **style)
        axes.set(xlim=(-0.5, m - 0.5), ylim=(n - 0.5, -0.5))

    def _labels(self, axes: Axes, lettering: Lettering) -> None:
        """Label every row and column, or as many as do not overlap."""
        style: dict[str, Any] = {"fontsize": BODY, "fontfamily": lettering.family, "parse_math": False}
        ys = range(0, len(self.rows), _every(self.cell[1]))
        xs = range(0, len(self.columns), _every(self.cell[0]))
        axes.xaxis.tick_top()
        axes.tick_params(length=0, pad=3)
        axes.set_yticks(ys, [self.rows[i] for i in ys], **style)
        turned: dict[str, Any] = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"} if self.turned == 45 else {}
        axes.set_xticks(xs, [self.columns[i] for i in xs], **{**style, "rotation": self.turned, **turned})

    def _annotate(self, axes: Axes) -> None:
        weights = self.scene.matrices[0]
        indices, peaks = shade(weights, self.top), weights.max(-1)
        for y, x in zip(*np.nonzero(self.scene.reachable), strict=True):
            weight = weights[y, x]
            axes.text(
                x, y, number(weight), fontsize=SMALL, color=ink(palette()[indices[y, x]]), ha="center", va="center",
                fontweight="bold" if weight == peaks[y] else "normal", parse_math=False,
            )  # fmt: skip


def _every(cell: float) -> int:
    """Of labels this many inches apart, one in how many can be drawn without touching its neighbour."""
    return max(1, int(np.ceil(line_height(BODY) * 0.85 / cell)))
