"""Every head as a line of a table in the terminal: where its attention goes, and its strongest pair of words."""

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnviz.analysis import MEASURES, strongest
from attnviz.attention import Attention, Trace
from attnviz.labels import visible
from attnviz.render.cells import colour, number
from attnviz.render.colours import shade
from attnviz.render.plan import title_of
from attnviz.render.scene import Scene, scene

SHARES = {"previous": "prev", "self": "self", "next": "next", "sink": "first", "special": "special"}
"""The measures that the table shows, all shares of the attention from 0 to 1, and their column heads."""

MEANING = (
    "Mean attention to the previous token, to itself, to the next, to the first, and to special tokens; "
    "then the weight of the strongest link between two content words, and that pair (from → to)."
)


def table(trace: Trace) -> RenderableType:
    """A table for each kind of attention of `trace`, a line for each head."""
    tables = [_of_kind(scene(trace, kind, ())) for kind in trace.kinds]
    return Group(Text(visible(title_of(trace)), style="bold"), *tables, Text(MEANING, style="dim"))


def _of_kind(shown: Scene) -> Table:
    attention = shown.attention
    grid = Table(title=Text(attention.name), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    grid.add_column("head", no_wrap=True, min_width=4)
    for name, heading in SHARES.items():
        if _applies(attention, name):
            grid.add_column(heading, justify="right", no_wrap=True, min_width=max(len(heading), 5))
    grid.add_column("peak", justify="right", no_wrap=True, min_width=5)
    grid.add_column("strongest pair", overflow="ellipsis", no_wrap=True)
    for layer in attention.layers:
        shares = [MEASURES[name](attention, layer) for name in SHARES if _applies(attention, name)]
        for at, head in enumerate(attention.heads(layer)):
            grid.add_row(Text(f"L{layer}H{head}"), *(_share(share[at]) for share in shares), *_pair(shown, layer, head))
    return grid


def _applies(attention: Attention, measure: str) -> bool:
    return bool(attention.layers) and not np.isnan(MEASURES[measure](attention, attention.layers[0])).all()


def _share(value: float) -> Text:
    if np.isnan(value):
        return Text("–", style="dim")
    return Text(f" {number(value):>3} ", style=colour(int(shade(np.array(value), 1.0))))


def _pair(shown: Scene, layer: int, head: int) -> tuple[Text, Text]:
    pair = strongest(shown.attention, layer, head)
    if pair is None:
        return Text("–", style="dim"), Text("–", style="dim")
    of_cross = shown.attention.kind == "cross" and shown.attention.predicts is not None
    written = shown.attention.predicts[pair.query] if of_cross and shown.attention.predicts else None
    query = visible((written or shown.attention.queries[pair.query]).text)  # alignment is read off the token written
    return _share(pair.weight), Text(f"{query} → {shown.columns[pair.key]}")
