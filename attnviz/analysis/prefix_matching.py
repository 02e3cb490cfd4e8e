"""Prefix matching: how much a head looks at what came after the same token before."""

import numpy as np

from attnviz.attention import HeadMatrices, HeadValues


def prefix_matching(weights: HeadMatrices, length: int) -> HeadValues:
    """Mean of `A[i, i − (length − 1)]` over the second half of `[x; x]`, x being `length` tokens, `[head]`.

    What came after the same token before (Olsson et al. 2022, In-context Learning and Induction Heads). `weights` are
    `[head, 2 · length, 2 · length]`.
    """
    stripe = np.diagonal(weights, 1 - length, axis1=1, axis2=2)[:, 1:]  # from row `length` on
    mean: HeadValues = stripe.mean(-1, dtype=np.float64)
    return mean
