"""Whether a head merely looks a fixed number of tokens away."""

import numpy as np

from attnviz.attention import Attention, CellFlags, HeadValues


def best_offset(attention: Attention, layer: int) -> HeadValues:
    """The offset key − query at which most of a head's rows peak, int `[head]`; of several the one nearest to 0.

    After Clark et al. 2019, who compare a head with the best fixed offset. In cross-attention both positions are
    counted from the start of their own sequence; a cell of several tokens stands where it starts,
    and offsets are in steps of the largest cell.
    """
    return np.array([_most_common(offsets)[0] for offsets in _offsets(attention, layer)], int)


def offset_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's rows that peak at its `best_offset`, `[head]`, from 0 to 1. Rows that see nothing count."""
    rows = len(attention.rows)
    return np.array([_most_common(offsets)[1] / rows for offsets in _offsets(attention, layer)], float)


def beside_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's rows that peak in a cell which overlaps their own or lies beside it, `[head]`; ours.

    In a pooled matrix a head that looks a fixed few tokens away peaks there: in its own cell, or where that ends, in
    the next one.
    """
    peaks = attention.weights(layer).argmax(-1)  # [head, row]
    shares: HeadValues = _beside(attention)[np.arange(peaks.shape[1]), peaks].mean(-1)
    return shares


def apart(attention: Attention) -> CellFlags:
    """Bool `[row, column]`: false where a cell of several tokens overlaps that of the other side, or lies beside it.

    Its largest weight may as well be from a token to itself or to its neighbour.
    """
    row_sizes, column_sizes = (
        np.array([stop - start for start, stop in a], int) for a in (attention.rows, attention.columns)
    )
    return np.asarray(~_beside(attention) | ((row_sizes == 1)[:, None] & (column_sizes == 1)))


def _beside(attention: Attention) -> np.ndarray:
    """Bool `[row, column]`: true where a cell's queries and keys overlap or follow each other, by position."""
    rows, columns = (np.array(ranges, int) for ranges in (attention.rows, attention.columns))
    return np.asarray((columns[:, 0] <= rows[:, 1:]) & (columns[:, 1] >= rows[:, :1]))


def _offsets(attention: Attention, layer: int) -> HeadValues:
    cells = attention.rows, attention.columns
    size = max((stop - start for ranges in cells for start, stop in ranges), default=1)
    rows, columns = (np.array([-(-start // size) * size for start, _ in ranges], int) for ranges in cells)
    offsets: np.ndarray = columns[attention.weights(layer).argmax(-1)] - rows  # [head, row]
    return offsets


def _most_common(offsets: np.ndarray) -> tuple[int, int]:
    values, counts = np.unique(offsets, return_counts=True)
    best = max(range(len(values)), key=lambda index: (counts[index], -abs(values[index])))
    return int(values[best]), int(counts[best])
