"""The list of texts in which the number of a head is largest and smallest, in the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from attnviz.labels import visible
from attnviz.render.example import Example
from attnviz.render.terminal.cells import heading, ltr, without_middle
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.weight_format import format_weight

LINES = 3
"""The most lines of a text."""


@dataclass(frozen=True)
class ExampleList(Drawing):
    """The `examples` of a head by group, as a rich renderable.

    `headings` are the lines above the groups, and `meaning` says what the numbers mean.
    """

    title: str
    meaning: str
    headings: Mapping[str, str]
    examples: Sequence[Example]

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        width = console_options.max_width
        yield heading(self.title, width)
        for group, examples in groupby(self.examples, key=lambda one: one.group):
            yield Text()
            yield Text(self.headings[group], style="bold")
            yield from _lines(examples, width)
        yield Text()
        yield Text(self.meaning, style="dim")


def _lines(examples: Iterable[Example], width: int) -> RenderResult:
    for one in examples:
        line = Text(f"{_number(one.number)}  ").append(one.place, "dim")
        if one.weight is not None:
            link = f"{ltr(visible(one.query))} → {ltr(visible(one.key))}"
            line.append("  ").append(link, "bold").append(f" {format_weight(one.weight)}")
        yield line
        text = without_middle(" ".join(visible(one.text).split()), max(LINES * width - 30, width))
        yield Text(ltr(text))


def _number(value: float) -> str:
    """A number up to 1 in the form of a weight, a larger one with two digits after the point."""
    return format_weight(value) if abs(value) <= 1 else f"{value:.2f}".replace("-", "−")
