"""How sure a head is of one key."""

import numpy as np

from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadValues


@token_measure
def confidence(attention: Attention, layer: int) -> HeadValues:
    """Mean of each row's largest weight, without special keys, `[head]`, from 0 to 1.

    After Voita et al. 2019 (Analyzing Multi-Head Self-Attention), who leave out the end of the sentence. nan where
    every key is special.
    """
    keys = [index for index, token in enumerate(attention.keys) if not token.special]
    weights = attention.weights(layer)
    if not keys:
        return np.full(len(weights), np.nan)
    peaks: HeadValues = weights[:, :, keys].max(-1).mean(-1, dtype=np.float64)
    return peaks
