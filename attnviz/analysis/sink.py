"""How much attention one key gets from all rows; most often this is the first key."""

import numpy as np

from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadMatrices, HeadValues

SINK_THRESHOLD = 0.3
"""A head has a sink if its `α_0` is above this (Gu et al. 2024)."""


@token_measure
def sink(attention: Attention, layer: int, key: int = 0) -> HeadValues:
    """Mean attention that `key` gets from the rows `i ≥ key`, `[head]`, from 0 to 1.

    `α_k = 1/(n−k) Σ_{i≥k} A[i,k]` (Gu et al. 2024, When Attention Sink Emerges; Xiao et al. 2023), who call a key a
    sink where `α_k > 0.3`. In cross-attention all rows count. Raises SelectionError for a layer that was not captured.
    """
    first = 0 if attention.kind == "cross" else max(key - attention.covered[0], 0)
    return mean_weight(attention.weights(layer), key, first)


def mean_weight(weights: HeadMatrices, key: int = 0, first: int = 0) -> HeadValues:
    """Mean weight that the rows from index `first` give to `key`, `[head]`. `weights` are `[head, query, key]`."""
    mean: HeadValues = weights[:, first:, key].mean(-1, dtype=np.float64)
    return mean
