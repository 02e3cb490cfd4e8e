"""Whether a head looks at the same key from most rows."""

import numpy as np

from attnviz.attention import Attention, HeadValues
from attnviz.attention.peaks import find_peaks


def key_share(attention: Attention, layer: int) -> HeadValues:
    """The share of a head's queries that look most at the most common key, `[head]`, from 0 to 1; our own measure.

    In masked self-attention the first key, which all queries see, is not such a key. A sink can be at another key too
    (Sun et al. 2024, Massive Activations in Large Language Models). 0 where no query sees anything.
    """
    least = 1 if attention.kind == "masked-self" else 0
    keys = find_peaks(attention, layer).keys
    sees = np.maximum((keys >= 0).sum(-1), 1)
    most = np.array([np.bincount(one[one >= least], minlength=1).max() for one in keys])
    shares: HeadValues = most / sees
    return shares
