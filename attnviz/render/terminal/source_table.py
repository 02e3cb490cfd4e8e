"""What an answer looked at, in the terminal: a bar a segment, and the best sources of each of its tokens."""

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.source_mass import RECENT, SINK_ABOVE
from attnviz.attention import Trace
from attnviz.labels import visible
from attnviz.render.options import PlotOptions
from attnviz.render.plan import title_of
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading, ltr
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing

if TYPE_CHECKING:
    from attnviz.analysis.answer_sources import AnswerSources

MEANING = (
    "share: of what is left, all heads and all rows that write the answer together. uniform: that share for uniform"
    " attention; × how many times that is. question: the share in the rows of the question. Attention is not"
    " attribution: what is looked at need not be why something is written"
)


@dataclass(frozen=True)
class SourceTable(Drawing):
    """`sources` of `trace`, as something that rich prints."""

    trace: Trace
    sources: "AnswerSources"

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        brush, found = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0])), self.sources
        yield heading(visible(title_of(self.trace)), console_options.max_width)
        yield Text()
        yield self._segments(brush)
        yield Text()
        yield self._tokens(brush)
        yield Text()
        aside = f"set aside: {found.sinks:.2f} to the first token, special ones and keys that take more than"
        aside += f" {SINK_ABOVE:g} from most rows of a head, {found.recent:.2f} to each row's own last {RECENT} tokens"
        yield Text(f"mean over {found.heads} heads; {aside}. {MEANING}.", style="dim")

    def _segments(self, brush: Brush) -> Table:
        grid = Table(box=None, padding=(0, 1, 0, 0))
        grid.add_column("segment", overflow="ellipsis", no_wrap=True)
        grid.add_column("tokens", justify="right", no_wrap=True)
        grid.add_column("share", justify="right", no_wrap=True, min_width=BAR + 6)
        for title in ("uniform", "×", "question"):
            grid.add_column(title, justify="right", no_wrap=True)
        for one in self.sources.shares:
            share = bar(one.share, 1.0, brush) + Text(brush.number(one.share))
            ratio, question = (
                "–" if isnan(number) else text
                for number, text in ((one.ratio, f"{one.ratio:.1f}"), (one.question, brush.number(one.question)))
            )
            grid.add_row(ltr(visible(one.name)), str(one.tokens), share, brush.number(one.uniform), ratio, question)
        return grid

    def _tokens(self, brush: Brush) -> Table:
        grid = Table(box=None, padding=(0, 1, 0, 0))
        grid.add_column("writes", no_wrap=True)
        grid.add_column("looks most at")
        for one in self.sources.written:
            best = ", ".join(f"{visible(source.text)} {brush.number(source.share)}" for source in one.sources)
            grid.add_row(ltr(visible(one.text)), ltr(best) if best else Text("–", style="dim"))
        return grid
