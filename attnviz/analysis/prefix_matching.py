"""Prefix matching: how much a head looks at the token that followed an earlier copy of its query."""

import numpy as np

from attnviz.attention import HeadMatrices, HeadValues


def prefix_matching(weights: HeadMatrices, length: int) -> HeadValues:
    """Mean of `A[i, i − (length − 1)]` over the second half of a text `[x; x]`, where x has `length` tokens, `[head]`.

    That key followed the earlier copy of the query's token (Olsson et al. 2022, In-context Learning and Induction
    Heads). `weights` are `[head, 2 · length, 2 · length]`.
    """
    stripe = np.diagonal(weights, 1 - length, axis1=1, axis2=2)[:, 1:]  # from row `length` on
    mean: HeadValues = stripe.mean(-1, dtype=np.float64)
    return mean
