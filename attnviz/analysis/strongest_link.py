"""The strongest link of a head between two content words."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import without_first_key
from attnviz.analysis.content_words import content_pairs
from attnviz.attention import Attention, CellFlags, Matrix


@dataclass(frozen=True)
class StrongestLink:
    """The largest weight of one head between content words: from row `row` to column `column`, both indices."""

    row: int
    column: int
    weight: float


def find_strongest_link(attention: Attention, layer: int, head: int) -> StrongestLink | None:
    """The largest weight from one content word to a different one; None where the text does not have two.

    As in `choose_head`, the first key of masked self-attention counts only if there is no other. Of equal weights, the
    first, by row and then by column. Raises SelectionError for a layer or head that was not captured.
    """
    return _largest(attention.matrix(layer, head), _counted_pairs(attention))


def find_strongest_links(attention: Attention, layer: int) -> list[StrongestLink | None]:
    """The same for each head of a layer, `[head]`. Raises SelectionError for a layer that was not captured."""
    pairs = _counted_pairs(attention)
    return [_largest(matrix, pairs) for matrix in attention.weights(layer)]


def _counted_pairs(attention: Attention) -> CellFlags:
    pairs = content_pairs(attention)
    others = pairs & without_first_key(attention)
    return others if others.any() else pairs


def _largest(matrix: Matrix, pairs: CellFlags) -> StrongestLink | None:
    """The largest weight of `matrix` among `pairs`."""
    if not pairs.any():
        return None
    row, column = np.unravel_index(np.where(pairs, matrix, -1.0).argmax(), matrix.shape)
    return StrongestLink(int(row), int(column), float(matrix[row, column]))
