"""How far apart two heads are."""

import numpy as np

from attnviz.attention import HeadMatrices, HeadValues, Matrix

SMOOTHING = 0.001
"""So much of each row is spread over all keys, so that no logarithm is of 0."""
MOST = float(np.log(2))
"""No row is farther from another, in nats: two that have no key in common, and no smoothing."""


def head_distance(matrix: Matrix, others: HeadMatrices) -> HeadValues:
    """The distance of one head, `[row, column]`, to each of `others`, `[head, row, column]`: `[head]`, in nats.

    `Σ_i JS(A_i ‖ B_i)`, each row smoothed by `0.999·A + 0.001/n` for `n` columns, with the Jensen–Shannon divergence
    `JS(a ‖ b) = ½ Σ_j a ln(a/m) + ½ Σ_j b ln(b/m)`, `m = (a + b)/2` (Clark et al. 2019, What Does BERT Look At?,
    section 6; the smoothing is that of their code). A head compared with itself gives 0 exactly. Rows that see nothing
    in either head are left out.
    """
    a, b = _smoothed(matrix), _smoothed(others)
    middle = (a + b) / 2
    of_rows = (a * np.log(a / middle) + b * np.log(b / middle)).sum(-1) / 2  # [head, row]
    seen = (matrix > 0).any(-1) & (others > 0).any(-1)
    distances: HeadValues = np.where(seen, of_rows, 0.0).sum(-1)
    return distances


def _smoothed(weights: np.ndarray) -> np.ndarray:
    """`weights` `[…, row, column]` in float64, with a share of each row spread over its columns."""
    smoothed: np.ndarray = (1 - SMOOTHING) * weights.astype(np.float64) + SMOOTHING / weights.shape[-1]
    return smoothed
