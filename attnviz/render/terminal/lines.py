"""Heads as lines in the terminal: queries left, keys right, curves of braille dots between them by weight.

Without colours or braille dots, nobody could distinguish curves that cross. There each query has one straight line
whose length is its largest weight, with that weight and the key beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnviz.render.links import DrawnLinks, links_to_draw, require_tokens
from attnviz.render.options import PlotOptions
from attnviz.render.scale import Scale, scale_of
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.terminal.cells import BOLD, DIM, Line, fit
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import SceneDrawing

LONGEST, NARROW, WIDEST = 24, 16, 44
"""The longest label; the narrowest and the widest area for curves, in columns: between these four for each line."""
STRAIGHT = 40
"""The longest straight line, in columns."""
SPACED = 10
"""Up to this many tokens have a free line between them, so that their curves are not flat."""
LEVELS = (DIM, Style(), BOLD)
"""The styles of lines for each third of the scale, in the text colour, which is visible on any background."""
DRAWN = 0.1
"""Links from this fraction of the scale on are drawn."""
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""What each dot adds to the braille pattern, `[down, across]`."""


@dataclass(frozen=True)
class Lines(SceneDrawing):
    """The heads of `scene`, below each other, as a rich renderable.

    Raises SelectionError where its cells are not single tokens, or too many.
    """

    scene: Scene
    options: PlotOptions

    def __post_init__(self) -> None:
        require_tokens(self.scene, "lines")

    def body(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn between its title and its caption."""
        scene = self.scene
        scale = scale_of(self.options, [scene.top], scene.largest, "dark", quantity=scene.quantity)
        brush = Brush.on(console, scale)
        label = max(min(LONGEST, (console_options.max_width - 8) // 2), 1)
        sides = [min(max(map(cell_len, labels)), label) for labels in (scene.rows, scene.columns)]
        for index, name in enumerate(scene.names):
            yield Text(f"{name}   {FROM} → {TO}" if len(scene.names) > 1 else f"{FROM} → {TO}", style="dim")
            for line in self._drawn(index, brush, sides, console_options.max_width):
                yield from line
                yield Segment.line()
            yield Segment.line()
        yield from _legend(scale, bool(brush.depth and brush.blocks))

    def _drawn(self, index: int, brush: Brush, sides: list[int], width: int) -> Iterator[Line]:
        """The lines of head `index`: all links that are not faint, or without colours the strongest of each query."""
        if brush.depth and brush.blocks:
            yield from self._lines(links_to_draw(self.scene, index, brush.scale), sides, width)
            return
        available = max(min(STRAIGHT, width - sum(sides) - 8), 1)
        strongest = self._strongest(index, brush.scale)
        for row, label in enumerate(self.scene.rows):
            query = fit(label, sides[0], "right")
            if row not in strongest:
                yield [Segment(query)]
                continue
            column, fraction = strongest[row]
            line = brush.written("─" * max(round(fraction * available), 1)).ljust(available)
            weight, key = (
                brush.number(self.scene.matrices[index, row, column]),
                fit(self.scene.columns[column], sides[1]),
            )
            yield [Segment(f"{query} {line} {weight:>3} → {key}")]

    def _strongest(self, index: int, scale: Scale) -> dict[int, tuple[int, float]]:
        """The strongest link of each row: its column, and its fraction of the scale."""
        every = links_to_draw(self.scene, index, scale)
        weakest_first = zip(every.rows.tolist(), every.columns.tolist(), every.fractions.tolist(), strict=True)
        return {row: (column, fraction) for row, column, fraction in weakest_first}

    @property
    def _places(self) -> tuple[range, range]:
        """The line of each query and of each key; the shorter side is centred."""
        sizes = len(self.scene.rows), len(self.scene.columns)
        step = 2 if max(sizes) <= SPACED else 1
        starts = [(max(sizes) - size) * step // 2 for size in sizes]
        rows, columns = (range(start, start + step * size, step) for start, size in zip(starts, sizes, strict=True))
        return rows, columns

    def _lines(self, drawn: DrawnLinks, sides: list[int], width: int) -> Iterator[Line]:
        """The lines of the drawing: a query, a part of the curves, and a key."""
        starts, ends = self._places
        queries = dict(zip(starts, self.scene.rows, strict=True))
        keys = dict(zip(ends, self.scene.columns, strict=True))
        height = max(starts[-1], ends[-1]) + 1
        available = max(min(WIDEST, max(4 * height, NARROW), width - sum(sides) - 2), 2)
        dots, levels = np.zeros((height, available), int), np.zeros((height, available), int)
        for row, column, fraction in zip(drawn.rows, drawn.columns, drawn.fractions, strict=True):
            if fraction >= DRAWN:
                level = min(int(fraction * len(LEVELS)), len(LEVELS) - 1)
                _curve(dots, levels, starts[row], ends[column], level)
        for y in range(height):
            cells = [
                Segment(chr(0x2800 + dot) if dot else " ", LEVELS[level] if dot else None)
                for dot, level in zip(dots[y], levels[y], strict=True)
            ]
            query, key = fit(queries.get(y, ""), sides[0], "right"), fit(keys.get(y, ""), sides[1])
            yield [Segment(query + " "), *cells, Segment(" " + key)]


def _curve(dots: np.ndarray, levels: np.ndarray, start: int, end: int, level: int) -> None:
    """Add the dots of a curve from line `start` on the left to line `end` on the right, over weaker curves."""
    width = dots.shape[1] * 2
    t = np.linspace(0, 1, 4 * width + 16 * abs(end - start))
    x = 1.5 * t * (1 - t) + t**3  # a cubic Bézier curve whose handles lie half way across
    y = start + (end - start) * (3 * t**2 - 2 * t**3)
    across, down = np.round(x * (width - 1)).astype(int), np.floor((y + 0.5) * 4 - 0.5).astype(int)
    np.bitwise_or.at(dots, (down // 4, across // 2), DOTS[down % 4, across % 2])
    np.maximum.at(levels, (down // 4, across // 2), level)


def _legend(scale: Scale, curved: bool) -> Iterator[Segment]:
    if not curved:
        yield Segment(f"the largest {scale.meaning} of each query; the longest line is {scale.weight(1):.2g}", DIM)
    else:
        yield Segment(f"{scale.meaning}: ", DIM)
        for index, level in enumerate(LEVELS):
            least = scale.weight(max(index / len(LEVELS), DRAWN))
            yield Segment(f"{'  ' if index else ''}⣀⣀ from {least:.2g}", level)
    yield Segment.line()
