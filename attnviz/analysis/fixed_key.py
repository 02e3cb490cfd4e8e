"""Whether a head looks at one and the same key from wherever it looks."""

import numpy as np

from attnviz.analysis.attention_mask import without_first_key
from attnviz.attention import Attention, HeadValues


def key_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's rows that peak at the key at which most of them do, `[head]`, from 0 to 1.

    The first key of masked self-attention, where every query sees it, is left out, and so are rows that see no other.
    Sinks may stand elsewhere too (Sun et al. 2024, Massive Activations in Large Language Models); ours. 0 where no row
    sees anything.
    """
    weights = attention.weights(layer) * without_first_key(attention)
    shares = np.zeros(len(weights))
    for head, matrix in enumerate(weights):
        peaks = matrix.argmax(-1)[matrix.any(-1)]
        if len(peaks):
            shares[head] = np.bincount(peaks).max() / len(peaks)
    return shares
