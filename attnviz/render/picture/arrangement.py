"""Where the heads of a grid are placed, so that the page fits a screen and a sheet of paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attnviz.render.scene import Scene

Place = tuple[int, int]
"""A row and a column of the grid of tiles."""
Split = tuple[int, int]
"""The number of blocks of layers, and of blocks of heads; one of the two is 1."""

USABLE = 0.45, 2.4
"""A grid with an aspect ratio (width / height) in this range stays one block."""
BEST = 1.4
"""Other grids are divided into blocks so that their aspect ratio is near this one."""
ONE_LINE = 4, 5.0
"""The most heads in a single line, and the largest aspect ratio of such a line."""
UNEVEN = 1.2
"""The cost of empty places in a grid, beside that of the distance from the best aspect ratio."""


@dataclass(frozen=True)
class Arrangement:
    """The place of each head, in the order of the scene.

    `beside` and `above` are the names left of a place and above it, for all tiles from there on; with `named`, each
    tile has a name above it. `breaks` are the rows and the columns at which another block begins.
    """

    places: tuple[Place, ...]
    beside: dict[Place, str]
    above: dict[Place, str]
    breaks: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    named: bool = False

    @property
    def shape(self) -> Place:
        """The rows and columns of the grid."""
        rows, columns = (1 + max(place[axis] for place in self.places) for axis in (0, 1))
        return rows, columns


def arrangements(scenes: Sequence[Scene], best: float = BEST) -> list[Arrangement]:
    """The places of the heads of each scene, on a page with one scene below the other.

    If there are several heads and layers, each layer is a row and each head a column. If such a table is too long or
    too wide, its layers are divided into blocks side by side, or its heads into blocks one below the other, in the same
    way for all scenes. Other heads follow each other, line by line. `best` is the aspect ratio of the page.
    """
    tables = [scene for scene in scenes if _is_table(scene)]
    lists = [scene for scene in scenes if not _is_table(scene)]
    split = _split(tables, len(scenes), best) if tables else (1, 1)
    across = _across(lists, len(scenes), best) if lists else 1
    return [_table(scene, split) if _is_table(scene) else _list(scene, across) for scene in scenes]


def ratio(scene: Scene) -> float:
    """Height / width of a tile, that of its cells, but from 0.5 to 2."""
    return min(max(len(scene.rows) / len(scene.columns), 0.5), 2.0)


def _is_table(scene: Scene) -> bool:
    layers, heads = map(len, _numbers(scene))
    return min(layers, heads) > 1 and 2 * len(scene.heads) > layers * heads  # a table must not be mostly empty


def _numbers(scene: Scene) -> tuple[list[int], list[int]]:
    """The numbers of the layers, and of the heads of any layer."""
    return sorted({layer for layer, _ in scene.heads}), sorted({head for _, head in scene.heads})


def _split(scenes: Sequence[Scene], count: int, best: float) -> Split:
    """How tables are divided, where `scenes` are some of the `count` scenes of a page."""
    sizes = [tuple(map(len, _numbers(scene))) for scene in scenes]

    def aspect_ratio(split: Split) -> float:
        shapes = [_table_shape(layers, heads, split) for layers, heads in sizes]
        return _aspect_ratio(scenes, shapes, count)

    def loss(split: Split) -> float:
        empty = max(1 - layers * heads / math.prod(_table_shape(layers, heads, split)) for layers, heads in sizes)
        return abs(math.log(aspect_ratio(split) / best)) + UNEVEN * empty

    if USABLE[0] <= aspect_ratio((1, 1)) * BEST / best <= USABLE[1]:
        return 1, 1
    most = [max(size[axis] for size in sizes) for axis in (0, 1)]
    splits = [(k, 1) for k in range(1, most[0] + 1)] + [(1, k) for k in range(2, most[1] + 1)]
    return min(splits, key=loss)


def _across(scenes: Sequence[Scene], count: int, best: float) -> int:
    """How many heads of a list are side by side."""
    sizes = [len(scene.heads) for scene in scenes]

    def loss(across: int) -> float:
        shapes = [(-(-size // across), min(size, across)) for size in sizes]
        empty = max(1 - size / (rows * columns) for size, (rows, columns) in zip(sizes, shapes, strict=True))
        return abs(math.log(_aspect_ratio(scenes, shapes, count) / best)) + UNEVEN * empty

    most = max(sizes)
    line = _aspect_ratio(scenes, [(1, size) for size in sizes], len(scenes))
    if best == BEST and most <= ONE_LINE[0] and line <= ONE_LINE[1]:
        return most
    return min(range(1, most + 1), key=loss)


def _aspect_ratio(scenes: Sequence[Scene], shapes: Sequence[Place], count: int) -> float:
    height = sum(rows * ratio(scene) for scene, (rows, _) in zip(scenes, shapes, strict=True))
    return max(columns for _, columns in shapes) / (height * count / len(scenes))


def _blocks(layers: int, heads: int, split: Split) -> Split:
    """The layers in a block, and the heads."""
    return -(-layers // min(split[0], layers)), -(-heads // min(split[1], heads))


def _table_shape(layers: int, heads: int, split: Split) -> Place:
    down, across = _blocks(layers, heads, split)
    return down * -(-heads // across), across * -(-layers // down)


def _table(scene: Scene, split: Split) -> Arrangement:
    layers, heads = _numbers(scene)
    down, across = _blocks(len(layers), len(heads), split)

    def place(layer: int, head: int) -> Place:
        """The place for the indices of a layer and a head."""
        row, column = layer % down, head % across
        return row + head // across * len(layers), column + layer // down * len(heads)

    index = {layer: i for i, layer in enumerate(layers)}, {head: i for i, head in enumerate(heads)}
    beside = {place(i, j): f"L{layer}" for i, layer in enumerate(layers) for j in range(0, len(heads), across)}
    above = {place(i, j): f"H{head}" for j, head in enumerate(heads) for i in range(0, len(layers), down)}
    rows = frozenset(range(len(layers), len(layers) * -(-len(heads) // across), len(layers)))
    columns = frozenset(range(len(heads), len(heads) * -(-len(layers) // down), len(heads)))
    places = tuple(place(index[0][layer], index[1][head]) for layer, head in scene.heads)
    return Arrangement(places, beside, above, (rows, columns))


def _list(scene: Scene, across: int) -> Arrangement:
    places = tuple(divmod(index, across) for index in range(len(scene.heads)))
    return Arrangement(places, {}, dict(zip(places, scene.names, strict=True)), named=True)
