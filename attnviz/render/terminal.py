"""One head as a heatmap in the terminal, as wide as the terminal lets it be."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnviz.render.cells import (
    BOLD,
    Line,
    above,
    chopped,
    colour,
    fit,
    graphemes,
    in_colour,
    legend,
    number,
    shading,
)
from attnviz.render.colours import shade
from attnviz.render.scene import FROM, TO, Scene

LONGEST, TALLEST = 28, 12
"""No row label is longer, and no column label taller, in terminal cells."""


def heatmap(scene: Scene) -> RenderableType:
    """The first head of `scene` as something that rich prints; it adapts to the console's width and colours."""
    return Heatmap(scene)


@dataclass(frozen=True)
class Layout:
    """How the columns are fitted into a width.

    `label` is the width of the row labels and `cell` that of a cell, in terminal cells; `upright` says to write the
    column labels downwards; `band` is how many columns stand side by side before the rest goes below.
    """

    label: int
    cell: int
    upright: bool
    band: int

    @classmethod
    def of(cls, scene: Scene, width: int) -> "Layout":
        """The roomiest layout that fits: labels on one line, on three, downwards; without numbers; in several bands."""
        label = min(max(map(cell_len, scene.rows)), LONGEST, max(width // 3, 8))
        room, n = max(width - label - 1, 2), len(scene.columns)
        longest = max(map(cell_len, scene.columns))
        for across in (max(longest + 2, 6), max(longest + 1, 5)):
            if n * across <= room:
                return cls(label, across, False, n)
        if room // n >= 8 and longest <= 3 * (room // n - 1):
            return cls(label, room // n, False, n)
        for cell in (5, 4, 2):
            if n * cell <= room:
                return cls(label, cell, True, n)
        bands = -(-n // (room // 2))
        return cls(label, 2, True, -(-n // bands))


@dataclass(frozen=True)
class Heatmap:
    """What `heatmap` gives to rich."""

    scene: Scene

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        scene, coloured = self.scene, in_colour(console)
        layout = Layout.of(scene, options.max_width)
        if scene.title:
            yield Text(scene.title, style="bold")
        yield Text(f"{FROM} ↓   {TO} →", style="dim")
        for start in range(0, len(scene.columns), layout.band):
            for line in self._band(layout, coloured, start):
                yield from line
                yield Segment.line()
            yield Segment.line()
        yield from legend(scene.top, coloured, not scene.reachable.all(), options.max_width)
        if scene.caption:
            yield Text(scene.caption, style="dim")

    def _band(self, layout: Layout, coloured: bool, start: int) -> Iterator[Line]:
        """The lines of the columns from `start` on: their labels, then the rows."""
        labels = self.scene.columns[start : start + layout.band]
        margin = Segment(" " * (layout.label + 1))
        pieces = [graphemes(label) if layout.upright else chopped(label, layout.cell - 1) for label in labels]
        for text in above(pieces, layout.cell, TALLEST if layout.upright else 3):
            yield [margin, Segment(text)]
        for y, label in enumerate(self.scene.rows):
            cells = self._cells(layout, coloured, y, start)
            yield [Segment(fit(label, layout.label, "right") + " "), *cells]

    def _cells(self, layout: Layout, coloured: bool, y: int, start: int) -> Line:
        scene, width = self.scene, layout.cell
        row, reachable = scene.matrices[0, y], scene.reachable[y]
        indices, peak = shade(row, scene.top), row.max()
        cells = []
        for x in range(start, min(start + layout.band, len(row))):
            if not reachable[x]:
                cells.append(Segment(" " * width))
            elif coloured:
                style = colour(int(indices[x])) + (BOLD if row[x] == peak else Style())
                cells.append(Segment(fit(number(row[x]) if width > 2 else "", width, "center"), style))
            else:
                text = number(row[x]) if width > 2 else shading(row[x], scene.top)
                cells.append(Segment(fit(text, width, "center")))
        return cells
