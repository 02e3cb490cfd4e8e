"""How much attention goes to special tokens, which are not part of the text."""

import numpy as np

from attnviz.analysis.measure import token_measure
from attnviz.attention import Attention, HeadValues, count_virtual_tokens


@token_measure
def special_mass(attention: Attention, layer: int) -> HeadValues:
    """Mass on special keys (BOS, CLS, SEP, EOS, PAD, language tags), mean over rows, `[head]` (Clark et al. 2019).

    0 where the text has no special token. The virtual tokens that an adapter puts before a text do not count. Raises
    SelectionError for a layer that was not captured.
    """
    special = np.array([token.special for token in attention.keys], bool)
    special[: count_virtual_tokens(attention.keys)] = False
    mass: HeadValues = attention.weights(layer)[:, :, special].sum(-1, dtype=np.float64).mean(-1)
    return mass
