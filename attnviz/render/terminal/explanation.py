"""One step of attention in the terminal, stage by stage: vectors as strips of colours, scores as rows of numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.render.explanation import Explanation, NumberRow, Stage, Strip, bin_size, binned, written
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.terminal.cells import DIM, Line, fit, heading
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing

INDENT, GAP = 3, 2
LABEL = 18
"""The greatest width of the label of a strip or a row, in cells."""
LEGEND = 40
"""About the width of a scale with its numbers."""
NUMBER = 7
"""The least width of a number."""
MARK = "▴"
"""Below the dimensions that add the most to a product."""


@dataclass(frozen=True)
class ExplanationDrawing(Drawing):
    """The stages of `explanation`, or the one of number `only`, with all that it has, as a rich renderable."""

    explanation: Explanation
    only: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        shown, width = self.explanation, console_options.max_width
        yield heading(shown.title, width)
        yield Text(shown.caption, style="dim")
        for number, stage in enumerate(shown.stages, 1):
            if self.only in (None, number):
                yield Text()
                yield from self._stage(number, stage, console, width)

    def _stage(self, number: int, stage: Stage, console: Console, width: int) -> RenderResult:
        equation = f"   {stage.equation}" if stage.equation else ""
        title = Text.assemble((f"{number}  {stage.title}", "bold"), equation, (f"   {stage.shapes}", "dim"))
        yield title
        yield from _indented(stage.sentence, width)
        if stage.strips and (not stage.rows or self.only is not None):
            yield from self._strips(stage.strips, console, width)
        if stage.rows:
            yield from _rows(stage, console, width)

    def _strips(self, strips: Sequence[Strip], console: Console, width: int) -> Iterator[Segment | Text]:
        top = max((float(np.abs(strip.vector).max(initial=0)) for strip in strips), default=1.0) or 1.0
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [top], top, "dark", signed=True, quantity=""))
        label = min(max(cell_len(strip.label) for strip in strips), LABEL)
        cell = 1 if brush.depth else 2
        room = max((width - INDENT - label - GAP) // cell, 8)
        for strip in strips:
            yield from self._strip(strip, brush, label, cell, room)
            yield Segment.line()
        longest = max(strips, key=lambda strip: len(strip.vector))
        size = bin_size(len(longest.vector), room)
        if marked := strips[0].marked:
            yield from _marks(marked, len(strips[0].vector), room, cell, INDENT + label + GAP)
        indent = INDENT + label + GAP
        yield Segment(" " * (indent if indent + LEGEND <= width else INDENT))
        each = "each cell: 1 number" if size == 1 else f"each cell: the mean of {size} numbers"
        yield from brush.legend("", width)
        yield from _indented(each, width, style="dim")

    def _strip(self, strip: Strip, brush: Brush, label: int, cell: int, room: int) -> Line:
        indices = brush.scale.indices(binned(strip.vector, room)).astype(int).tolist()
        name = " " * INDENT + fit(strip.label, label, "right") + " " * GAP
        return [Segment(name), *(brush.cell(index, cell) for index in indices)]


def _rows(stage: Stage, console: Console, width: int) -> Iterator[Segment]:
    """The numbers below the words of their keys, in as many blocks as the width asks for."""
    rows, columns = stage.rows, stage.columns
    brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
    label = min(max(cell_len(row.label) for row in rows), LABEL)
    column = max(NUMBER, min(max(map(cell_len, columns.labels)), 12)) + 1
    count = max((width - INDENT - label - GAP) // column, 1)
    for start in range(0, len(columns.keys), count):
        keys, labels = columns.keys[start : start + count], columns.labels[start : start + count]
        yield Segment(" " * (INDENT + label + GAP) + "".join(fit(name, column, "right") for name in labels), DIM)
        yield Segment.line()
        for row in rows:
            yield Segment(" " * INDENT + fit(row.label, label, "right") + " " * GAP)
            yield from (_number(row, key, column, brush) for key in keys)
            yield Segment.line()
    if columns.rest:
        yield Segment(" " * INDENT + columns.rest, DIM)
        yield Segment.line()


def _number(row: NumberRow, key: int, column: int, brush: Brush) -> Segment:
    """A number in its column; a weight on its colour."""
    number = float(row.numbers[key])
    text = brush.written(written(number, row.are_weights))
    if not row.are_weights:
        return Segment(fit(text, column, "right"))
    index = int(brush.scale.indices(np.array([number]))[0])
    return Segment(fit(text, column, "right"), brush.style(index))


def _marks(marked: Sequence[int], length: int, room: int, cell: int, indent: int) -> Iterator[Segment]:
    """A mark below the cell of each marked dimension, and its number behind the first mark that has room for it."""
    size = bin_size(length, room)
    places = sorted({dimension // size * cell for dimension in marked})
    line = [" "] * ((-(-length // size)) * cell)
    for place in places:
        line[place] = MARK
    yield Segment(" " * indent + "".join(line).rstrip() + "  " + ", ".join(map(str, marked)), DIM)
    yield Segment.line()


def _indented(text: str, width: int, style: str = "") -> Iterator[Text]:
    yield from (Text(" " * INDENT + line.plain, style=style) for line in _wrapped(text, width - INDENT))


def _wrapped(text: str, width: int) -> list[Text]:
    from rich.console import Console

    return list(Text(text).wrap(Console(width=max(width, 20)), max(width, 20)))
