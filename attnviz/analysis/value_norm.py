"""Value-weighted attention: each weight times the norm of what the head adds for that key.

N[i, j] = A[i, j] · ‖f_h(x_j)‖₂ with f_h(x) = (x W_V^h + b_V^h) W_O^h, without the bias of the output (Kobayashi et al.
2020, Attention is Not Only a Weight, section 2). A head whose value for a token is short adds little for it, however
large the weight is; that is how many heads treat sinks. With grouped queries a head uses the values of its own group.
The norms are computed while the model runs, one number for each head and key, so nothing of queries × keys × features
is ever needed.
"""

from dataclasses import replace

import numpy as np

from attnviz.attention import Attention, HeadKeyNorms, HeadMatrices, Trace, single_ranges
from attnviz.errors import SelectionError


def value_norms(attention: Attention, layer: int) -> HeadKeyNorms:
    """‖f_h(x_j)‖ of the keys that the columns cover, `[head, key]`.

    Raises SelectionError for a trace without them.
    """
    if layer not in attention.value_norms:
        raise SelectionError(
            "this trace does not hold the norms of its values",
            "Trace the text again with them: attnviz trace TEXT --value-norms -o norms.safetensors",
        )
    return attention.value_norms[layer]


def value_weighted(attention: Attention, layer: int) -> HeadMatrices:
    """N of `layer`, `[head, row, key]`, in the units of the model's vectors; a row does not sum to 1.

    Raises SelectionError for a trace without value norms, if tokens were pooled, and if keys were left out: the largest
    weight of several keys says nothing about their values.
    """
    norms = value_norms(attention, layer)
    if attention.is_pooled or attention.columns != single_ranges(len(attention.keys)):
        tokens = max(len(attention.queries), len(attention.keys))
        raise SelectionError(
            "tokens of this trace were pooled or left out",
            f"Keep all when it is made: --cells {tokens}, and no --columns.",
        )
    return np.asarray(attention.weights(layer) * norms[:, None, :])


def by_value_norms(trace: Trace) -> Trace:
    """`trace` with value-weighted attention in place of weights, each row divided by its sum.

    A cell is the share of its key in Σ_j N[i, j], so that a row sums to 1 and heads of any size can be drawn on one
    scale; a row that sees nothing stays zero. A learned sink adds nothing and has no share. Raises SelectionError as
    `value_weighted` does.
    """
    attentions = tuple(
        replace(
            a,
            by_layer={layer: _shares(value_weighted(a, layer)) for layer in a.layers},
            sink_mass={},
            row_sums={},
            value_norms={},
            projections={},
        )
        for a in trace.attentions
    )
    return replace(trace, attentions=attentions)


def _shares(numbers: HeadMatrices) -> HeadMatrices:
    sums = numbers.sum(-1, keepdims=True)
    return np.asarray(numbers / np.where(sums > 0, sums, 1))
