"""How much a head looks at earlier copies of the query's token, or at the tokens that followed them."""

import numpy as np

from attnviz.analysis.attention_mask import is_one_sequence
from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, CellFlags, HeadValues


@token_measure
def duplicate_token(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's attention that goes to earlier copies of the query's token, `[head]`.

    `Σ A⊙P / Σ A` with `P[i, j] = 1` where `token[i] = token[j]` and `j < i` (TransformerLens, `detect_head`). nan in
    cross-attention, and where no token is repeated.
    """
    same, earlier = _same_and_earlier(attention)
    return _share(attention, layer, same & earlier)


@token_measure
def induction(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's attention that goes to tokens that followed an earlier copy of the query's, `[head]`.

    `Σ A⊙P / Σ A` with `P[i, j] = 1` where `token[j−1] = token[i]` and `1 ≤ j ≤ i` (TransformerLens, `detect_head`; the
    induction heads of Elhage et al. 2021 and Olsson et al. 2022). nan in cross-attention, and where no token is
    repeated.
    """
    same, earlier = _same_and_earlier(attention)
    after = np.zeros_like(same)
    after[:, 1:] = (same & earlier)[:, :-1]
    return _share(attention, layer, after)


def _same_and_earlier(attention: Attention) -> tuple[CellFlags, CellFlags]:
    """Bool `[row, key]`: where query and key are the same token of the vocabulary; where the key comes first."""
    rows, keys = np.array(attention.covered, int), np.array([token.id for token in attention.keys])
    if not is_one_sequence(attention):
        none = np.zeros((len(rows), len(keys)), bool)
        return none, none
    return np.asarray(keys[rows][:, None] == keys), np.asarray(np.arange(len(keys)) < rows[:, None])


def _share(attention: Attention, layer: int, pairs: CellFlags) -> HeadValues:
    """`Σ A⊙P / Σ A`, `[head]`; nan where `pairs` is empty, or where the head gives no attention."""
    weights = attention.weights(layer).astype(np.float64)
    total = weights.sum((1, 2))
    mass = (weights * pairs).sum((1, 2))
    return np.where((total > 0) & pairs.any(), mass / np.where(total > 0, total, 1), np.nan)
