"""Whether a head looks a fixed number of tokens away."""

import numpy as np

from attnviz.attention import Attention, CellFlags, HeadValues


def best_offset(attention: Attention, layer: int) -> HeadValues:
    """The offset key − query at which most of a head's rows peak, int `[head]`; of equal ones, the nearest to 0.

    After Clark et al. 2019, who compare a head with the best fixed offset. In cross-attention each position is counted
    from the start of its sequence. The position of a cell of several tokens is that of its first token, and offsets
    are in steps of the largest cell.
    """
    return np.array([_most_common(offsets)[0] for offsets in _offsets(attention, layer)], int)


def offset_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's rows that peak at its `best_offset`, `[head]`, from 0 to 1. Rows that see nothing count."""
    rows = len(attention.rows)
    return np.array([_most_common(offsets)[1] / rows for offsets in _offsets(attention, layer)], float)


def neighbour_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's rows that peak in their own cell or a neighbouring one, `[head]`; our own measure.

    In a pooled matrix, this is where a head peaks that looks a few tokens away.
    """
    peaks = attention.weights(layer).argmax(-1)  # [head, row]
    shares: HeadValues = _touching(attention)[np.arange(peaks.shape[1]), peaks].mean(-1)
    return shares


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


def _offsets(attention: Attention, layer: int) -> HeadValues:
    """The offset at which each row peaks, int `[head, row]`."""
    cells = attention.rows, attention.columns
    size = max((stop - start for ranges in cells for start, stop in ranges), default=1)
    rows, columns = (np.array([-(-start // size) * size for start, _ in ranges], int) for ranges in cells)
    offsets: np.ndarray = columns[attention.weights(layer).argmax(-1)] - rows  # [head, row]
    return offsets


def _most_common(offsets: np.ndarray) -> tuple[int, int]:
    """The most common of `offsets`, and how often it occurs."""
    values, counts = np.unique(offsets, return_counts=True)
    best = max(range(len(values)), key=lambda index: (counts[index], -abs(values[index])))
    return int(values[best]), int(counts[best])
