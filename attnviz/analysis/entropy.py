"""How widely a head spreads its attention."""

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadValues


@token_measure
def entropy(attention: Attention, layer: int) -> HeadValues:
    """Mean entropy of each head's rows, `[head]`, in nats.

    `(1/n) Σ_i −Σ_j a ln a` with `a = 0.9999·A + 0.0001/n` (Clark et al. 2019, What Does BERT Look At?). Rows
    that see nothing are left out; nan where no row is left. Raises SelectionError for a layer that was not captured.
    """
    weights = attention.weights(layer)
    return _mean(_row_entropies(weights), _sees_a_key(weights))


@token_measure
def normalised_entropy(attention: Attention, layer: int) -> HeadValues:
    """Mean entropy of each head's rows, divided by its maximum, `[head]`: 0 looks at one key, 1 at all keys equally.

    Row `i` of `entropy` is divided by `ln(keys that i may look at)`. Rows that see one key, or nothing, are left out;
    nan where no row is left. The entropy is that of Clark et al. (2019). The normalisation is ours: it makes the short
    rows of a causal model comparable with its long ones.
    """
    weights = attention.weights(layer)
    visible = allowed_pairs(attention).sum(-1)
    maximum = np.log(np.maximum(visible, 2))
    return _mean(_row_entropies(weights) / maximum, _sees_a_key(weights) & (visible > 1))


def _sees_a_key(weights: np.ndarray) -> np.ndarray:
    """Bool `[head, query]`: false where a row sees nothing and is zero."""
    return np.asarray((weights > 0).any(-1))


def _row_entropies(weights: np.ndarray) -> np.ndarray:
    """The entropy of each row, `[head, query]`, in nats."""
    a = 0.9999 * weights.astype(np.float64) + 0.0001 / weights.shape[-1]  # [head, query, key]
    entropies: HeadValues = -(a * np.log(a)).sum(-1)
    return entropies


def _mean(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean of `values` `[head, query]` over the rows where bool `counts` is true, `[head]`; nan where there is none."""
    count = counts.sum(-1)
    total = np.where(counts, values, 0.0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
