"""Several heads in a picture: one mosaic image, and not one pair of axes a head."""

import math

import numpy as np

from attnviz.render.picture.lettering import Lettering
from attnviz.render.picture.mosaic import BLANK, FRAME, HAIR, INK, PAPER, edge, mosaic, resized, slots
from attnviz.render.picture.sheet import BODY, SMALL, Box, Page, bar_room, line_height
from attnviz.render.scale import Scale
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.ticks import Tick, counted, numbers, segments, words

PIXELS = 100
"""No head is fewer pixels wide: a picture of many heads has more dots an inch."""
ACROSS, DOWN = 8.5, 10.5
"""The tiles of many heads are about this wide, or this high, in inches."""
READABLE, NUMBERED = 0.17, 1.0
"""Cells at least so wide have their tokens beside them; smaller ones are numbered, beside tiles wider than this."""
SMALLEST, LARGEST = 0.25, 1.6
"""The width of a tile, in inches; it may be larger where that makes its cells readable."""
GAP = 0.06
"""Between tiles, in inches."""
LISTED = 40
"""At most so many tokens are listed above tiles that are not labelled with them."""


def side(scene: Scene) -> float:
    """The width of a tile, in inches."""
    places, _, _ = arranged(scene)
    rows, columns = (1 + max(place[axis] for place in places) for axis in (0, 1))
    most = max(LARGEST, len(scene.columns) * READABLE + 0.01)
    return float(np.clip(min(ACROSS / columns, DOWN / rows / _ratio(scene)), SMALLEST, most))


def dots(scene: Scene) -> int:
    """The dots an inch that a grid needs for `PIXELS` a head."""
    return math.ceil(PIXELS / side(scene))


class GridPanel:
    """The heads of a scene as tiles: a row a layer and a column a head, or named one by one where that is one line."""

    def __init__(self, scene: Scene, scale: Scale, dpi: int, lettering: Lettering, area: Box = (None, None)) -> None:
        self.scene, self.scale, self.dpi, self.lettering = scene, scale, dpi, lettering
        self.places, self.row_names, self.column_names = arranged(scene)
        self.grid = tuple(1 + max(place[axis] for place in self.places) for axis in (0, 1))
        self._lay_out(side(scene), lettering)
        for _ in range(3 if area != (None, None) else 0):  # the gaps grow with the tiles, a little
            fits = zip(area, self.gap[::-1], self.grid[::-1], (1.0, _ratio(scene)), strict=True)
            sides = [((a + gap / dpi) / tiles - gap / dpi) / part for a, gap, tiles, part in fits if a is not None]
            self._lay_out(max(min(sides), 0.05), lettering)

    def _lay_out(self, wide: float, lettering: Lettering) -> None:
        """Measure everything for tiles so many inches wide."""
        scene, dpi, n, m = self.scene, self.dpi, len(self.scene.rows), len(self.scene.columns)
        self.tile = int(wide * _ratio(scene) * dpi + 1e-6), int(wide * dpi + 1e-6)  # height and width, in pixels
        self.labelled = min(wide / m, wide * _ratio(scene) / n) >= READABLE
        self.ticks: list[list[Tick]] = [[], []]
        if self.labelled:
            self.ticks = [words([lettering.short(t, SMALL, 1.2) for t in ts], len(ts)) for ts in self._labels]
        elif wide > NUMBERED:
            apart = line_height(SMALL) * 1.5, lettering.width(str(self._cells[1][-1][1]), SMALL) + 0.15
            self.ticks = [numbers(self._cells[axis], int(self.tile[axis] / dpi / apart[axis])) for axis in (0, 1)]
        self._rooms(lettering)
        self.axes = lettering.wrapped(self._axes(), SMALL, self.width)
        self.height = len(self.axes) * line_height(SMALL) + self.above + max(self.area[1] + self.below, 1.0)

    def _rooms(self, lettering: Lettering) -> None:
        """Room for the labels: left of the tiles, above all of them, and below all or each row of them."""
        longest = [max((lettering.width(tick.label, SMALL) for tick in ticks), default=0.0) for ticks in self.ticks]
        self.beside = longest[0] + 0.08 if longest[0] else 0.0
        self.left = self.beside + max((lettering.width(name, BODY) + 0.1 for name in self.row_names), default=0.0)
        self._widest = max((lettering.width(name, BODY) for name in self.column_names), default=0.0)
        self.above, self.below = 0.1 + line_height(SMALL), 0.0
        across = down = min(GAP, 0.1 * self.tile[1] / self.dpi)
        if self.ticks[1]:
            self.level = not self.labelled or longest[1] + 0.06 < self.tile[1] / self.dpi / len(self.scene.columns)
            self.below = 0.08 + (line_height(SMALL) if self.level else longest[1])
            across = down = GAP * 2 if self.labelled else longest[1] / 2 + 0.1  # the last number leans over the edge
        if not self.row_names:
            down = 0.1 + line_height(SMALL) + self.below
        self.gap = int(down * self.dpi), int(across * self.dpi)  # pixels
        rows, columns = self.grid
        self.area = self._at(0, columns)[0] - self.gap[1] / self.dpi, self._at(rows, 0)[1] - self.gap[0] / self.dpi
        self.width = self.left + self.area[0] + 0.2 + bar_room(self.scale, lettering)

    @property
    def _labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.scene.rows, self.scene.columns

    @property
    def _cells(self) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        return self.scene.attention.rows, self.scene.attention.columns

    def _axes(self) -> str:
        """The names of rows and columns, and their tokens where they are not written beside the tiles."""
        if self.labelled:
            return f"{FROM} ↓   {TO} →"
        if max(map(len, self._labels)) <= LISTED:
            return self.scene.axes
        rows, columns = (counted(cells) for cells in self._cells)
        if rows == columns:
            return f"{FROM} ↓ and {TO} →   {rows}"
        return f"{FROM} ↓   {rows}\n{TO} →   {columns}"

    def draw(self, page: Page, x: float, y: float) -> None:
        """Draw onto `page`."""
        y = page.lines(x, y, self.axes, SMALL, color=page.theme.muted) + self.above
        x += self.left
        page.image(x - FRAME / self.dpi, y - FRAME / self.dpi, self.mosaic())
        self._names(page, x, y)
        self._tick(page, x, y)
        page.colour_bar(x + self.area[0] + 0.2, y, max(min(self.area[1], 4.0), 1.0))

    def mosaic(self) -> np.ndarray:
        """All tiles in one image, uint8 `[pixel row, pixel column]`, colours of `mosaic.table`."""
        over = np.where(resized(self.scene.reachable, *self.tile), 0, BLANK).astype(np.uint8)
        tokens = self.scene.attention.queries, self.scene.attention.keys
        inks = []
        for axis, (labels, cells) in enumerate(zip(self._labels, self._cells, strict=True)):
            lines = over if axis == 0 else over.T
            if self.labelled:  # cells this large are set apart by thin lines
                lines[[edge(cell, len(labels), self.tile[axis]) for cell in range(1, len(labels))]] = HAIR
            around = 2 if self.labelled else 1
            for cell in segments(tokens[axis], cells):  # a line of ink in a gap of paper
                at = edge(cell, len(labels), self.tile[axis])
                lines[max(at - around, 0) : at + around + 1] = PAPER
                inks.append(lines[at])
        for line in inks:
            line[:] = INK
        shades = (slots(self.scale.indices(weights)) for weights in self.scene.matrices)
        return mosaic(shades, self.places, self.tile, self.gap, over)

    def _at(self, row: int, column: int) -> tuple[float, float]:
        """The top left corner of a tile, in inches from the mosaic's."""
        down, across = ((tile + gap) / self.dpi for tile, gap in zip(self.tile, self.gap, strict=True))
        return column * across, row * down

    def _names(self, page: Page, x: float, y: float) -> None:
        """Name the rows and columns, or each tile."""
        muted, (high, wide) = page.theme.muted, (pixels / self.dpi for pixels in self.tile)
        pitch = self._at(1, 1)
        size = BODY if self._widest + 0.05 < pitch[0] else SMALL
        for row in range(0, len(self.row_names), _every(line_height(SMALL), pitch[1])):
            at = y + self._at(row, 0)[1] + high / 2
            page.text(x - self.beside - 0.06, at, self.row_names[row], size, ha="right", va="center", color=muted)
        for column in range(0, len(self.column_names), _every(self._widest * size / BODY + 0.03, pitch[0])):
            at = x + self._at(0, column)[0] + wide / 2
            page.text(at, y - 0.04, self.column_names[column], size, ha="center", va="bottom", color=muted)
        if not self.row_names:
            for place, name in zip(self.places, self.scene.names, strict=True):
                left, up = self._at(*place)
                page.text(x + left, y + up - 0.03, name, SMALL, va="bottom", color=muted)

    def _tick(self, page: Page, x: float, y: float) -> None:
        """Label the queries left of the tiles, and the keys below all of them, or each that has its own name."""
        high, wide = (pixels / self.dpi for pixels in self.tile)
        first = dict(sorted(self.places, reverse=True))
        last = {column: row for row, column in sorted(self.places)}
        style = {} if self.labelled else {"color": page.theme.muted}
        for row, column in self.places:
            left, up = self._at(row, column)
            for at, label in self.ticks[0] if first[row] == column else []:
                down = y + up + at * high / len(self.scene.rows)
                page.text(x + left - 0.05, down, label, SMALL, ha="right", va="center", **style)
            for at, label in self.ticks[1] if not self.row_names or last[column] == row else []:
                across = x + left + at * wide / len(self.scene.columns)
                turned = 0 if self.level else 90
                page.text(across, y + up + high + 0.04, label, SMALL, ha="center", rotation=turned, **style)


def arranged(scene: Scene) -> tuple[list[tuple[int, int]], list[str], list[str]]:
    """Each head's (row, column), and the names of the rows and columns, which are empty where tiles are named."""
    layers = sorted({layer for layer, _ in scene.heads})
    heads = sorted({head for _, head in scene.heads})
    if len(layers) > 1 and len(heads) > 1 and 2 * len(scene.heads) > len(layers) * len(heads):
        places = [(layers.index(layer), heads.index(head)) for layer, head in scene.heads]
        return places, [f"L{layer}" for layer in layers], [f"H{head}" for head in heads]
    across = len(scene.heads) if len(scene.heads) <= 4 else int(np.ceil(len(scene.heads) ** 0.5))
    return [divmod(at, across) for at in range(len(scene.heads))], [], []


def _every(room: float, pitch: float) -> int:
    """Of names that need so much room, and stand `pitch` apart, one in how many can be written."""
    return max(math.ceil(room / pitch), 1)


def _ratio(scene: Scene) -> float:
    """The height of a tile for its width, as its cells are: but it stays recognisable as a tile."""
    return float(np.clip(len(scene.rows) / len(scene.columns), 0.5, 2.0))
