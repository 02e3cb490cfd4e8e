"""A page that is no larger than it may be: if need be without queries and keys, and with cells of more tokens."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from attnviz.attention import Range, Token, Trace
from attnviz.errors import PlotOptionError
from attnviz.pooling import pool_ranges, reduce_attention
from attnviz.render.page.assembly import assemble
from attnviz.render.page.contents import contents_of

MAX_MB = 25.0
"""Megabytes that a page may have, where nothing else is said: most e-mail services carry so much."""
FEWEST = 16
"""Cells a side; a page of heads smaller than that would show nothing."""


def megabytes(page: str) -> float:
    """How large a page is as a file, in 10⁶ bytes."""
    return len(page.encode()) / 1e6


def fit(traces: Sequence[Trace], max_mb: float, **told: Any) -> tuple[str, tuple[str, ...]]:
    """The page of `traces` as HTML of at most `max_mb`, and what was done to meet that; `told` are for `contents_of`.

    Queries and keys are left out first. Then cells are pooled by their largest weight, to half as many a side until the
    page fits. Raises PlotOptionError where that leaves nothing to see.
    """
    page = assemble(contents_of(traces, **told))
    notes: tuple[str, ...] = ()
    layers = sorted({layer for trace in traces for a in trace.attentions for layer in a.projections})
    if layers and megabytes(page) > max_mb:
        notes = (
            f"the queries and keys of layer {', '.join(map(str, layers))} are left out, to be smaller than"
            f" {max_mb:g} MB: with them the page would be {megabytes(page):.1f} MB (--max-mb)",
        )
        page = assemble(contents_of(traces, notes=notes, neurons=False, **told))
    size, cells = megabytes(page), max(max(len(a.rows), len(a.columns)) for trace in traces for a in trace.attentions)
    left_out = notes
    while megabytes(page) > max_mb:
        cells //= 2
        if cells < FEWEST:
            message = f"the page cannot be as small as {max_mb:g} MB: with all its heads it is {size:.1f} MB"
            raise PlotOptionError(message, "Allow more with --max-mb, or name layers: --layer 0-5.")
        notes = (
            *left_out,
            f"pooled to at most {cells} × {cells} cells, each of its largest weight, to be smaller than {max_mb:g} MB:"
            f" without that the page would be {size:.1f} MB (--max-mb)",
        )
        page = assemble(contents_of([_pooled(trace, cells) for trace in traces], notes=notes, **told))
    return page, notes


def _pooled(trace: Trace, cells: int) -> Trace:
    """`trace` with at most so many rows and columns."""
    attentions = tuple(
        reduce_attention(a, _joined(a.rows, a.queries, cells), _joined(a.columns, a.keys, cells))
        for a in trace.attentions
    )
    return replace(trace, attentions=attentions)


def _joined(ranges: Sequence[Range], tokens: Sequence[Token], cells: int) -> tuple[Range, ...]:
    """At most so many ranges; the first token and special ones stay apart, so that they can be taken out."""
    apart = {0, *(index for index, token in enumerate(tokens) if token.special)}
    return pool_ranges(ranges, len(tokens), cells, apart)
