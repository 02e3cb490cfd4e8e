"""The heads that look from one word of a pair to the other, by relation, as a table in the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.pair_score import Relation, ScoredHead
from attnviz.kinds import KIND_NAMES, Kind
from attnviz.labels import visible
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import bar
from attnviz.render.terminal.cells import heading, ltr
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.weight_format import format_offset

LONGEST = 16
"""The most cells of a relation's name, so that a line of 80 cells cuts no number."""
MEANING = (
    "score: the share of pairs whose first word gives the second more than any other word, itself and special tokens"
    " left out (Clark et al. 2019). weight: what it gives the second on average. offset: the score of a head that"
    " always looks at one distance in words, the best one; a head with no higher score may look at a position, and not"
    " at a word. The best of {heads} heads is chosen on these same pairs: with few pairs, some head scores high by"
    " chance"
)

WITH_BARS = 73
COLUMNS = {"pairs": 59, "head": 0, "score": 0, "weight": 66, "offset": 0}
"""The least width of the terminal for the bars of scores, and for each column, so that no number is cut."""


@dataclass(frozen=True)
class ScoreTable(Drawing):
    """The first `top` heads of each relation in `scores`, as a rich renderable."""

    title: str
    scores: Mapping[Relation, Sequence[ScoredHead]]
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(self.title, console_options.max_width)
        for kind in dict.fromkeys(relation.kind for relation in self.scores):
            yield Text()
            yield self._table(kind, brush, console_options.max_width)
        yield Text()
        yield Text(f"{MEANING.format(heads=max(map(len, self.scores.values())))}.", style="dim")

    def _table(self, kind: Kind, brush: Brush, width: int) -> Table:
        grid = Table(title=Text(KIND_NAMES[kind], style="bold"), title_justify="left", title_style="")
        grid.box, grid.padding = None, (0, 1, 0, 0)
        relations = [relation for relation in self.scores if relation.kind == kind]
        if has_names := any(relation.name for relation in relations):
            grid.add_column("relation", overflow="ellipsis", no_wrap=True, min_width=8, max_width=LONGEST)
        grid.add_column("from → to", no_wrap=True)
        titles = [title for title, least in COLUMNS.items() if least <= width]
        for title in titles:
            grid.add_column(title, justify="left" if title == "head" else "right", no_wrap=True)
        for relation in relations:
            for index, head in enumerate(self.scores[relation][: self.top or 1]):
                names = (ltr(visible(relation.name)),) if has_names else ()
                of_all = (*names, brush.written(relation.direction))
                drawn = bar(head.rate, 1.0, brush) if width >= WITH_BARS else Text()
                cells: dict[str, str | Text] = {
                    "pairs": f"{head.pairs:,}" if index == 0 else "",
                    "head": head.name,
                    "score": drawn + Text(f"{head.rate:.1%}".rjust(6)),
                    "weight": brush.number(head.weight),
                    "offset": brush.written(_offset(head)),
                }
                grid.add_row(*(of_all if index == 0 else [""] * len(of_all)), *(cells[title] for title in titles))
        return grid


def _offset(head: ScoredHead) -> str:
    """The score of the best fixed offset, and that offset: `41.2% at −2`."""
    if head.offset is None or isnan(head.offset_rate):
        return "–"
    return f"{head.offset_rate:.1%} at {format_offset(head.offset)}"
