"""How the heads of scenes are arranged in a picture: how wide a tile is, and whether weights are written into it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attnviz.render.options import PlotOptions
from attnviz.render.picture.arrangement import BEST, Arrangement, arrangements, ratio
from attnviz.render.picture.grid_labels import READABLE, SMALLEST_TEXT
from attnviz.render.picture.typesetting import POINT, Typesetting
from attnviz.render.scene import Scene
from attnviz.render.ticks import is_numbered

PIXELS = 100
"""The least width of a head in pixels: a picture of many heads has a higher resolution."""
ACROSS, DOWN = 8.5, 10.5
"""The width, or the height, of all tiles of many heads, in inches."""
LABELLED, WRITTEN = 16.0, 10.0
"""The greatest width and height of all tiles, if that leaves room for words beside cells, or for weights in them."""
SMALLEST, LARGEST = 0.25, 1.6
"""The smallest and the largest width of a tile, in inches; it can be larger for words and weights."""
ROOM = 1.45
"""The width and height of a cell, in those of its weight."""


@dataclass(frozen=True)
class GridPlan:
    """How the heads of a scene are arranged, how wide a tile is, in inches, and whether weights are written into it."""

    arrangement: Arrangement
    tile_width: float
    annotate: bool | None = None

    @property
    def dots(self) -> int:
        """The resolution, in dots per inch, that gives each head PIXELS."""
        return math.ceil(PIXELS / self.tile_width)


def plans(scenes: Sequence[Scene], options: PlotOptions, typesetting: Typesetting) -> list[GridPlan]:
    """Plans for scenes of several heads on one page, with tiles of the same width.

    Tiles are as wide as the page allows. If the page does not become much larger, they are wide enough for the words
    beside the cells, or for the weights in them.
    """
    width, height = options.inches
    arranged = arrangements(scenes, BEST if height is None or width is None else width / height)
    shapes = [(scene, *one.shape) for scene, one in zip(scenes, arranged, strict=True)]
    tile = min(min(ACROSS / columns, DOWN / rows / ratio(scene), LARGEST) for scene, rows, columns in shapes)
    tile = max(tile, SMALLEST)
    words = max(_cells_across(scene) * READABLE * typesetting.zoom + 0.01 for scene in scenes)
    numbers = max(_width_with_weights(scene, typesetting) + 0.01 for scene in scenes)

    def fits(side: float, most: float) -> bool:
        return all(max(columns, rows * ratio(scene)) * side <= most for scene, rows, columns in shapes)

    if options.annotate or (options.annotate is None and fits(numbers, WRITTEN * typesetting.zoom)):
        tile = max(tile, numbers)
    elif fits(words, LABELLED * typesetting.zoom):
        tile = max(tile, words)
    return [GridPlan(one, tile, options.annotate) for one in arranged]


def _cells_across(scene: Scene) -> float:
    """The width of a tile, in sides of cells that have a label each; 0 where cells are numbered."""
    a = scene.attention
    sides = ((a.columns, 1.0), (a.rows, ratio(scene)))
    return max(0.0 if is_numbered(cells) else len(cells) / part for cells, part in sides)


def _width_with_weights(scene: Scene, typesetting: Typesetting) -> float:
    """The width of a tile with weights in its cells, in inches."""
    n, m = len(scene.rows), len(scene.columns)
    side = SMALLEST_TEXT * typesetting.zoom * ROOM
    return max(m * typesetting.width(".00", side), n * side * POINT / ratio(scene))
