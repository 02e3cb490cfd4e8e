"""Attention flow: how much of a token of the text can reach each token of the last layer, through all layers at once.

The nodes are `(l, i)`, token i after l layers; the capacity of `(l, i) → (l−1, j)` is Ã_l[i, j], with
Ã = ½ · mean over heads of A + ½ · I. F[i, j] is the maximum flow from `(L, i)` to `(0, j)`; each row is divided by its
sum (Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers, section 3).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.layer_mix import Mix
from attnviz.analysis.method import Progress
from attnviz.errors import SelectionError

MOST_TOKENS = 128
"""The most tokens: the time grows with their fourth power."""
_UNITS = 2**30
"""Capacities are whole numbers of units, 1 being the most that leaves a token; all together fit 32 bits."""


def attention_flow(mixes: Sequence[Mix], progress: Progress | None = None) -> Mix:
    """F of the last of `mixes`, the Ã of each layer, `[query, key]`; exact to 1e-6. `progress` is called for each row.

    Raises SelectionError for more than MOST_TOKENS tokens.
    """
    tokens = len(mixes[0])
    if tokens > MOST_TOKENS:
        raise SelectionError(
            f"the text has {tokens} tokens, and method flow takes at most {MOST_TOKENS}",
            "Give it a shorter text, or take another method: --method rollout.",
        )
    capacities = np.floor(np.stack(mixes) * _UNITS).astype(np.int32)  # [layer, query, key]
    is_causal = not np.triu(capacities, 1).any()
    F = np.zeros((tokens, tokens))
    for query in range(tokens):
        for key in range(query + 1 if is_causal else tokens):
            # In a causal model only the tokens between key and query lie on a way from one to the other.
            between = slice(key, query + 1) if is_causal else slice(0, tokens)
            F[query, key] = _maximum_flow(capacities[:, between, between], query - between.start, key - between.start)
        if progress is not None:
            progress(query + 1, tokens)
    return np.asarray(F / np.maximum(F.sum(1, keepdims=True), 1e-300))


def _maximum_flow(capacities: NDArray[np.int32], query: int, key: int) -> int:
    """The maximum flow from token `query` after the last layer to token `key` of the text, in units."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    layers, tokens, _ = capacities.shape
    layer, row, column = np.nonzero(capacities)
    nodes = (layers + 1) * tokens
    ends = (layer + 1) * tokens + row, layer * tokens + column
    graph = csr_array((capacities[layer, row, column], ends), shape=(nodes, nodes))
    return int(maximum_flow(graph, layers * tokens + query, key).flow_value)
