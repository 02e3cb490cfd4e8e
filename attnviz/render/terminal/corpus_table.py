"""The table of heads over many texts, in the terminal: the mean and the spread of each measure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.head_statistics import CorpusHead
from attnviz.analysis.head_table import arranged
from attnviz.kinds import KIND_NAMES, Kind
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.terminal.head_table import SHOWN, Column, column_of, meanings, name_and_role

NUMBER, NAMED = 11, 22
"""The width of a mean with its spread, and of a head with its role, in terminal cells."""


@dataclass(frozen=True)
class CorpusTable(Drawing):
    """A table for each kind of attention, with a line for each of its `heads`, as a rich renderable.

    `title` names the corpus, and `texts` is its number of texts. If they are given, heads are sorted by `sort`, only
    those with the `role` are shown, and only the first `top` of each kind.
    """

    title: str
    texts: int
    heads: Mapping[Kind, Sequence[CorpusHead]]
    sort: str | None = None
    role: str | None = None
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(self.title, console_options.max_width)
        shown: dict[str, Column] = {}
        for kind, heads in self.heads.items():
            rows = arranged(heads, self.sort, self.role, self.top)
            yield Text()
            if not rows:
                yield Text(f"{KIND_NAMES[kind]}: no head has the role {self.role}", style="dim")
                continue
            columns = self._columns(rows, console_options.max_width)
            shown |= columns
            yield self._table(kind, rows, columns, brush)
        if shown:
            yield Text()
            yield Text(f"{'. '.join([*meanings(shown), *self._more(shown)])}.", style="dim")

    def _columns(self, rows: Sequence[CorpusHead], width: int) -> dict[str, Column]:
        """The measure of `sort`, and as many others as fit; a measure that applies to no head is left out."""
        chosen = [self.sort] if self.sort else []
        free = width - NAMED - (NUMBER + BAR + 1) * len(chosen)
        for name in SHOWN:
            if name not in chosen and not all(isnan(row.values[name]) for row in rows):
                free -= NUMBER
                chosen += [name] * (free >= 0)
        return {name: column_of(name) for name in sorted(chosen, key=lambda name: [*SHOWN, name].index(name))}

    def _table(self, kind: Kind, rows: Sequence[CorpusHead], columns: Mapping[str, Column], brush: Brush) -> Table:
        grid = Table(title=Text(KIND_NAMES[kind], style="bold"), title_justify="left", title_style="")
        grid.box, grid.padding = None, (0, 1, 0, 0)
        grid.add_column("head", no_wrap=True)
        if has_roles := any(row.role for row in rows):
            grid.add_column("role", no_wrap=True)
        for name, column in columns.items():
            grid.add_column(f"{column.title} ↓" if name == self.sort else column.title, justify="right", no_wrap=True)
        longest = np.nanmax([abs(row.values[self.sort]) for row in rows]) if self.sort else 0.0
        for row in rows:
            cells = [Text(text) for text in name_and_role(row)[: 1 + has_roles]]
            for name, column in columns.items():
                drawn = bar(row.values[name], longest, brush) if name == self.sort else Text()
                cells.append(drawn + column.written(row.values[name], brush) + _spread(row.spreads[name]))
            grid.add_row(*cells)
        return grid

    def _more(self, shown: Mapping[str, Column]) -> Iterator[str]:
        """More notes on the tables, as sentences without full stops."""
        rows = [row for heads in self.heads.values() for row in heads]
        fewer = []
        for name, column in shown.items():
            counts = [row.texts[name] for row in rows if row.texts[name]]
            if counts and min(counts) < self.texts:
                fewer.append(f"{column.title} over {min(counts):,}")
        mean = f"Mean ± standard deviation over {self.texts:,} text{'s' * (self.texts != 1)}, each with the same weight"
        yield f"{mean}; where a measure applies: {', '.join(fewer)}" if fewer else mean
        if any(row.role for row in rows):
            yield "role: from these means and those of uniform attention (attnviz heads --help)"
        yield "·: under 0.005; –: does not apply"


def _spread(spread: float) -> Text:
    """A standard deviation, as `±.05`; nothing if there is none."""
    return Text("" if isnan(spread) else f"±{f'{spread:.2f}'.removeprefix('0')} ", style="dim")
