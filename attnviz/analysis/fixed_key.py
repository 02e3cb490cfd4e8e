"""Whether a head looks at the same key from most rows."""

import numpy as np

from attnviz.analysis.attention_mask import without_first_key
from attnviz.attention import Attention, HeadValues


def key_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's rows that peak at the most common key, `[head]`, from 0 to 1; our own measure.

    In masked self-attention the first key, which every query sees, is left out, and so are rows that see no other.
    A sink can be at another key too (Sun et al. 2024, Massive Activations in Large Language Models). 0 where no row
    sees anything.
    """
    weights = attention.weights(layer) * without_first_key(attention)
    shares = np.zeros(len(weights))
    for head, matrix in enumerate(weights):
        peaks = matrix.argmax(-1)[matrix.any(-1)]
        if len(peaks):
            shares[head] = np.bincount(peaks).max() / len(peaks)
    return shares
