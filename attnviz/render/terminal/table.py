"""Every head as a line of a table in the terminal: where its attention goes, and its strongest pair of words."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis import MEASURES, strongest
from attnviz.attention import Attention, Trace
from attnviz.labels import visible
from attnviz.render.look import Look
from attnviz.render.numbers import number
from attnviz.render.plan import title_of
from attnviz.render.scale import scale_of
from attnviz.render.scene import Scene, scene
from attnviz.render.terminal.cells import heading, ltr
from attnviz.render.terminal.colours import Brush

SHARES = {"previous": "prev", "self": "self", "next": "next", "sink": "first", "special": "special"}
"""The measures that the table shows, all shares of the attention from 0 to 1, and their column heads."""

MEANING = "Mean attention to the previous token, to itself, to the next, to the first, and to special tokens; then "
PAIR = "the weight of the strongest link between two content words, and that pair (from → to)."


@dataclass(frozen=True)
class Heads:
    """A table for each kind of attention of `trace`, a line for each head, as something that rich prints."""

    trace: Trace

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        brush = Brush.on(console, scale_of(Look(), [1.0]))
        yield heading(visible(title_of(self.trace)), options.max_width)
        for kind in self.trace.kinds:
            yield Text()
            yield from _of_kind(scene(self.trace, kind, ()), brush)
        yield Text()
        meaning = MEANING + PAIR if any(a.is_whole for a in self.trace.attentions) else f"{PAIR[0].upper()}{PAIR[1:]}"
        yield Text(meaning, style="dim")


def table(trace: Trace) -> Heads:
    """A table for each kind of attention of `trace`, a line for each head, as something that rich prints."""
    return Heads(trace)


def _of_kind(shown: Scene, brush: Brush) -> Iterator[Table | Text]:
    attention = shown.attention
    grid = Table(
        title=Text(attention.name, style="bold"), title_justify="left", title_style="", box=None, padding=(0, 1, 0, 0)
    )
    grid.add_column("head", no_wrap=True, min_width=4)
    for name, short in SHARES.items():
        if _applies(attention, name):
            grid.add_column(short, justify="right", no_wrap=True, min_width=max(len(short), 5))
    grid.add_column("peak", justify="right", no_wrap=True, min_width=5)
    grid.add_column("strongest pair", overflow="ellipsis", no_wrap=True)
    for layer in attention.layers:
        shares = [MEASURES[name](attention, layer) for name in SHARES if _applies(attention, name)]
        for at, head in enumerate(attention.heads(layer)):
            measured = (_share(share[at], brush) for share in shares)
            grid.add_row(Text(f"L{layer}H{head}"), *measured, *_pair(shown, layer, head, brush))
    yield grid
    if reason := _left_out(attention):
        yield Text(reason, style="dim")


def _applies(attention: Attention, measure: str) -> bool:
    return bool(attention.layers) and not np.isnan(MEASURES[measure](attention, attention.layers[0])).all()


def _left_out(attention: Attention) -> str:
    """Why there are no shares, where rows or columns of the matrix are no single tokens, or not all of them."""
    if attention.is_whole:
        return ""
    rows, columns = len(attention.rows), len(attention.columns)
    what = "pooled to" if attention.is_pooled else "cut to"
    size = f"{len(attention.queries)} × {len(attention.keys)} tokens were {what} {rows} × {columns} cells"
    return f"{size}: shares of the attention need every token by itself."


def _share(value: float, brush: Brush) -> Text:
    if np.isnan(value):
        return Text("–", style="dim")
    return Text(f" {number(value):>3} ", style=brush.style(int(brush.scale.indices(np.array(value)))))


def _pair(shown: Scene, layer: int, head: int, brush: Brush) -> tuple[Text, Text]:
    pair = strongest(shown.attention, layer, head)
    if pair is None:
        return Text("–", style="dim"), Text("–", style="dim")
    return _share(pair.weight, brush), Text(ltr(f"{_query(shown, pair.query)} → {shown.columns[pair.key]}"))


def _query(shown: Scene, row: int) -> str:
    """The token of a row; in cross-attention the token that is written there, for alignment is read off that."""
    attention = shown.attention
    start, stop = attention.rows[row]
    if stop - start > 1:
        return shown.rows[row]
    written = attention.predicts[start] if attention.kind == "cross" and attention.predicts is not None else None
    return visible((written or attention.queries[start]).text)
