"""How much a head looks at a query's neighbours, and at the query itself."""

import numpy as np

from attnviz.analysis.attention_mask import is_one_sequence
from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadValues


@token_measure
def previous_token(attention: Attention, layer: int) -> HeadValues:
    """Mean of `A[i, i−1]` over the rows that have this key, `[head]` (Clark et al. 2019); nan where no row has it."""
    return _at_offset(attention, layer, -1)


@token_measure
def next_token(attention: Attention, layer: int) -> HeadValues:
    """Mean of `A[i, i+1]` over the rows that have this key, `[head]` (Clark et al. 2019); nan where no row has it.

    In masked self-attention no query may look at the next token: the result is nan, since 0 would look like a choice.
    """
    if attention.kind == "masked-self":
        return np.full(len(attention.heads(layer)), np.nan)
    return _at_offset(attention, layer, 1)


@token_measure
def same_token(attention: Attention, layer: int) -> HeadValues:
    """Mean of `A[i, i]`, `[head]` (Clark et al. 2019). nan in cross-attention."""
    return _at_offset(attention, layer, 0)


def _at_offset(attention: Attention, layer: int, offset: int) -> HeadValues:
    """Mean weight at key − query = `offset`, `[head]`; nan in cross-attention, whose positions cannot be compared."""
    offset += attention.covered[0]  # a learned prefix has keys, but no rows
    diagonal = np.diagonal(attention.weights(layer), offset, axis1=1, axis2=2)  # [head, row that has the key]
    if not is_one_sequence(attention) or diagonal.shape[1] == 0:
        return np.full(len(diagonal), np.nan)
    mean: HeadValues = diagonal.mean(-1, dtype=np.float64)
    return mean
