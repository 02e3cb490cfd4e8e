"""Several heads in a picture, as one mosaic image without axes."""

import math

import numpy as np

from attnviz.errors import PlotOptionError
from attnviz.render.colours import ink
from attnviz.render.picture.arrangement import Place, ratio
from attnviz.render.picture.grid_labels import SMALLEST_TEXT, AxisLabels, axes_text
from attnviz.render.picture.grid_plan import ROOM, GridPlan
from attnviz.render.picture.mosaic import BACKGROUND, BLANK, FRAME, HAIRLINE, INK, edge, mosaic, resized, slots
from attnviz.render.picture.page import Box, Page, bar_height, bar_width, line_height
from attnviz.render.picture.typesetting import POINT, Typesetting
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene
from attnviz.render.ticks import segments
from attnviz.render.weight_format import format_weight

GAP = 0.06
"""Between tiles, in inches."""
BAR_GAP = 0.2
"""Between the tiles and the colour bar, in inches."""
NUMBERS = 6000
"""At most this many weights are written, unless `annotate` is set."""
SPLIT = 8
"""The smallest cells, in pixels, that a line can be drawn between."""
Edges = tuple[float, float]
"""The distances of the tiles and of the colour bar from the left edge of a panel, in inches."""


class GridPanel:
    """The heads of a scene as tiles, labelled on the left and at the bottom. `edges` align it with other panels."""

    def __init__(
        self,
        scene: Scene,
        scale: Scale,
        dpi: int,
        typesetting: Typesetting,
        plan: GridPlan,
        area: Box = (None, None),
        edges: Edges = (0.0, 0.0),
    ) -> None:
        self.scene, self.scale, self.dpi, self.typesetting, self.plan = scene, scale, dpi, typesetting, plan
        self.arrangement = plan.arrangement
        self._aligned_edges, self.small_line = edges, line_height(typesetting.small)
        self._lay_out(plan.tile_width)
        for _ in range(4 if area != (None, None) else 0):  # the gaps grow with the tiles, a little
            self._lay_out(max(self._width_in(area), 0.05))
        if plan.annotate and not self.weight_size:
            height, width = (pixels / dpi / cells for pixels, cells in zip(self.tile, self._shape, strict=True))
            raise PlotOptionError(
                f"cells of {width:.2g} × {height:.2g} inches are too small for numbers",
                "Make the picture larger with --size, or show fewer heads or tokens.",
            )

    @property
    def _shape(self) -> Place:
        return len(self.scene.rows), len(self.scene.columns)

    def _width_in(self, area: Box) -> float:
        """The width of a tile if all tiles fill `area`, where its width and height are given."""
        rows, columns = self.arrangement.shape
        height, width = (pixels / self.dpi for pixels in self.tile)
        gaps = self.area[0] - columns * width, self.area[1] - rows * height
        fits = zip(area, gaps, (columns, rows), (1.0, ratio(self.scene)), strict=True)
        return min((inches - gap) / count / part for inches, gap, count, part in fits if inches is not None)

    def _lay_out(self, width: float) -> None:
        """Measure everything for tiles `width` inches wide."""
        scene, typesetting = self.scene, self.typesetting
        height = width * ratio(scene)
        self.tile = int(height * self.dpi + 1e-6), int(width * self.dpi + 1e-6)
        self.weight_size = self._weight_size(width / self._shape[1], height / self._shape[0])
        self.labels = [
            AxisLabels.of(labels, cells, tokens, inches, typesetting, upright, prominent=prominent)
            for labels, cells, tokens, inches, upright, prominent in zip(
                (scene.rows, scene.columns),
                (scene.attention.rows, scene.attention.columns),
                (scene.attention.queries, scene.attention.keys),
                (height, width),
                (True, False),
                ((), scene.prominent),
                strict=True,
            )
        ]
        self._place()
        self.axes = typesetting.wrapped(axes_text(scene, self.labels), typesetting.small, self.width)
        self.height = len(self.axes) * self.small_line + self.above + max(self.area[1] + self.below, self.bar_height)
        self.height += 0.08 + self.small_line if scene.blank_reasons else 0.0

    def _weight_size(self, width: float, height: float) -> float:
        """The font size of weights in cells of `width` × `height` inches, in points; 0 where they are not written."""
        annotate, typesetting = self.plan.annotate, self.typesetting
        fits = min(typesetting.small, width / ROOM / typesetting.width(".00", 1.0), height / ROOM / POINT)
        if annotate:
            return fits if fits >= 4.0 else 0.0
        is_readable = fits >= SMALLEST_TEXT * typesetting.zoom and self.scene.matrices.size <= NUMBERS
        return fits if annotate is None and is_readable else 0.0

    def _place(self) -> None:
        """Place the labels, the gaps between tiles, and so the tiles."""
        rows, columns = self.labels
        arrangement, typesetting = self.arrangement, self.typesetting
        names = [
            max((typesetting.width(name, typesetting.body) for name in of.values()), default=0.0) for of in self._named
        ]
        self.beside = rows.longest + 0.08
        self.left = max(self.beside + (names[0] + 0.1 if names[0] else 0.0), self._aligned_edges[0])
        self.above, self.below = 0.1 + self.small_line, 0.08 + columns.depth
        least = min(GAP, 0.1 * self.tile[1] / self.dpi) * (2 if columns.in_words else 1)
        across, down = max(least, columns.overhang), max(least, rows.overhang)
        beyond = 0.0
        if arrangement.named:  # a name can be longer than its tile
            longest = max(typesetting.width(name, typesetting.small) for name in arrangement.above.values())
            beyond = max(longest - self.tile[1] / self.dpi, 0.0)
            across = max(across, beyond + 0.05)
            down = 0.1 + self.small_line + self.below
        breaks = 0.1 + self.small_line, names[0] + 0.25
        self.corners = [
            self._starts(count, tile, gap, arrangement.breaks[axis], breaks[axis])
            for axis, (count, tile, gap) in enumerate(zip(arrangement.shape, self.tile, (down, across), strict=True))
        ]
        height, width = (starts[-1] + tile for starts, tile in zip(self.corners, self.tile, strict=True))
        self.area = width / self.dpi, height / self.dpi
        self.bar = max(self.left + self.area[0] + beyond + BAR_GAP, self._aligned_edges[1])
        self.bar_height = bar_height(self.scale, typesetting, self.area[1])
        self.width = self.bar + bar_width(self.scale, typesetting)

    @property
    def edges(self) -> Edges:
        """The left edges of the tiles and of the colour bar."""
        return self.left, self.bar

    @property
    def _named(self) -> tuple[dict[Place, str], dict[Place, str]]:
        return self.arrangement.beside, self.arrangement.above

    def _starts(self, count: int, tile: int, gap: float, breaks: frozenset[int], more: float) -> list[int]:
        """The first pixels of tiles with `gap` inches between them, and `more` before another block."""
        steps = [tile + int((gap + (more if index in breaks else 0.0)) * self.dpi) for index in range(1, count)]
        return [0, *np.cumsum(steps, dtype=int).tolist()]

    def draw(self, page: Page, x: float, y: float) -> None:
        """Draw onto `page`."""
        y = page.lines(x, y, self.axes, self.typesetting.small, color=page.theme.muted) + self.above
        bar = x + self.bar
        x += self.left
        around = (FRAME + self._mark) / self.dpi
        page.image(x - around, y - around, self._marked(self.mosaic()))
        page.colour_bar(bar, y, self.bar_height, self.scale)
        page.blank_legend(x, y + max(self.area[1] + self.below, self.bar_height) + 0.08, self.scene.blank_reasons)
        self._name(page, x, y)
        self._label(page, x, y)
        if self.weight_size:
            self._write(page, x, y)

    def mosaic(self) -> np.ndarray:
        """All tiles with their frames in one image, uint8 `[pixel row, pixel column]`, colours of `mosaic.table`."""
        over = np.where(resized(self.scene.reachable, *self.tile), 0, BLANK).astype(np.uint8)
        a = self.scene.attention
        inks = []
        for axis, cells in enumerate((a.rows, a.columns)):
            lines, large = over if axis == 0 else over.T, self.labels[axis].in_words
            if large:  # cells this large have thin lines between them
                lines[[edge(cell, len(cells), self.tile[axis]) for cell in range(1, len(cells))]] = HAIRLINE
            if not self._splits(axis):
                continue
            around = 2 if large else 1
            for index in self._borders(axis):  # a line of ink in a gap of background
                lines[max(index - around, 0) : index + around + 1] = BACKGROUND
                inks.append(lines[index])
        for line in inks:
            line[:] = INK
        pixels = [min(pair) for pair in zip(self._shape, self.tile, strict=True)]
        shades = (slots(self.scale.indices(resized(weights, *pixels))) for weights in self.scene.matrices)
        corners = [(self.corners[0][row], self.corners[1][column]) for row, column in self.arrangement.places]
        return mosaic(shades, corners, self.tile, over)

    def _borders(self, axis: int) -> list[int]:
        """The first pixels, in a tile, of cells at which another part of the input begins."""
        a = self.scene.attention
        tokens, cells = ((a.queries, a.rows), (a.keys, a.columns))[axis]
        return [edge(cell, len(cells), self.tile[axis]) for cell in segments(tokens, cells)]

    def _splits(self, axis: int) -> bool:
        """Whether lines fit between cells; otherwise marks are drawn outside of the tiles."""
        return self.tile[axis] / self._shape[axis] >= SPLIT

    @property
    def _mark(self) -> int:
        """The length of marks, in pixels; 0 where there are none."""
        if not any(self._borders(axis) and not self._splits(axis) for axis in (0, 1)):
            return 0
        return max(int(min(GAP, 0.1 * self.tile[1] / self.dpi) * 2 / 3 * self.dpi), 1)

    def _marked(self, image: np.ndarray) -> np.ndarray:
        """`image`, the mosaic, with marks outside of the tiles at the ends of borders without a line."""
        mark = self._mark
        image = np.pad(image, mark, constant_values=BACKGROUND)
        for axis in (0, 1):
            lines, across = image if axis == 0 else image.T, self.tile[1 - axis]
            for place in self.arrangement.places:
                corner = [starts[index] + mark + FRAME for starts, index in zip(self.corners, place, strict=True)]
                y, x = corner[:: 1 - 2 * axis]
                for index in [] if self._splits(axis) else self._borders(axis):
                    lines[y + index, x - FRAME - mark : x - FRAME] = INK
                    lines[y + index, x + across + FRAME : x + across + FRAME + mark] = INK
        return image

    def _corner(self, place: Place) -> tuple[float, float]:
        """The top left corner of a tile, in inches from that of the mosaic: across and down."""
        return self.corners[1][place[1]] / self.dpi, self.corners[0][place[0]] / self.dpi

    def _name(self, page: Page, x: float, y: float) -> None:
        """Write the names of layers and heads, or the name of each tile."""
        muted, (height, width) = page.theme.muted, (pixels / self.dpi for pixels in self.tile)
        arrangement = self.arrangement
        beside, above = self._named
        if arrangement.named:
            for place, name in above.items():
                left, up = self._corner(place)
                page.text(x + left, y + up - 0.03, name, self.typesetting.small, va="bottom", color=muted)
            return
        small, body = self.typesetting.small, self.typesetting.body
        widest = max(self.typesetting.width(name, body) for name in above.values())
        size = body if widest + 0.05 < width else small
        every = _every(self.small_line, height), _every(widest * size / body + 0.03, width)
        for (row, column), name in beside.items():
            if self._in_block(row, 0) % every[0] == 0:
                left, up = self._corner((row, column))
                before = self.beside if column == 0 else 0.0
                end = x + left - before - 0.06
                page.text(end, y + up + height / 2, name, size, ha="right", va="center", color=muted)
        for (row, column), name in above.items():
            if self._in_block(column, 1) % every[1] == 0:
                left, up = self._corner((row, column))
                page.text(x + left + width / 2, y + up - 0.04, name, size, ha="center", va="bottom", color=muted)

    def _in_block(self, index: int, axis: int) -> int:
        """The index of a row or column in its block."""
        return index - max((start for start in self.arrangement.breaks[axis] if start <= index), default=0)

    def _label(self, page: Page, x: float, y: float) -> None:
        """Label the queries left of the tiles, and the keys below the last tile of each column, or below each tile."""
        rows, columns = self.labels
        height, width = (pixels / self.dpi for pixels in self.tile)
        last = {column: row for row, column in sorted(self.arrangement.places)}
        for row, column in self.arrangement.places:
            left, up = (corner + inches for corner, inches in zip(self._corner((row, column)), (x, y), strict=True))
            for position, label in rows.ticks if column == 0 else []:
                style = rows.style(page.theme)
                page.text(left - 0.05, up + position * height / len(self.scene.rows), label, rows.size, **style)
            for position, label in columns.ticks if self.arrangement.named or last[column] == row else []:
                style = columns.style(page.theme)
                across = left + position * width / len(self.scene.columns)
                page.text(across, up + height + 0.04, label, columns.size, **style)

    def _write(self, page: Page, x: float, y: float) -> None:
        """Write the weights into the cells."""
        indices, (n, m) = self.scale.indices(self.scene.matrices), self._shape
        height, width = (pixels / self.dpi for pixels in self.tile)
        style = {"ha": "center", "va": "center_baseline"}
        inks = [ink(colour) for colour in self.scale.colours]
        for head, place in enumerate(self.arrangement.places):
            left, up = self._corner(place)
            for i, j in zip(*np.nonzero(self.scene.reachable), strict=True):
                across, down = x + left + (j + 0.5) * width / m, y + up + (i + 0.5) * height / n
                text, colour = format_weight(self.scene.matrices[head, i, j]), inks[indices[head, i, j]]
                page.text(across, down, text, self.weight_size, color=colour, **style)


def _every(needed: float, pitch: float) -> int:
    """How many names there are for each one that fits, if a name takes `needed` inches and there is one per `pitch`."""
    return max(math.ceil(needed / pitch), 1)
