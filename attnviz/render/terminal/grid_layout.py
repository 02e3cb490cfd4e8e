"""How the tiles of several heads fit a terminal: how large they are, how a long text is pooled, which are in a row."""

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
"""Up to this many tokens, cells can be two or more columns wide, with the tokens beside them."""
SIDES = (64, 48, 32, 24, 20, 16, 12, 10, 8, 7, 6, 5, 4)
"""The sides of a tile, in cells, that are tried for a longer text: its cells are pooled by their largest weight."""
WIDEST = 10
"""The widest cell, in columns, even if a longer word would fit a wider one."""
SCREEN, ROOMY, TALL = 43, 120, 200
"""The most lines of a grid: with names, with names and the smallest cells, and without names."""
REPEATED = 20
"""After this many lines the heads are named again, so that every screen names them."""
LONGEST, SHORTEST = 16, 8
"""The longest label of a row, in terminal cells; and the shortest that one is cut to."""


class Row(NamedTuple):
    """Heads side by side: their layer, their names, whether these are written above them, and their scene indices."""

    layer: str
    names: tuple[str, ...]
    headed: bool
    heads: tuple[int | None, ...]


@dataclass(frozen=True)
class GridLayout:
    """The heads of `scene` in `available` columns: cells are `cell` columns wide and pool `block` × `block` tokens.

    With `halves`, a line can show two rows of cells. A layer is a row of tiles, or several where it is wider than the
    terminal; layers of one head each share rows. `label` is the width of the row labels of a tile; where it is 0,
    neither rows nor columns are labelled.
    """

    scene: Scene
    available: int
    halves: bool
    cell: int
    block: int = 1
    label: int = 0

    def fits(self, height: float = float("inf")) -> bool:
        """Whether a tile fits the width with its labels, and the grid fits `height` lines."""
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
        """The lines of a tile."""
        return len(self.lines)

    @cached_property
    def width(self) -> int:
        """The columns of a tile."""
        width = -(-len(self.scene.columns) // self.block) * self.cell + len(self.cuts[1])
        return max(width, *map(len, self._names))

    @property
    def between(self) -> int:
        """The free columns between two tiles."""
        return 1 if self.cell == 1 else 2

    @cached_property
    def has_gaps(self) -> bool:
        """Whether a line is free between two rows of tiles: not if the last line of a tile is half empty."""
        last = parts(-(-len(self.scene.rows) // self.block), self.cuts[0])[-1]
        return not (self.paired and len(last) % 2)

    @cached_property
    def gutter(self) -> int:
        """The columns that layers and labels take left of the tiles."""
        return max((len(layer) + 1 for layer in self._layers if layer), default=0) + (self.label and self.label + 1)

    @cached_property
    def names(self) -> AxisNames:
        """The names of the rows and columns of a tile."""
        return AxisNames(self.scene, self.cell)

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of tiles. Heads are named above a row if the last names were other ones, or many lines above."""
        across = max(1, (self.available - self.gutter + self.between) // (self.width + self.between))
        rows: list[Row] = []
        since = 0
        for layer, heads in self._layers.items():
            for names in _evenly(self._names, across):
                if heads.keys().isdisjoint(names):
                    continue
                headed = not rows or names != rows[-1].names or since >= REPEATED
                since = self.tile_height + self.has_gaps + (0 if headed else since)
                rows.append(Row(layer, names, headed, tuple(map(heads.get, names))))
        return rows

    @property
    def broken(self) -> bool:
        """Whether a layer takes more than one row."""
        return len(self.rows) > len(self._layers)

    @property
    def height(self) -> int:
        """The lines of all rows."""
        return sum(
            self.tile_height + self.has_gaps + row.headed * (2 - self.has_gaps + (self.label > 0)) for row in self.rows
        )

    @cached_property
    def _layers(self) -> dict[str, dict[str, int]]:
        """The scene indices of heads, by the names of layer and head; layers of one head each share one row, ""."""
        layers: dict[str, dict[str, int]] = {}
        for index, (layer, head) in enumerate(self.scene.heads):
            layers.setdefault(f"L{layer}", {})[f"H{head}"] = index
        if any(len(heads) > 1 for heads in layers.values()):
            return layers
        return {"": {name: index for index, name in enumerate(self.scene.names)}}

    @cached_property
    def _names(self) -> list[str]:
        """The names of all heads, in order."""
        if "" in self._layers:
            return list(self._layers[""])
        return [f"H{head}" for head in sorted({head for _, head in self.scene.heads})]


def grid_layout(scene: Scene, available: int, halves: bool) -> GridLayout:
    """The largest tiles with which `scene` fits a few screens of `available` columns.

    With `halves` a cell of one column is half a line high. If no tiles fit, those that take the fewest lines.
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
