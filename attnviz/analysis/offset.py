"""Whether a head looks a fixed number of tokens away."""

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Attention, CellFlags, HeadValues
from attnviz.attention.peaks import find_peaks


def best_offset(attention: Attention, layer: int) -> HeadValues:
    """The offset key − query at which most of a head's queries look most, int `[head]`; the nearest to 0 of equal ones.

    After Clark et al. 2019, who compare a head with the best fixed offset. In cross-attention each position is counted
    from the start of its sequence.
    """
    return np.array([_most_common(offsets)[0] for offsets in _offsets(attention, layer)], int)


def offset_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's queries that look most at its `best_offset`, `[head]`, from 0 to 1."""
    queries = len(attention.covered)
    return np.array([_most_common(offsets)[1] / queries for offsets in _offsets(attention, layer)], float)


def separate_cells(attention: Attention) -> CellFlags:
    """Bool `[row, column]`: false where the tokens of a row and a column overlap or touch and one has several tokens.

    The largest weight of such a cell may be from a token to itself or to its neighbour.
    """
    row_sizes, column_sizes = (
        np.array([stop - start for start, stop in a], int) for a in (attention.rows, attention.columns)
    )
    return np.asarray(~_touching(attention) | ((row_sizes == 1)[:, None] & (column_sizes == 1)))


def _touching(attention: Attention) -> np.ndarray:
    """Bool `[row, column]`: true where the positions of a cell's queries and keys overlap or touch."""
    rows, columns = (np.array(ranges, int) for ranges in (attention.rows, attention.columns))
    return np.asarray((columns[:, 0] <= rows[:, 1:]) & (columns[:, 1] >= rows[:, :1]))


def _offsets(attention: Attention, layer: int) -> list[NDArray[np.int64]]:
    """For each head the offset at which each query looks most, int `[query]`, of the queries that see something."""
    queries = np.array(attention.covered, int)
    return [(keys - queries)[keys >= 0] for keys in find_peaks(attention, layer).keys]


def _most_common(offsets: NDArray[np.int64]) -> tuple[int, int]:
    """The most common of `offsets`, and how often it occurs."""
    if not len(offsets):
        return 0, 0
    values, counts = np.unique(offsets, return_counts=True)
    best = max(range(len(values)), key=lambda index: (counts[index], -abs(values[index])))
    return int(values[best]), int(counts[best])
