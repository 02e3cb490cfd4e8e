"""Heads ranked by one link, as tables in the terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.link_rank import RankedHead
from attnviz.attention import Trace
from attnviz.labels import visible
from attnviz.render.named_link import NamedLink
from attnviz.render.options import PlotOptions
from attnviz.render.plan import title_of
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading, ltr
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.weight_format import format_weight

TOP = 10
"""So many heads of each link are shown, unless another number is asked for."""
MEANING = (
    "weight: what the row gives the column, several summed. rank: among the keys that the row may look at. × uniform:"
    " how many times what uniform attention gives. others: what the other rows give that column on average; a head that"
    " gives as much there looks at this word from everywhere. offset: what the head gives on average to the token at"
    " the best fixed distance from −3 to +3, in the rows that have one; a head that gives as much there may look at a"
    " place, and not at a word"
)


@dataclass(frozen=True)
class LinkTable(Drawing):
    """A table for each of `links`, its first `top` heads, as something that rich prints."""

    trace: Trace
    links: list[NamedLink]
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(visible(title_of(self.trace)), console_options.max_width)
        for link in self.links:
            yield Text()
            yield Text(f"{self.trace[link.kind].name}: ", style="bold") + Text(ltr(f"from {link.query} to {link.key}"))
            yield from self._of(link, brush)
        yield Text()
        yield Text(f"{MEANING}.", style="dim")

    def _of(self, link: NamedLink, brush: Brush) -> Iterator[Table | Text]:
        if link.is_hidden:
            yield Text("not possible: it comes later, and the mask hides it", style="dim")
            return
        grid = Table(box=None, padding=(0, 1, 0, 0))
        grid.add_column("head", no_wrap=True)
        grid.add_column("weight", justify="right", no_wrap=True, min_width=BAR + 6)
        for title in ("rank", "× uniform", "others", "offset"):
            grid.add_column(title, justify="right", no_wrap=True)
        shown = link.heads[: self.top or TOP]
        for head in shown:
            weight = bar(head.weight, 1.0, brush) + Text(brush.number(head.weight))
            others = "–" if isnan(head.others) else brush.number(head.others)
            cells = f"{head.rank} of {head.keys}", f"{head.ratio:.1f}", others, brush.written(_place(head))
            grid.add_row(head.name, weight, *cells)
        yield grid
        said = f"uniform attention gives {link.heads[0].uniform:.2f}"
        if len(link.heads) > len(shown):
            said += f"; {len(shown)} of {len(link.heads)} heads (--top N)"
        yield Text(said, style="dim")


def _place(head: RankedHead) -> str:
    """What a head gives at its best fixed offset, and which that is: `.22 at −3`."""
    if head.offset is None or isnan(head.offset_weight):
        return "–"
    offset = f"{head.offset:+d}" if head.offset else "0"
    return f"{format_weight(head.offset_weight)} at {offset.replace('-', '−')}"
