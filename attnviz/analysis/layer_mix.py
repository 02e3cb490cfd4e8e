"""What each layer mixes a token from, Ã = ½ · mean over heads of A + ½ · I, for methods that combine all layers."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.method import Progress
from attnviz.attention import BY_QUERY, Attention, Trace, format_ranges
from attnviz.errors import SelectionError

Mix = NDArray[np.float64]
"""Ã of one layer, or a product of several, `[query, key]`."""
Combine = Callable[[Sequence[Mix], Progress | None], Mix]


def combine_layers(
    name: str, combine: Combine, trace: Trace, layer: int | None = None, progress: Progress | None = None
) -> Trace:
    """`trace` with one matrix in place of all heads up to `layer`: what `combine` makes of the Ã of their layers.

    It is head 0 of that layer, or of the last one. In masked self-attention head 1 is the same for uniform attention
    over the keys that a query may see: without it nothing can be read from head 0. Only the first kind that the method
    can combine is kept. Raises SelectionError, with the `name` of the method, for a trace without one.
    """
    attention = _combinable(name, trace)
    layers = _layers(name, trace, attention, layer)
    matrices = [combine([_mix(attention, one) for one in layers], progress)]
    if attention.kind == "masked-self":
        matrices.append(combine([_uniform_mix(attention, one) for one in layers], progress))
    last = layers[-1]
    dropped: dict[str, Any] = {field: {} for field in (*BY_QUERY, "groups", "value_norms", "projections")}
    combined = replace(
        attention,
        by_layer={last: np.stack(matrices).astype(np.float32)},
        head_numbers={last: tuple(range(len(matrices)))},
        **dropped,
    )
    return replace(trace, attentions=(combined,))


def _combinable(name: str, trace: Trace) -> Attention:
    """The self-attention of `trace`, if its rows and its columns are the same single tokens."""
    kind = trace.kinds[0]
    attention = trace[kind]
    if kind == "cross" or (kind == "masked-self" and (trace.target is not None or "cross" in trace.kinds)):
        what = "cross-attention" if kind == "cross" else "a decoder beside an encoder"
        raise SelectionError(
            f"method {name} is for models whose tokens only look at one another, and this is {what}",
            f"It can draw an encoder: attnviz plot TEXT --kind self --method {name}",
        )
    if attention.queries != attention.keys or not attention.is_whole or "merged" in trace.provenance:
        raise SelectionError(
            f"method {name} needs a row and a column for each token, and some were pooled, merged or left out",
            "Trace the text again with all of them: no --rows, --columns or --words, and --cells "
            f"{len(attention.keys)}. A learned prefix has no rows at all.",
        )
    return attention


def _layers(name: str, trace: Trace, attention: Attention, layer: int | None) -> list[int]:
    """All layers up to `layer`. Raises SelectionError if one of them, or one of their heads, is missing."""
    known = sorted(attention.layers)
    last = known[-1] if layer is None else known[layer] if -len(known) <= layer < 0 else layer
    needed = range(last + 1)
    if last not in known:
        raise SelectionError(f"there is no layer {layer}", f"Layers: {format_ranges(tuple(known))}.")
    missing = tuple(one for one in needed if one not in known)
    if missing:
        without = trace.provenance.get("layers without attention")
        raise SelectionError(
            f"method {name} needs attention in all layers up to {last}, and it has none of layers "
            f"{format_ranges(missing)}",
            f"{trace.model} has other layers between: {without}. --method norm and raw show single layers."
            if without
            else "Trace the text again without --layer.",
        )
    for one in needed:
        heads = attention.heads(one)
        if heads != tuple(range(len(heads))):
            raise SelectionError(
                f"method {name} needs all heads of layer {one}, and some were left out",
                "Trace the text again without --head.",
            )
    return list(needed)


def _mix(attention: Attention, layer: int) -> Mix:
    return _with_residual(attention.weights(layer).mean(0, dtype=np.float64))


def _uniform_mix(attention: Attention, layer: int) -> Mix:
    """The same if a row gave all keys that it may see the same weight.

    A layer with a sliding window is one in which no head gives any weight beyond it.
    """
    tokens = len(attention.queries)
    distance = np.subtract.outer(np.arange(tokens), np.arange(tokens))
    window = distance[attention.weights(layer).any(0)].max(initial=0)
    visible = (distance >= 0) & (distance <= window)
    return _with_residual(visible / visible.sum(1, keepdims=True))


def _with_residual(A: Mix) -> Mix:
    return np.asarray(0.5 * A + 0.5 * np.eye(len(A)))
