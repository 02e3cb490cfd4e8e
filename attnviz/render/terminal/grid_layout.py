"""How many heads are laid out as tiles in the terminal: how large, and which stand side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rich.cells import cell_len

from attnviz.render.balanced_rows import balanced
from attnviz.render.scene import Scene
from attnviz.render.terminal.axis_names import AxisNames
from attnviz.render.terminal.matrix import Cuts, cuts, parts

FEW = 20
"""Cells of so many tokens may be two columns wide or more, with the tokens beside them."""
SIDES = (64, 48, 32, 24, 20, 16, 12, 10, 8, 7, 6, 5, 4)
"""A head of more cells than one of these is drawn in blocks of them, each by its largest weight."""
WIDEST = 10
"""No cell is wider, in columns, even where that leaves a word above it whole."""
SCREEN, ROOMY, TALL = 43, 120, 200
"""Tiles are smaller where a grid would be more lines than this: named, named but never so small, and not named."""
REPEATED = 20
"""After so many lines the heads are named again, so that every screen names them."""
LONGEST, SHORTEST = 16, 8
"""No word beside a row is longer, in terminal cells, and none is cut to less."""


class Row(NamedTuple):
    """Heads side by side: their layer, the names above them and whether they are written, their places in the scene."""

    layer: str
    names: tuple[str, ...]
    headed: bool
    heads: tuple[int | None, ...]


@dataclass(frozen=True)
class GridLayout:
    """The heads of `scene` in so many columns: cells of `cell` columns, pooled by `block`, two in a line with `halves`.

    A layer is a row of tiles, or several where it is wider than the terminal; heads that are each alone in their layer
    follow one another. `label` is the width of what stands beside a tile's rows; where that is 0, nothing does, and
    nothing stands above its columns.
    """

    scene: Scene
    available: int
    halves: bool
    cell: int
    block: int = 1
    label: int = 0

    def fits(self, height: float = float("inf")) -> bool:
        """Whether a tile fits beside what is written there, and the whole into so many lines."""
        return self.gutter + self.width <= self.available and self.height <= height

    @property
    def paired(self) -> bool:
        """Whether a line shows two rows of cells, one above the other."""
        return self.halves and self.cell == 1

    @cached_property
    def cuts(self) -> Cuts:
        """Where another part of the input begins in a tile."""
        return cuts(self.scene, (self.block, self.block))

    @cached_property
    def lines(self) -> list[int | None]:
        """The (first) row of cells in each line of a tile; None for a thin line."""
        step, found = 2 if self.paired else 1, list[int | None]()
        for part in parts(-(-len(self.scene.rows) // self.block), self.cuts[0]):
            found += [*([None] if found else []), *part[::step]]
        return found

    @property
    def tile_height(self) -> int:
        """How many lines a tile takes."""
        return len(self.lines)

    @cached_property
    def width(self) -> int:
        """How many columns a tile takes."""
        width = -(-len(self.scene.columns) // self.block) * self.cell + len(self.cuts[1])
        return max(width, *map(len, self._names))

    @property
    def between(self) -> int:
        """How many columns are free between two tiles."""
        return 1 if self.cell == 1 else 2

    @cached_property
    def apart(self) -> bool:
        """Whether a line is free between two rows of tiles: not where the last line of each is half empty."""
        last = parts(-(-len(self.scene.rows) // self.block), self.cuts[0])[-1]
        return not (self.paired and len(last) % 2)

    @cached_property
    def gutter(self) -> int:
        """How many columns are taken by what stands to the left of the tiles."""
        return max((len(layer) + 1 for layer in self._layers if layer), default=0) + (self.label and self.label + 1)

    @cached_property
    def names(self) -> AxisNames:
        """What stands beside the rows and above the columns of a tile."""
        return AxisNames(self.scene, self.cell)

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of tiles. Heads are named above a row where the last that were named are others, or long ago."""
        across = max(1, (self.available - self.gutter + self.between) // (self.width + self.between))
        rows: list[Row] = []
        since = 0
        for layer, heads in self._layers.items():
            for names in _evenly(self._names, across):
                if heads.keys().isdisjoint(names):
                    continue
                headed = not rows or names != rows[-1].names or since >= REPEATED
                since = self.tile_height + self.apart + (0 if headed else since)
                rows.append(Row(layer, names, headed, tuple(map(heads.get, names))))
        return rows

    @property
    def broken(self) -> bool:
        """Whether a layer takes more than one row."""
        return len(self.rows) > len(self._layers)

    @property
    def height(self) -> int:
        """How many lines the rows take."""
        return sum(
            self.tile_height + self.apart + row.headed * (2 - self.apart + (self.label > 0)) for row in self.rows
        )

    @cached_property
    def _layers(self) -> dict[str, dict[str, int]]:
        """By each layer's name the places of its heads by their names; heads that are alone have one nameless row."""
        layers: dict[str, dict[str, int]] = {}
        for index, (layer, head) in enumerate(self.scene.heads):
            layers.setdefault(f"L{layer}", {})[f"H{head}"] = index
        if any(len(heads) > 1 for heads in layers.values()):
            return layers
        return {"": {name: index for index, name in enumerate(self.scene.names)}}

    @cached_property
    def _names(self) -> list[str]:
        """Every name of a head, in order."""
        if "" in self._layers:
            return list(self._layers[""])
        return [f"H{head}" for head in sorted({head for _, head in self.scene.heads})]


def grid_layout(scene: Scene, available: int, halves: bool) -> GridLayout:
    """The largest tiles with which `scene` takes no more than a few screens of `available` columns.

    With `halves` a cell of one column is half a line high. Where even the smallest take more, those that take least.
    """
    longest = max(len(scene.rows), len(scene.columns))
    if longest <= FEW:
        words = max(map(cell_len, scene.columns)) + 2
        cells = [words, 6, 4, 2] if 6 < words <= WIDEST else [6, 4, 2]
        named = [GridLayout(scene, available, halves, cell, 1, AxisNames(scene, cell).width(LONGEST)) for cell in cells]
        least = named[-1].names.width(SHORTEST)
        smaller = [*named[::-1], *(GridLayout(scene, available, halves, 2, 1, beside) for beside in (least, 0))]
        on_screen = [tiles for tiles in named if tiles.fits(SCREEN)]
        side_by_side = [tiles for tiles in on_screen if tiles.cell >= 6 and not tiles.broken]
        for tiles in (*side_by_side, *on_screen, *(tiles for tiles in smaller if tiles.fits(ROOMY))):
            return tiles
    blocks = dict.fromkeys(-(-longest // side) for side in SIDES)
    choices = [GridLayout(scene, available, halves, 1 if halves else 2, block) for block in blocks]
    fitting = next((tiles for tiles in choices if tiles.fits(TALL)), None)
    return fitting or min(choices, key=lambda tiles: (not tiles.fits(), tiles.height))


def _evenly(names: Sequence[str], across: int) -> Iterator[tuple[str, ...]]:
    """`names` in balanced parts of at most `across`."""
    size = balanced(len(names), across)
    for start in range(0, len(names), size):
        yield tuple(names[start : start + size])
