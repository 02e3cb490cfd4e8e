"""Attention rollout: from which tokens of the text each token is mixed, layer after layer.

    R_1 = Ã_1,    R_l = Ã_l · R_{l−1},    with Ã_l = ½ · mean over heads of A_l + ½ · I

(Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers, section 3, equation 1). Half of each layer's mix is
the residual connection. Where the model is causal, uniform attention alone already gives the first tokens most of each
row, as the same paper says of receptive fields: `analysis.layer_mix` puts its rollout beside it.
"""

from collections.abc import Sequence

import numpy as np

from attnviz.analysis.layer_mix import Mix
from attnviz.analysis.method import Progress


def attention_rollout(mixes: Sequence[Mix], progress: Progress | None = None) -> Mix:
    """R of the last of `mixes`, the Ã of each layer, `[query, key]`. The rows of R sum to 1 where those of Ã do."""
    R = np.eye(len(mixes[0]))
    for mix in mixes:
        R = mix @ R
    return R
