"""The table of heads in the terminal: for each head its role, its measures and its strongest link."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.head_scores import ENOUGH_ROWS
from attnviz.analysis.head_table import COLUMNS, PEAK, HeadRow, head_rows
from attnviz.analysis.methods import RAW, method_of
from attnviz.attention import Attention, Range, Trace
from attnviz.labels import visible
from attnviz.measured_roles import from_provenance
from attnviz.render.options import PlotOptions
from attnviz.render.plan import title_of
from attnviz.render.scale import scale_of
from attnviz.render.scene import FROM, TO, WRITES, Scene, scene
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading, ltr, without_middle
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.text_layout import running
from attnviz.render.weight_format import format_weight


@dataclass(frozen=True)
class Column:
    """A measure in the table: the title of its column and its meaning; a share from 0 to 1 is coloured."""

    title: str
    meaning: str
    is_share: bool = True

    def written(self, value: float, brush: Brush) -> Text:
        """A number of the column."""
        if isnan(value):
            return Text("–", style="dim")
        if not self.is_share:
            return Text(f"{value:.2f} ")
        return Text(f" {brush.number(value):>3} ", style=brush.style(int(brush.scale.indices(np.array(value)))))


SHOWN = {
    "previous": Column("prev", "to the previous token"),
    "self": Column("self", "to itself"),
    "next": Column("next", "to the next"),
    "sink": Column("first", "to the first"),
    "special": Column("special", "to special tokens"),
    "entropy": Column("entropy", "in nats, as Clark et al. 2019 smooth it", is_share=False),
    "distance": Column("dist", "mean distance in tokens", is_share=False),
    "duplicate": Column("dup", "to the same token earlier"),
    "induction": Column("induct", "to the token after an earlier copy of the token"),
    "confidence": Column("conf", "mean of each row's largest weight"),
}
"""The measures that the table shows, from the first on as many as fit."""
OTHERS = {
    "normalised entropy": Column("norm.", "entropy divided by the largest possible one"),
    "offset": Column("offset", "key − query where most rows peak, in tokens", is_share=False),
    "offset share": Column("share", "the share of rows that peak at that one offset"),
    "content": Column("content", "mean peak weight from one content word to another"),
    PEAK: Column("peak", ""),
}
"""The measures that the table shows only if heads are sorted by them."""
WORDS = 34
"""The width in terminal cells up to which the two words of a link take the place of a measure."""

PEAK_MEANS = "peak: the weight of the strongest link between two content words, and which they are"
POOLED = "peak: the largest weight of a cell that has content words on both sides, and the tokens of that cell"
NOT_FIRST = "; in masked self-attention not the first key, where many heads put weight that they do not need"
SIGNS = "·: under 0.005; –: does not apply"
ROLE_MEANS = "role: the measure that stands out most, with its number (attnviz heads --help)"
LEAST = 0.005
"""A link with less weight is not shown."""
LONGEST = 20
"""The longest name of a cell of several tokens, in terminal cells."""


@dataclass(frozen=True)
class HeadTable(Drawing):
    """A table for each kind of attention of `trace`, with a line for each head, as a rich renderable.

    If they are given, heads are sorted by `sort`, only those with the `role` are shown, and only the first `top` of
    each kind. What the heads of the trace were measured to do over many texts is listed below the tables.
    """

    trace: Trace
    sort: str | None = None
    role: str | None = None
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        brush, width = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0])), console_options.max_width
        yield heading(visible(title_of(self.trace)), width)
        tables = [_Table.of(self.trace, kind, self, brush, width) for kind in self.trace.kinds]
        longest = max((one.longest for one in tables), default=0.0)
        for one in tables:
            yield Text()
            yield from one.drawn(longest)
        if any(one.rows for one in tables):
            yield Text()
            columns = {name: column for one in tables for name, column in one.columns.items()}
            yield Text(f"{'. '.join([*meanings(columns), *self._more(tables)])}.", style="dim")

        yield from self._measured()

    def _measured(self) -> Iterator[Text]:
        """The measured roles of the heads in the trace."""
        has = {(a.kind, layer, head) for a in self.trace.attentions for layer in a.layers for head in a.heads(layer)}
        measured = from_provenance(self.trace.provenance)
        roles = [role for role in measured if (role.kind, role.layer, role.index) in has]
        if roles:
            yield Text()
            yield Text("measured over many texts", style="bold")
            yield from (Text(visible(role.sentence)) for role in roles)

    def _more(self, tables: "Sequence[_Table]") -> Iterator[str]:
        """More notes on the tables, as sentences without full stops."""
        attentions = self.trace.attentions
        if (method := method_of(self.trace)).name != RAW:
            yield f"numbers of {method.description}"
        yield from filter(None, dict.fromkeys(one.scene.arrows_note for one in tables if one.rows))
        if any(row.role for one in tables for row in one.rows):
            few = any(a.has_all_rows and len(a.rows) < ENOUGH_ROWS for a in attentions)
            yield ROLE_MEANS + (f"; a guess in a text of fewer than {ENOUGH_ROWS} tokens" if few else "")
        peak = POOLED if any(a.is_pooled for a in attentions) else PEAK_MEANS
        yield peak + (NOT_FIRST if "masked-self" in self.trace.kinds else "")
        yield SIGNS


@dataclass(frozen=True)
class _Table:
    """The heads of one kind, and the columns of measures that fit."""

    trace: Trace
    kind: str
    rows: Sequence[HeadRow]
    columns: dict[str, Column]
    brush: Brush
    sort: str | None
    role: str | None

    @classmethod
    def of(cls, trace: Trace, kind: str, heads: HeadTable, brush: Brush, width: int) -> "_Table":
        """The table of one kind: with the measure of `sort`, and as many others as fit into `width` cells.

        A measure that applies to no head is left out.
        """
        rows = head_rows(trace, kind, sort=heads.sort, role=heads.role, top=heads.top)
        table = cls(trace, kind, rows, {}, brush, heads.sort, heads.role)
        chosen = [heads.sort] if heads.sort and heads.sort != PEAK else []
        free = width - table.least_width - sum(BAR + 3 + _width(column_of(name)) for name in chosen)
        for name, column in SHOWN.items():
            if name not in chosen and not all(isnan(row.values[name]) for row in rows):
                free -= _width(column)
                chosen += [name] * (free >= 0)
        order = [*SHOWN, *COLUMNS]
        return replace(table, columns={name: column_of(name) for name in sorted(chosen, key=order.index)})

    @property
    def least_width(self) -> int:
        """The width of the columns that are always shown."""
        names, roles = (_widest(name_and_role(row)[side] for row in self.rows) for side in (0, 1))
        links = [[text.plain for text in self._link(row)] for row in self.rows]
        words = sum(_widest([title, *(link[side] for link in links)]) + 1 for side, title in enumerate((FROM, TO)))
        return max(names, 4) + 1 + (max(roles, 4) + 1) * (roles > 0) + 6 + min(words, WORDS)

    @property
    def longest(self) -> float:
        """The largest absolute value of the measure that heads are sorted by."""
        values = [row.values[self.sort] for row in self.rows] if self.sort else []
        return max((abs(value) for value in values if not isnan(value)), default=0.0)

    def drawn(self, longest: float) -> Iterator[Table | Text]:
        """The table, whose bars are full at the number `longest`, and the reason if shares are missing."""
        attention = self.trace[self.kind]
        if not self.rows:
            yield Text(f"{attention.name}: no head has the role {self.role}", style="dim")
            return
        grid = self._empty()
        has_roles = any(row.role for row in self.rows)
        for row in self.rows:
            cells = [Text(text) for text in name_and_role(row)[: 1 + has_roles]]
            for name, column in {**self.columns, PEAK: OTHERS[PEAK]}.items():
                drawn = bar(row.values[name], longest, self.brush) if name == self.sort else Text()
                cells.append(drawn + column.written(row.values[name], self.brush))
            grid.add_row(*cells, *self._link(row))
        yield grid
        if reason := _left_out(attention):
            yield Text(reason, style="dim")

    def _empty(self) -> Table:
        """The table without its rows."""
        grid = Table(title=Text(self.trace[self.kind].name, style="bold"), title_justify="left", title_style="")
        grid.box, grid.padding = None, (0, 1, 0, 0)
        names, roles = (_widest(name_and_role(row)[side] for row in self.rows) for side in (0, 1))
        grid.add_column("head", no_wrap=True, min_width=max(names, 4))
        if roles:
            grid.add_column("role", no_wrap=True, min_width=max(roles, 4))
        for name, column in {**self.columns, PEAK: OTHERS[PEAK]}.items():
            is_sorted = name == self.sort
            title = f"{column.title} ↓" if is_sorted else column.title
            width = max(len(title), 5) + (BAR + 1) * is_sorted
            grid.add_column(title, justify="right", no_wrap=True, min_width=width)
        for name in (FROM, TO):
            grid.add_column(name)  # only these columns shrink in a narrow terminal
        return grid

    @cached_property
    def scene(self) -> Scene:
        """The labels of the rows and columns."""
        return scene(self.trace, self.kind, ())

    def _link(self, row: HeadRow) -> tuple[Text, ...]:
        """The strongest link of a head: its row and its column."""
        if (link := row.link) is None or link.weight < LEAST:
            return (Text("–", style="dim"),) * 2
        a, shown = self.scene.attention, self.scene
        rows, columns = a.rows[link.row], a.columns[link.column]
        query = _cell(shown.rows[link.row], rows, _text_of_rows(self.trace, a, rows))
        source = self.trace.read_by("encoder" if a.kind == "cross" else a.part)
        return query, _cell(shown.columns[link.column], columns, running(a.keys[slice(*columns)], source))


def column_of(name: str) -> Column:
    """The column of a measure; one that is not listed above has its own name as title."""
    return (SHOWN | OTHERS).get(name) or Column(name, "", is_share=False)


def _widest(texts: Iterable[str]) -> int:
    """The width of the widest of some texts, in terminal cells."""
    return max(map(cell_len, texts), default=0)


def name_and_role(row: HeadRow) -> tuple[str, str]:
    """The name of a head, and its role with the number that gives it the role; "" without a role."""
    return row.name, f"{row.role.name} {format_weight(row.role.value)}" if row.role else ""


def _width(column: Column) -> int:
    return max(len(column.title), 5) + 1


def meanings(columns: dict[str, Column]) -> Iterator[str]:
    """What the columns mean, as sentences without full stops."""
    mean = [column.meaning for column in columns.values() if column.meaning.startswith("to ")]
    if mean:
        yield f"Mean attention {', '.join(mean)}"
    for column in columns.values():
        if column.meaning and not column.meaning.startswith("to "):
            yield f"{column.title}: {column.meaning}"


def _left_out(attention: Attention) -> str:
    """Why shares are missing, if tokens of the matrix were pooled or left out; "" if not."""
    if attention.has_all_rows:
        return ""
    rows, columns = len(attention.rows), len(attention.columns)
    what = "pooled to" if attention.is_pooled else "cut to"
    size = f"{len(attention.queries)} × {len(attention.keys)} tokens were {what} {rows} × {columns} cells"
    return f"{size}: shares of the attention need a row for every token."


def _text_of_rows(trace: Trace, a: Attention, rows: Range) -> str:
    """The text that the queries `rows` read; in cross-attention the text that they write, which is what is aligned."""
    source = trace.read_by(a.part)
    if a.kind != "cross" or a.predicts is None:
        return running(a.queries[slice(*rows)], source)
    return f"{WRITES} {running([token for token in a.predicts[slice(*rows)] if token], source)}"


def _cell(label: str, tokens: Range, text: str) -> Text:
    """A row or column by its label; where it covers several tokens, by their text and their numbers."""
    cell = Text(no_wrap=True, overflow="ellipsis")
    if tokens[1] - tokens[0] == 1:
        return cell.append(ltr(label))
    return cell.append(ltr(without_middle(text, LONGEST))).append(f"  {label}", "dim")
