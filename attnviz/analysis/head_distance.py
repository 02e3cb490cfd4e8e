"""The distance of two heads."""

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import HeadValues

Weights = NDArray[np.float32] | NDArray[np.float64]

SMOOTHING = 0.001
"""The share of each row that is spread over all keys, so that no logarithm of 0 is taken."""
MOST = float(np.log(2))
"""The largest distance of two rows, in nats: that of rows with no key in common, without smoothing."""


def head_distance(matrix: Weights, others: Weights) -> HeadValues:
    """The distance of one head, `[row, column]`, to each of `others`, `[head, row, column]`: `[head]`, in nats.

    `Σ_i JS(A_i ‖ B_i)`, each row smoothed by `0.999·A + 0.001/n` for `n` columns, with the Jensen–Shannon divergence
    `JS(a ‖ b) = ½ Σ_j a ln(a/m) + ½ Σ_j b ln(b/m)`, `m = (a + b)/2` (Clark et al. 2019, What Does BERT Look At?,
    section 6; the smoothing is that of their code). The distance of a head from itself is exactly 0. Rows that see
    nothing in one of the heads are left out.
    """
    a, b = _smoothed(matrix), _smoothed(others)
    middle = (a + b) / 2
    of_rows = (a * np.log(a / middle) + b * np.log(b / middle)).sum(-1) / 2  # [head, row]
    seen = (matrix > 0).any(-1) & (others > 0).any(-1)
    distances: HeadValues = np.where(seen, of_rows, 0.0).sum(-1)
    return distances


def _smoothed(weights: Weights) -> NDArray[np.float64]:
    """`weights` `[…, row, column]` in float64, with a share of each row spread over its columns."""
    smoothed: NDArray[np.float64] = (1 - SMOOTHING) * weights.astype(np.float64) + SMOOTHING / weights.shape[-1]
    return smoothed
