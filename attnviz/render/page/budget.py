"""A page that is no larger than it may be: where it would be, its cells cover more tokens."""

from dataclasses import replace

from attnviz.attention import Trace
from attnviz.errors import PlotOptionError
from attnviz.pooling import pool_ranges, reduce_attention
from attnviz.render.page.contents import Contents, contents_of

MAX_MB = 25.0
"""Megabytes that a page may have, where nothing else is said: most e-mail services carry so much."""
FEWEST = 16
"""Cells a side; a page of heads smaller than that would show nothing."""
MEGABYTE = 1e6


def fit(trace: Trace, exact: bool, max_mb: float, source: str | None = None) -> tuple[Contents, tuple[str, ...]]:
    """The contents of the page of `trace`, at most `max_mb` of weights, and what was done to meet that.

    Cells are pooled by their largest weight, to half as many a side until they fit. Raises PlotOptionError where that
    leaves nothing to see.
    """
    contents = contents_of(trace, exact, source)
    size, cells = contents.size, max(max(len(a.rows), len(a.columns)) for a in trace.attentions)
    notes: tuple[str, ...] = ()
    while contents.size > max_mb * MEGABYTE:
        cells //= 2
        if cells < FEWEST:
            message = f"the page cannot be as small as {max_mb:g} MB: with all its heads it is {size / MEGABYTE:.1f} MB"
            raise PlotOptionError(message, "Allow more with --max-mb, or name layers: --layer 0-5.")
        pooled = _pooled(trace, cells)
        notes = (
            f"pooled to at most {cells} × {cells} cells, each of its largest weight, to be smaller than {max_mb:g} MB:"
            f" without that the page would be {size / MEGABYTE:.0f} MB (--max-mb)",
        )
        contents = contents_of(pooled, exact, source, notes)
    return contents, notes


def _pooled(trace: Trace, cells: int) -> Trace:
    """`trace` with at most so many rows and columns."""
    attentions = tuple(
        reduce_attention(a, pool_ranges(a.rows, len(a.queries), cells), pool_ranges(a.columns, len(a.keys), cells))
        for a in trace.attentions
    )
    return replace(trace, attentions=attentions)
