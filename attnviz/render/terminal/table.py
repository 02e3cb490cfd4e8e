"""Every head as a line of a table in the terminal: where its attention goes, and its strongest pair of words."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis import MEASURES, find_strongest_link
from attnviz.attention import Attention, Range, Trace
from attnviz.labels import visible
from attnviz.render.options import PlotOptions
from attnviz.render.plan import title_of
from attnviz.render.scale import scale_of
from attnviz.render.scene import FROM, TO, WRITES, Scene, scene
from attnviz.render.terminal.cells import heading, ltr, without_middle
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.text_layout import running

SHARES = {"previous": "prev", "self": "self", "next": "next", "sink": "first", "special": "special"}
"""The measures that the table shows, all shares of the attention from 0 to 1, and their column heads."""

MEANING = "Mean attention to the previous token, to itself, to the next, to the first, and to special tokens. "
PEAK = "peak: the weight of the strongest link between two content words, and which they are"
POOLED = "peak: the largest weight of a cell that has content words on both sides, and the tokens of that cell"
NOT_FIRST = "; in masked self-attention not the first key, where many heads park their weight"
LONGEST = 20
"""No cell of several tokens is named by more of their text, in terminal cells."""


@dataclass(frozen=True)
class Heads(Drawing):
    """A table for each kind of attention of `trace`, a line for each head, as something that rich prints."""

    trace: Trace

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(visible(title_of(self.trace)), console_options.max_width)
        for kind in self.trace.kinds:
            yield Text()
            yield from _of_kind(self.trace, kind, brush)
        yield Text()
        attentions = self.trace.attentions
        meaning = MEANING if any(a.has_all_rows for a in attentions) else ""
        meaning += POOLED if any(a.is_pooled for a in attentions) else PEAK
        meaning += NOT_FIRST if "masked-self" in self.trace.kinds else ""
        yield Text(f"{meaning}.", style="dim")


def table(trace: Trace) -> Heads:
    """A table for each kind of attention of `trace`, a line for each head, as something that rich prints."""
    return Heads(trace)


def _of_kind(trace: Trace, kind: str, brush: Brush) -> Iterator[Table | Text]:
    shown, attention = scene(trace, kind, ()), trace[kind]
    grid = Table(
        title=Text(attention.name, style="bold"), title_justify="left", title_style="", box=None, padding=(0, 1, 0, 0)
    )
    names = {(layer, head): f"L{layer}H{head}" for layer in attention.layers for head in attention.heads(layer)}
    grid.add_column("head", no_wrap=True, min_width=max(map(len, ("head", *names.values()))))
    for name, short in SHARES.items():
        if _applies(attention, name):
            grid.add_column(short, justify="right", no_wrap=True, min_width=max(len(short), 5))
    grid.add_column("peak", justify="right", no_wrap=True, min_width=5)
    for name in (FROM, TO):
        grid.add_column(name)  # a narrow terminal takes from these alone
    for layer in attention.layers:
        shares = [MEASURES[name](attention, layer) for name in SHARES if _applies(attention, name)]
        for index, head in enumerate(attention.heads(layer)):
            measured = (_share(share[index], brush) for share in shares)
            grid.add_row(Text(names[layer, head]), *measured, *_peak(trace, shown, layer, head, brush))
    yield grid
    if shown.signs:
        yield Text(shown.signs, style="dim")
    if reason := _left_out(attention):
        yield Text(reason, style="dim")


def _applies(attention: Attention, measure: str) -> bool:
    return bool(attention.layers) and not np.isnan(MEASURES[measure](attention, attention.layers[0])).all()


def _left_out(attention: Attention) -> str:
    """Why there are no shares, where rows or columns of the matrix are no single tokens, or not all of them."""
    if attention.has_all_rows:
        return ""
    rows, columns = len(attention.rows), len(attention.columns)
    what = "pooled to" if attention.is_pooled else "cut to"
    size = f"{len(attention.queries)} × {len(attention.keys)} tokens were {what} {rows} × {columns} cells"
    return f"{size}: shares of the attention need every token by itself."


def _share(value: float, brush: Brush) -> Text:
    if np.isnan(value):
        return Text("–", style="dim")
    return Text(f" {brush.number(value):>3} ", style=brush.style(int(brush.scale.indices(np.array(value)))))


def _peak(trace: Trace, shown: Scene, layer: int, head: int, brush: Brush) -> tuple[Text, ...]:
    """The strongest link of a head: its weight, its row and its column."""
    pair = find_strongest_link(shown.attention, layer, head)
    if pair is None:
        return (Text("–", style="dim"),) * 3
    a = shown.attention
    rows, columns = a.rows[pair.query], a.columns[pair.key]
    query = _cell(shown.rows[pair.query], rows, _text_of_rows(trace, a, rows))
    source = trace.read_by("encoder" if a.kind == "cross" else a.part)
    key = _cell(shown.columns[pair.key], columns, running(a.keys[slice(*columns)], source))
    return _share(pair.weight, brush), query, key


def _text_of_rows(trace: Trace, a: Attention, rows: Range) -> str:
    """What the queries `rows` read; in cross-attention what they write, since alignment is of that."""
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
