"""How much attention is parked on one key, most often the first."""

import numpy as np

from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadMatrices, HeadValues

SINKS = 0.3
"""A head sinks where its `α_0` is above this (Gu et al. 2024)."""


@token_measure
def sink(attention: Attention, layer: int, key: int = 0) -> HeadValues:
    """Mean attention that `key` gets from the rows that could give it, `[head]`, from 0 to 1.

    `α_k = 1/(n−k) Σ_{i≥k} A[i,k]` (Gu et al. 2024, When Attention Sink Emerges; Xiao et al. 2023); they say that a head
    sinks where `α_0 > 0.3`. In cross-attention every row could, and counts. Raises SelectionError for a layer that was
    not captured.
    """
    first = 0 if attention.kind == "cross" else max(key - attention.covered[0], 0)
    return mean_weight(attention.weights(layer), key, first)


def mean_weight(weights: HeadMatrices, key: int = 0, first: int = 0) -> HeadValues:
    """Mean weight that the rows from `first` on give to `key`, `[head]`. `weights` are `[head, query, key]`."""
    mean: HeadValues = weights[:, first:, key].mean(-1, dtype=np.float64)
    return mean
