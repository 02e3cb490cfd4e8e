"""Several heads in a picture: one mosaic image, and not one pair of axes a head."""

import numpy as np

from attnviz.render.colours import palette, shade
from attnviz.render.lettering import Lettering
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.sheet import BAR_ROOM, BODY, GREY, SMALL, Sheet, line_height

GAP = 0.06
"""Between tiles, in inches."""
READABLE = 0.17
"""Tokens are written beside the tiles where their cells are at least so many inches."""


class GridPanel:
    """The heads of a scene as tiles: a row a layer and a column a head, or named one by one where that is one line."""

    def __init__(self, scene: Scene, top: float, dpi: int, lettering: Lettering) -> None:
        self.scene, self.top, self.dpi = scene, top, dpi
        self.places, self.row_names, self.column_names = _arranged(scene)
        self.rows = 1 + max(row for row, _ in self.places)
        self.columns = 1 + max(column for _, column in self.places)
        n, m = scene.reachable.shape
        wide = float(np.clip(8.0 / self.columns, 100 / dpi, 1.6))
        high = wide * float(np.clip(n / m, 0.5, 2.0))
        self.tile = round(wide * dpi), round(high * dpi)  # pixels
        self.labelled = not self.row_names and min(wide / m, high / n) >= READABLE
        self._rooms(lettering)
        self.axes = lettering.wrapped(f"{FROM} ↓   {TO} →" if self.labelled else scene.axes, SMALL, self.width)
        self.height = len(self.axes) * line_height(SMALL) + self.above + max(self.image[1] + self.below, 1.0)

    def _rooms(self, lettering: Lettering) -> None:
        """Room for the labels: left of the tiles, above all of them, and below each row."""
        self.left, self.above, self.below = 0.36, 0.1 + line_height(SMALL), 0.0
        if not self.row_names:
            self.left = 0.0
        if self.labelled:
            self.tokens = [[lettering.short(t, SMALL, 1.2) for t in ts] for ts in (self.scene.rows, self.scene.columns)]
            longest = [max(lettering.width(t, SMALL) for t in ts) for ts in self.tokens]
            self.level = longest[1] + 0.1 < self.tile[0] / self.dpi / len(self.scene.columns)
            self.left = longest[0] + 0.08
            self.below = 0.08 + (line_height(SMALL) if self.level else longest[1])
        gap_y = GAP if self.row_names else 0.1 + line_height(SMALL) + self.below
        self.gap = round(GAP * (2 if self.labelled else 1) * self.dpi), round(gap_y * self.dpi)  # pixels
        self.image = (
            (self.columns * (self.tile[0] + self.gap[0]) - self.gap[0]) / self.dpi,
            (self.rows * (self.tile[1] + self.gap[1]) - self.gap[1]) / self.dpi,
        )
        self.width = self.left + self.image[0] + 0.2 + BAR_ROOM

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        """Draw onto `sheet`."""
        y = sheet.lines(x, y, self.axes, SMALL, color=GREY) + self.above
        x += self.left
        axes = sheet.axes(x, y, *self.image)
        axes.imshow(self.mosaic(), aspect="auto", interpolation="none")
        axes.set_axis_off()
        self._names(sheet, x, y)
        if self.labelled:
            self._tokens(sheet, x, y)
        sheet.colour_bar(x + self.image[0] + 0.2, y, max(min(self.image[1], 4.0), 1.0), self.top)

    def mosaic(self) -> np.ndarray:
        """All tiles in one image on white, uint8 `[pixel row, pixel column, 3]`."""
        wide, high = self.tile
        step_x, step_y = wide + self.gap[0], high + self.gap[1]
        shape = self.rows * step_y - self.gap[1], self.columns * step_x - self.gap[0], 3
        image = np.full(shape, 255, np.uint8)
        paper = ~_resized(self.scene.reachable, high, wide)
        if self.labelled:  # cells this large are set apart by thin lines
            paper[_borders(len(self.scene.rows), high)] = True
            paper[:, _borders(len(self.scene.columns), wide)] = True
        for (row, column), weights in zip(self.places, self.scene.matrices, strict=True):
            colours = palette()[shade(_resized(weights, high, wide), self.top)]
            colours[paper] = 255
            image[row * step_y : row * step_y + high, column * step_x : column * step_x + wide] = colours
        return image

    def _corner(self, x: float, y: float, row: int, column: int) -> tuple[float, float]:
        """The top left corner of a tile, in inches, on a mosaic at `x`, `y`."""
        steps = [(tile + gap) / self.dpi for tile, gap in zip(self.tile, self.gap, strict=True)]
        return x + column * steps[0], y + row * steps[1]

    def _names(self, sheet: Sheet, x: float, y: float) -> None:
        """Name the rows and columns, or each tile."""
        half_x, half_y = self.tile[0] / self.dpi / 2, self.tile[1] / self.dpi / 2
        for row, name in enumerate(self.row_names):
            at = self._corner(x, y, row, 0)
            sheet.text(at[0] - 0.06, at[1] + half_y, name, BODY, ha="right", va="center", color=GREY)
        for column, name in enumerate(self.column_names):
            at = self._corner(x, y, 0, column)
            sheet.text(at[0] + half_x, at[1] - 0.04, name, BODY, ha="center", va="bottom", color=GREY)
        if not self.row_names:
            for place, name in zip(self.places, self.scene.names, strict=True):
                at = self._corner(x, y, *place)
                sheet.text(at[0], at[1] - 0.03, name, SMALL, va="bottom", color=GREY)

    def _tokens(self, sheet: Sheet, x: float, y: float) -> None:
        """Label the queries of each first tile of a row, and the keys below every tile."""
        wide, high = self.tile[0] / self.dpi, self.tile[1] / self.dpi
        for row, column in self.places:
            left, up = self._corner(x, y, row, column)
            for i, label in enumerate(self.tokens[0] if column == 0 else []):
                at = up + (i + 0.5) * high / len(self.tokens[0])
                sheet.text(left - 0.05, at, label, SMALL, ha="right", va="center")
            for j, label in enumerate(self.tokens[1]):
                at = left + (j + 0.5) * wide / len(self.tokens[1])
                sheet.text(at, up + high + 0.04, label, SMALL, ha="center", rotation=0 if self.level else 90)


def _arranged(scene: Scene) -> tuple[list[tuple[int, int]], list[str], list[str]]:
    """Each head's (row, column), and the names of the rows and columns, which are empty where tiles are named."""
    layers = sorted({layer for layer, _ in scene.heads})
    heads = sorted({head for _, head in scene.heads})
    if len(layers) > 1 and len(heads) > 1:
        places = [(layers.index(layer), heads.index(head)) for layer, head in scene.heads]
        return places, [f"L{layer}" for layer in layers], [f"H{head}" for head in heads]
    across = len(scene.heads) if len(scene.heads) <= 4 else int(np.ceil(len(scene.heads) ** 0.5))
    return [divmod(at, across) for at in range(len(scene.heads))], [], []


def _resized(values: np.ndarray, high: int, wide: int) -> np.ndarray:
    """`values` `[query, key]` as `[high, wide]` pixels: repeated, or where pixels are fewer the largest of some."""
    for axis, size in ((0, high), (1, wide)):
        n = values.shape[axis]
        if n <= size:
            values = np.take(values, np.arange(size) * n // size, axis)
        else:
            values = np.maximum.reduceat(values, np.arange(size) * n // size, axis)
    return values


def _borders(n: int, size: int) -> np.ndarray:
    """The first pixel of each of `n` cells in `size` pixels, but for the first cell."""
    return np.array([-(-i * size // n) for i in range(1, n)], int)
