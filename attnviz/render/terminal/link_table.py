"""Tables of heads ranked by a link, in the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import isnan

from rich.cells import cell_len
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
from attnviz.render.weight_format import format_offset, format_weight

TOP = 10
"""The heads of each link that are shown by default."""
COLUMNS = {
    "head": "",
    "weight": "what the row gives the column; several columns are summed",
    "rank": "among the keys that the row may look at",
    "× uniform": "how many times what uniform attention gives",
    "others": "what the other rows give that column on average; if it is as much, the head looks at this word from"
    " everywhere",
    "offset": "what the head gives on average to the token at the best fixed distance from −3 to +3; if it is as much,"
    " the head may look at a position, and not at a word",
}
"""The titles of the columns and their meaning; in a narrow terminal the last ones are left out."""


@dataclass(frozen=True)
class LinkTable(Drawing):
    """A table for each of `links` with its first `top` heads, as a rich renderable."""

    trace: Trace
    links: list[NamedLink]
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(visible(title_of(self.trace)), console_options.max_width)
        width = console_options.max_width
        tables = [_Table(link, link.heads[: self.top or TOP], brush, width) for link in self.links]
        for one in tables:
            link = one.link
            yield Text()
            yield Text(f"{self.trace[link.kind].name}: ", style="bold") + Text(ltr(f"from {link.query} to {link.key}"))
            yield from one.drawn()
        yield Text()
        titles = max((one.titles for one in tables if one.heads), key=len, default=())
        yield Text(f"{'. '.join(f'{title}: {COLUMNS[title]}' for title in titles if COLUMNS[title])}.", style="dim")


@dataclass(frozen=True)
class _Table:
    """The first heads of one link, in a terminal of `width` cells."""

    link: NamedLink
    heads: Sequence[RankedHead]
    brush: Brush
    width: int

    @cached_property
    def cells(self) -> list[tuple[str, ...]]:
        """The text in each of `COLUMNS`, for each head."""
        return [_written(head, self.brush) for head in self.heads]

    @cached_property
    def ends(self) -> list[int]:
        """The position at which each of `COLUMNS` ends, in terminal cells, without bars."""
        return [*accumulate(max(map(cell_len, column)) + 1 for column in zip(COLUMNS, *self.cells, strict=True))]

    @property
    def titles(self) -> tuple[str, ...]:
        """The columns that fit."""
        return tuple(title for title, end in zip(COLUMNS, self.ends, strict=True) if end <= self.width)

    def drawn(self) -> Iterator[Table | Text]:
        """The table, with a bar before each weight if it fits, and the weight of uniform attention."""
        link = self.link
        if link.is_hidden:
            yield Text("not possible: the mask hides this word, because it comes later", style="dim")
            return
        has_bars = self.ends[-1] + BAR + 1 <= self.width
        grid = Table(box=None, padding=(0, 1, 0, 0))
        for title in self.titles:
            least = BAR + 6 if title == "weight" and has_bars else None
            grid.add_column(title, justify="left" if title == "head" else "right", no_wrap=True, min_width=least)
        for head, (name, weight, *others) in zip(self.heads, self.cells, strict=True):
            drawn = bar(head.weight, 1.0, self.brush) if has_bars else Text()
            row: list[str | Text] = [name, drawn + Text(weight), *others]
            grid.add_row(*row[: len(self.titles)])
        yield grid
        note = f"uniform attention gives {link.heads[0].uniform:.2f}"
        if len(link.heads) > len(self.heads):
            note += f"; {len(self.heads)} of {len(link.heads)} heads (--top)"
        yield Text(note, style="dim")


def _written(head: RankedHead, brush: Brush) -> tuple[str, ...]:
    """The text in each of `COLUMNS` for a head."""
    others = "–" if isnan(head.others) else brush.number(head.others)
    rank = f"{head.rank} of {head.keys}"
    return head.name, brush.number(head.weight), rank, f"{head.ratio:.1f}", others, brush.written(_offset(head))


def _offset(head: RankedHead) -> str:
    """The weight at the best fixed offset of a head, and that offset: `.22 at −3`."""
    if head.offset is None or isnan(head.offset_weight):
        return "–"
    return f"{format_weight(head.offset_weight)} at {format_offset(head.offset)}"
