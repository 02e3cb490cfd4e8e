"""What the page knows of every head before it looks at one: a small picture, and sums by row and by column."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis import allowed_pairs
from attnviz.attention import Attention
from attnviz.pooling import largest
from attnviz.render.page.packing import packed, steps

SIDES = ((300, 32), (1200, 20))
"""Up to so many heads a small picture has at most so many cells a side."""
SMALLEST = 12
"""The side of the small pictures of more heads."""


@dataclass(frozen=True)
class Summary:
    """All heads of one kind, in the order of layers and heads; each field but `size` is packed.

    `pictures` are `size` cells each, `[head, row, column]`, 8 bits. `row_sums` `[head, row]` are what a row gives in
    all, on average over the queries that it covers; `received` `[head, column]` what a column is given on average by
    the rows that see it, 16 bits; `peaks` `[head, row]` the largest weight of a row, 8 bits.
    """

    size: tuple[int, int]
    pictures: str
    row_sums: str
    received: str
    peaks: str


def summarise(attention: Attention) -> Summary:
    """The summary of all heads of `attention`."""
    a, count = attention, sum(len(attention.heads(layer)) for layer in attention.layers)
    side = next((side for most, side in SIDES if count <= most), SMALLEST)
    rows, columns = _starts(len(a.rows), side), _starts(len(a.columns), side)
    seen = np.maximum(allowed_pairs(a).sum(0), 1)
    pictures, received, peaks, sums = [], [], [], []
    for layer in a.layers:
        weights = a.weights(layer)
        pictures.append(steps(largest(largest(weights, rows, 1), columns, 2), 8))
        received.append(steps(weights.sum(1, dtype=np.float64) / seen, 16))
        peaks.append(steps(weights.max(-1), 8))
        sums.append(steps(_row_sums(a, layer), 16))
    return Summary(
        (len(rows), len(columns)), *(packed(np.concatenate(parts)) for parts in (pictures, sums, received, peaks))
    )


def _row_sums(a: Attention, layer: int) -> np.ndarray:
    """What each row gives to all keys, `[head, row]`; of a row of several queries their mean."""
    if layer not in a.row_sums:
        return np.asarray(a.weights(layer).sum(-1, dtype=np.float64))
    sizes = np.array([stop - start for start, stop in a.rows])
    starts = np.cumsum(sizes) - sizes
    return np.asarray(np.add.reduceat(a.row_sums[layer], starts, axis=1, dtype=np.float64) / sizes)


def _starts(cells: int, side: int) -> np.ndarray:
    """Where each of at most `side` runs of about as many cells begins."""
    return np.unique(np.arange(min(cells, side)) * cells // min(cells, side))
