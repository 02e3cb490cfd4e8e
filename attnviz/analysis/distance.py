"""How far a head looks."""

import numpy as np

from attnviz.analysis.attention_mask import is_one_sequence
from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadValues


@token_measure
def distance(attention: Attention, layer: int) -> HeadValues:
    """Mean distance between query and key, weighted by attention, `[head]`, in tokens.

    `Σ A[i,j]·|i−j| / Σ A[i,j]` (Vig & Belinkov 2019). nan for cross-attention, whose queries and keys are different
    sequences, and for a head that gives no attention. Raises SelectionError for a layer that was not captured.
    """
    weights = attention.weights(layer).astype(np.float64)
    if not is_one_sequence(attention):
        return np.full(len(weights), np.nan)
    distances = np.abs(np.array(attention.covered)[:, None] - np.arange(weights.shape[2]))  # [query, key]
    total = weights.sum((1, 2))
    return np.where(total > 0, (weights * distances).sum((1, 2)) / np.where(total > 0, total, 1), np.nan)
