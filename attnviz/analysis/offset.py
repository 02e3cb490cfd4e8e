"""Whether a head looks a fixed number of tokens away."""

import numpy as np

from attnviz.attention import Attention, CellFlags, HeadValues
from attnviz.attention.peaks import find_peaks


def best_offset(attention: Attention, layer: int) -> HeadValues:
    """The offset key − query at which most of a head's queries look most, int `[head]`; the nearest to 0 of equal ones.

    After Clark et al. 2019, who compare a head with the best fixed offset. In cross-attention each position is counted
    from the start of its sequence.
    """
    return _most_common(attention, layer)[0]


def offset_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's queries that look most at its `best_offset`, `[head]`, from 0 to 1."""
    return np.asarray(_most_common(attention, layer)[1] / len(attention.covered), float)


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


def _most_common(attention: Attention, layer: int) -> tuple[HeadValues, HeadValues]:
    """The most common offset at which the queries of each head look most, and of how many queries, both int `[head]`.

    Queries that see nothing do not count; 0 and 0 where none sees anything.
    """
    queries, keys = np.array(attention.covered, int), find_peaks(attention, layer).keys
    least, most = -int(queries.max(initial=0)), len(attention.keys)
    offsets = np.arange(least, most)
    places = np.where(keys >= 0, keys - queries - least, len(offsets))  # the last place is for those that see nothing
    rows = np.arange(len(keys))[:, None] * (len(offsets) + 1)
    counts = np.bincount((rows + places).ravel(), minlength=len(keys) * (len(offsets) + 1))
    counts = counts.reshape(len(keys), len(offsets) + 1)[:, :-1]
    nearest = np.argsort(np.abs(offsets), kind="stable")
    best = nearest[counts[:, nearest].argmax(1)]  # of equal counts the first, which is the nearest to 0
    return offsets[best], counts.max(1, initial=0)
