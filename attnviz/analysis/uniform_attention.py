"""The baseline of a measure: what it gives for uniform attention over all visible keys."""

from dataclasses import replace
from typing import Any

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.analysis.measure import Measure
from attnviz.attention import BY_QUERY, Attention


def uniform_attention(attention: Attention) -> Attention:
    """Head 0 of layer 0 over the same tokens; each row gives the same weight to every key that it may look at."""
    allowed = allowed_pairs(attention).astype(np.float64)
    weights = (allowed / np.maximum(allowed.sum(-1, keepdims=True), 1)).astype(np.float32)
    others: dict[str, Any] = {name: {} for name in (*BY_QUERY, "groups", "value_norms", "projections")}
    return replace(attention, by_layer={0: weights[None]}, head_numbers={0: (0,)}, **others)


def baseline(attention: Attention, measure: Measure) -> float:
    """`measure` of uniform attention; nan where it does not apply."""
    return float(measure(uniform_attention(attention), 0)[0])
