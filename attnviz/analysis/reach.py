"""Which keys a query may look at."""

import numpy as np

from attnviz.attention import Attention


def reach(attention: Attention) -> np.ndarray:
    """Bool `[query, key]`: true where the query may look at the key.

    In masked self-attention a query sees itself and what came before; elsewhere it sees every key. A model that
    narrows this further, by a sliding window, is not known here.
    """
    n, m = len(attention.queries), len(attention.keys)
    return np.tri(n, m, m - n, dtype=bool) if attention.kind == "masked-self" else np.ones((n, m), bool)


def one_sequence(attention: Attention) -> bool:
    """True where queries and keys are the same tokens, so that their positions can be compared."""
    return attention.kind != "cross"
