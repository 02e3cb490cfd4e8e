"""How widely a head spreads its attention."""

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadValues


@token_measure
def entropy(attention: Attention, layer: int) -> HeadValues:
    """Mean entropy of each head's rows, `[head]`, in nats.

    `(1/n) Σ_i −Σ_j a ln a` with `a = 0.9999·A + 0.0001/n` (Clark et al. 2019, What Does BERT Look At?). Rows
    that see nothing are left out; nan where there is no other. Raises SelectionError for a layer that was not captured.
    """
    weights = attention.weights(layer)
    return _mean(_of_rows(weights), _sees(weights))


@token_measure
def normalised_entropy(attention: Attention, layer: int) -> HeadValues:
    """Mean entropy of each head's rows over the most each could have, `[head]`: 0 looks at one key, 1 at all alike.

    Row `i` of `entropy` divided by `ln(keys that i may look at)`; rows that see one key, or nothing, are left out, and
    nan says that no other is left. The entropy is Clark et al.'s (2019); this normalisation, which makes the short
    rows of a causal model comparable with its long ones, is ours.
    """
    weights = attention.weights(layer)
    seen = allowed_pairs(attention).sum(-1)
    most = np.log(np.maximum(seen, 2))
    return _mean(_of_rows(weights) / most, _sees(weights) & (seen > 1))


def _sees(weights: np.ndarray) -> np.ndarray:
    """Bool `[head, query]`: false where a row sees nothing and is zero."""
    return np.asarray((weights > 0).any(-1))


def _of_rows(weights: np.ndarray) -> np.ndarray:
    a = 0.9999 * weights.astype(np.float64) + 0.0001 / weights.shape[-1]  # [head, query, key]
    entropies: HeadValues = -(a * np.log(a)).sum(-1)
    return entropies


def _mean(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The mean over the rows of `values` `[head, query]` that are `kept`, nan where none is."""
    count = kept.sum(-1)
    total = np.where(kept, values, 0.0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
