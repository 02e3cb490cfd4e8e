"""Heads as lines in the terminal: queries left, keys right, curves of braille dots between them by weight."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnviz.render.links import links, require_tokens
from attnviz.render.look import Look
from attnviz.render.scale import Scale, scale_of
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.terminal.cells import BOLD, DIM, Line, fit, heading
from attnviz.render.terminal.drawing import Drawing

LONGEST, NARROW, WIDEST = 24, 16, 44
"""No label is longer, and no room for lines narrower or wider, in columns; four columns for each line else."""
SPACED = 10
"""Between so many tokens a line is free, so that their curves are not flat."""
LEVELS = (DIM, Style(), BOLD)
"""Lines by their third of the scale, in the reader's own colour of text: it is seen on light and on dark terminals."""
DRAWN, DRAWN_PLAIN = 0.1, 1 / 3
"""From this part of the scale on a link is drawn, and from this one where there are no styles to tell them apart."""
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""What each dot adds to the braille pattern, `[down, across]`."""


@dataclass(frozen=True)
class Lines(Drawing):
    """The heads of `scene`, below each other, as something that rich prints.

    Raises SelectionError where its cells are not single tokens, or too many.
    """

    scene: Scene
    look: Look

    def __post_init__(self) -> None:
        require_tokens(self.scene, "lines")

    def is_coarse(self, width: int) -> bool:
        """Lines have their words, however narrow the terminal is."""
        return False

    def parts(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        scene = self.scene
        scale = scale_of(self.look, [scene.top], float(scene.matrices.max(initial=0.0)), "dark")
        least = DRAWN_PLAIN if console.color_system is None else DRAWN
        label = max(min(LONGEST, (options.max_width - 8) // 2), 1)
        sides = [min(max(map(cell_len, labels)), label) for labels in (scene.rows, scene.columns)]
        steep = 4 * (max(map(max, self._places)) + 1)
        room = max(min(WIDEST, max(steep, NARROW), options.max_width - sum(sides) - 2), 2)
        if scene.title:
            yield heading(scene.title, options.max_width)
        for at, name in enumerate(scene.names):
            yield Text(f"{name}   {FROM} → {TO}" if len(scene.names) > 1 else f"{FROM} → {TO}", style="dim")
            for line in self._lines(at, scale, least, sides, room):
                yield from line
                yield Segment.line()
            yield Segment.line()
        yield from _key(scale, least)
        if scene.caption:
            yield Text(scene.caption, style="dim")

    @property
    def _places(self) -> tuple[range, range]:
        """In which line each query stands, and each key; the shorter side in the middle."""
        sizes = len(self.scene.rows), len(self.scene.columns)
        step = 2 if max(sizes) <= SPACED else 1
        starts = [(max(sizes) - size) * step // 2 for size in sizes]
        rows, columns = (range(start, start + step * size, step) for start, size in zip(starts, sizes, strict=True))
        return rows, columns

    def _lines(self, at: int, scale: Scale, least: float, sides: list[int], room: int) -> Iterator[Line]:
        """Head `at`: in each line a query, a part of the curves, and a key."""
        starts, ends = self._places
        queries = dict(zip(starts, self.scene.rows, strict=True))
        keys = dict(zip(ends, self.scene.columns, strict=True))
        high = max(starts[-1], ends[-1]) + 1
        dots, levels = np.zeros((high, room), int), np.zeros((high, room), int)
        drawn = links(self.scene, at, scale)
        for row, column, part in zip(drawn.rows, drawn.columns, drawn.parts, strict=True):
            if part >= least:
                level = min(int(part * len(LEVELS)), len(LEVELS) - 1)
                _curve(dots, levels, starts[row], ends[column], level)
        for y in range(high):
            cells = [
                Segment(chr(0x2800 + dot) if dot else " ", LEVELS[level] if dot else None)
                for dot, level in zip(dots[y], levels[y], strict=True)
            ]
            query, key = fit(queries.get(y, ""), sides[0], "right"), fit(keys.get(y, ""), sides[1])
            yield [Segment(query + " "), *cells, Segment(" " + key)]


def _curve(dots: np.ndarray, levels: np.ndarray, start: int, end: int, level: int) -> None:
    """Set the dots of a curve from line `start` at the left to line `end` at the right, over weaker ones."""
    wide = dots.shape[1] * 2
    t = np.linspace(0, 1, 4 * wide + 16 * abs(end - start))
    x = 1.5 * t * (1 - t) + t**3  # a cubic Bézier curve whose handles lie half way across
    y = start + (end - start) * (3 * t**2 - 2 * t**3)
    across, down = np.round(x * (wide - 1)).astype(int), np.floor((y + 0.5) * 4 - 0.5).astype(int)
    np.bitwise_or.at(dots, (down // 4, across // 2), DOTS[down % 4, across % 2])
    np.maximum.at(levels, (down // 4, across // 2), level)


def _key(scale: Scale, least: float) -> Iterator[Segment]:
    thirds = [f"{scale.at(part):.2g}" for part in (1 / 3, 2 / 3)]
    yield Segment(f"{scale.meaning}: ", DIM)
    if least == DRAWN:
        yield Segment(f"⣀⣀ from {scale.at(least):.2g}", LEVELS[0])
        yield Segment(f"  ⣀⣀ from {thirds[0]}", LEVELS[1])
        yield Segment(f"  ⣀⣀ from {thirds[1]}", LEVELS[2])
    else:
        yield Segment(f"drawn from {thirds[0]}", DIM)
    yield Segment.line()
