"""What an answer looked at, in the terminal: a bar for each segment, the prompt, and the sources of each token."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isnan

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from attnviz.analysis.answer_sources import AnswerSources, Source
from attnviz.analysis.segment_share import SegmentShare
from attnviz.attention import Token, Trace
from attnviz.labels import visible
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.source_caption import caption_of, heading_of, title_of_sources
from attnviz.render.source_excerpts import left_out
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import fit, heading, ltr
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.terminal.source_context import in_context
from attnviz.render.terminal.source_text import SourceText
from attnviz.render.weight_format import format_share

MOST = 24
"""The most segments that have a row; if there are more, those with the largest shares."""
WRITES, NUMBER = 12, 5
"""The greatest width of the column of written tokens, and of a share, in cells."""
NAME = 20
"""The name of a segment is cut to so many cells, and to no fewer, before a column is left out for it."""
WIDE = 84
"""On a console of so many cells, sources name their segments."""


@dataclass(frozen=True)
class SourceTable(Drawing):
    """`sources` of `trace`, as a rich renderable."""

    trace: Trace
    sources: AnswerSources

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        found, width = self.sources, console_options.max_width
        top = max((source.share for source in found.sources), default=0.0) or 1.0
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [top]))
        yield heading(title_of_sources(self.trace, found), width)
        if scope := heading_of(found):
            yield Text(ltr(scope))
        yield Text()
        if found.shares:
            yield self._segments(brush, width)
            yield Text()
        prompt = SourceText(found, self._keys, self.trace.text, width)
        for line in prompt.lines(brush):
            yield from line
            yield Segment.line()
        if note := left_out(found, prompt.shown):
            yield Text(note, style="dim")
        yield Text()
        yield self._tokens(brush, width)
        yield Text()
        yield Text(brush.written(caption_of(found, has_question="question" in self._columns(width))), style="dim")

    @property
    def _keys(self) -> tuple[Token, ...]:
        return self.trace[self.sources.kind].keys

    def _segments(self, brush: Brush, width: int) -> Table:
        """A row for each segment: its share as a bar, and its baselines."""
        columns = self._columns(width)
        left = width - BAR - NUMBER - 2 - sum(map(_width, columns))
        grid = Table(box=None, padding=(0, 1, 0, 0))
        grid.add_column("segment", overflow="ellipsis", no_wrap=True, max_width=max(left - 1, len("segment")))
        grid.add_column("share", justify="right", no_wrap=True, min_width=BAR + 1 + NUMBER)
        for title in columns:
            grid.add_column(title, justify="right", no_wrap=True, min_width=_width(title) - 1)
        kept = sorted(self.sources.shares, key=lambda one: -one.share)[:MOST]
        for one in (one for one in self.sources.shares if one in kept):
            share = bar(one.share, 1.0, brush) + Text(f"{format_share(one.share):>{NUMBER}}")
            name = Text(ltr(visible(one.name)), style="bold" if one.name == self.sources.segment else "")
            grid.add_row(name, share, *(Text(brush.written(COLUMNS[title](one))) for title in columns))
        if rest := [one for one in self.sources.shares if one not in kept]:
            together = sum(one.share for one in rest)
            grid.add_row(f"{len(rest)} others", bar(together, 1.0, brush) + Text(f"{format_share(together):>{NUMBER}}"))
        return grid

    def _columns(self, width: int) -> list[str]:
        """The columns of baselines: `uniform` and `×` always, and of the others those with numbers and room."""
        names = [cell_len(visible(one.name)) for one in self.sources.shares]
        free = width - BAR - NUMBER - 3 - min(max([*names, len("segment")]), NAME)
        chosen = ["uniform", "×"]
        has_question = any(not isnan(one.question) for one in self.sources.shares)
        for title in (*["question"] * has_question, "a token", "tokens"):
            if sum(map(_width, [*chosen, title])) <= free:
                chosen.append(title)
        return [title for title in COLUMNS if title in chosen]

    def _tokens(self, brush: Brush, width: int) -> Table:
        """The best sources of the answer and of each of its tokens, in their context."""
        found, names = self.sources, len(self.sources.shares) > 1 and width >= WIDE
        labels = [f"{one.number} {visible(one.text)}" for one in found.written]
        first = min(max(map(cell_len, [*labels, "the answer"])), WRITES)
        last = min(max(cell_len(visible(one.name)) for one in found.shares), 20) if names else 0
        grid = Table(box=None, padding=(0, 1, 0, 0))
        for title, size in (("writes", first), ("share", NUMBER), ("looks most at", width - first - last - 9)):
            grid.add_column(title, justify="right" if title == "share" else "left", no_wrap=True, width=size)
        if names:
            grid.add_column("segment", no_wrap=True, width=last, overflow="ellipsis")
        whole = [] if found.token is not None and len(found.written) == 1 else [("the answer", found.sources)]
        for label, sources in [*whole, *zip(labels, (one.sources for one in found.written), strict=True)]:
            for cells in self._rows(fit(label, first), sources, brush, width - first - last - 9):
                grid.add_row(*cells[: 3 + names])
        return grid

    def _rows(self, label: str, sources: Iterable[Source], brush: Brush, width: int) -> Iterable[list[Text]]:
        """A row for each source; the first one has the label."""
        keys, found = self._keys, False
        for source in sources:
            context = in_context(keys[source.key], self.trace.text, width, brush.depth > 0)
            name = Text(ltr(visible(source.segment)), style="dim")
            yield [Text("" if found else label), Text(format_share(source.share)), context, name]
            found = True
        if not found:
            yield [Text(label), Text(brush.written("–")), Text(""), Text("")]


def _tokens(one: SegmentShare) -> str:
    return f"{one.tokens:,}"


def _per_token(one: SegmentShare) -> str:
    return format_share(one.per_token)


def _uniform(one: SegmentShare) -> str:
    return format_share(one.uniform)


def _ratio(one: SegmentShare) -> str:
    return "–" if isnan(one.ratio) else f"{one.ratio:.1f}"


def _question(one: SegmentShare) -> str:
    return "–" if isnan(one.question) else format_share(one.question)


COLUMNS: dict[str, Callable[[SegmentShare], str]] = {
    "tokens": _tokens,
    "a token": _per_token,
    "uniform": _uniform,
    "×": _ratio,
    "question": _question,
}
"""What stands beside the share of a segment, in order."""


def _width(title: str) -> int:
    """The cells that a column takes, with the space after it."""
    return max(len(title), NUMBER) + 1
