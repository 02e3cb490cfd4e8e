"""How the heads of scenes are arranged in a picture before any is drawn: how wide a tile is, what is written in it."""

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
"""No head is fewer pixels wide: a picture of many heads has more dots an inch."""
ACROSS, DOWN = 8.5, 10.5
"""The tiles of many heads are about this wide, or this high, in inches."""
LABELLED, WRITTEN = 16.0, 10.0
"""They may be so wide and so high for cells that are large enough for words beside them, and for weights in them."""
SMALLEST, LARGEST = 0.25, 1.6
"""The width of a tile, in inches; it may be larger for words and for weights."""
ROOM = 1.45
"""How much wider and higher than a weight its cell is."""


@dataclass(frozen=True)
class GridPlan:
    """How the heads of a scene are arranged, how wide a tile is, in inches, and whether weights are written into it."""

    arrangement: Arrangement
    tile_width: float
    annotate: bool | None = None

    @property
    def dots(self) -> int:
        """The dots an inch that it needs for `PIXELS` a head."""
        return math.ceil(PIXELS / self.tile_width)


def plans(scenes: Sequence[Scene], options: PlotOptions, typesetting: Typesetting) -> list[GridPlan]:
    """Plans for scenes of several heads on one page, with tiles of one width.

    They are as wide as the page allows; and where the page need not be much larger for it, wide enough for the words
    beside the cells, or for the weights in them.
    """
    width, height = options.inches
    arranged = arrangements(scenes, BEST if height is None or width is None else width / height)
    shapes = [(scene, *one.shape) for scene, one in zip(scenes, arranged, strict=True)]
    tile = min(min(ACROSS / columns, DOWN / rows / ratio(scene), LARGEST) for scene, rows, columns in shapes)
    tile = max(tile, SMALLEST)
    words = max(_cells_across(scene) * READABLE * typesetting.zoom + 0.01 for scene in scenes)
    numbers = max(_written(scene, typesetting) + 0.01 for scene in scenes)

    def fits(side: float, most: float) -> bool:
        return all(max(columns, rows * ratio(scene)) * side <= most for scene, rows, columns in shapes)

    if options.annotate or (options.annotate is None and fits(numbers, WRITTEN * typesetting.zoom)):
        tile = max(tile, numbers)
    elif fits(words, LABELLED * typesetting.zoom):
        tile = max(tile, words)
    return [GridPlan(one, tile, options.annotate) for one in arranged]


def _cells_across(scene: Scene) -> float:
    """How many cells' sides a tile is wide, of square ones, where each is to be labelled: 0 where none is."""
    a = scene.attention
    sides = ((a.columns, 1.0), (a.rows, ratio(scene)))
    return max(0.0 if is_numbered(cells) else len(cells) / part for cells, part in sides)


def _written(scene: Scene, typesetting: Typesetting) -> float:
    """The width of a tile with weights in its cells, in inches."""
    n, m = len(scene.rows), len(scene.columns)
    side = SMALLEST_TEXT * typesetting.zoom * ROOM
    return max(m * typesetting.width(".00", side), n * side * POINT / ratio(scene))
