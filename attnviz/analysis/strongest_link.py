"""The strongest link that a head draws between two content words."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import without_first_key
from attnviz.analysis.content_words import content_pairs
from attnviz.attention import Attention


@dataclass(frozen=True)
class StrongestLink:
    """Query `query` (a row number) gives key `key` (a column number) the weight `weight`."""

    query: int
    key: int
    weight: float


def find_strongest_link(attention: Attention, layer: int, head: int) -> StrongestLink | None:
    """The largest weight from one content word to a different one, or None where the text has no two of them.

    As for `choose_head`, the first key of masked self-attention counts only where there is no other. Where several
    weights are the largest, the first of them, by row and then by column. Raises SelectionError for a layer or head
    that was not captured.
    """
    matrix, pairs = attention.matrix(layer, head), content_pairs(attention)
    others = pairs & without_first_key(attention)
    pairs = others if others.any() else pairs
    if not pairs.any():
        return None
    query, key = np.unravel_index(np.where(pairs, matrix, -1.0).argmax(), matrix.shape)
    return StrongestLink(int(query), int(key), float(matrix[query, key]))
