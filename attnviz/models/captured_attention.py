"""The attention of a trace, made from the record of a pass and checked."""

from dataclasses import replace
from typing import TYPE_CHECKING

from attnviz.attention import Attention, Trace
from attnviz.kinds import KINDS

if TYPE_CHECKING:
    from attnviz.capture import Record

_TOLERANCE = {"float32": 1e-4, "float64": 1e-4, "float16": 5e-3, "bfloat16": 4e-2}
"""The accepted distance of a row's sum from 1: weights can be rounded to the model's dtype."""


def attentions_of_record(record: "Record", read: Trace, dtype: str) -> tuple[Attention, ...]:
    """The recorded attention of a model with this `dtype`; `read` is its trace without weights.

    Raises SelectionError for selected heads that do not exist, and CaptureError for numbers that are not attention.
    """
    chosen = record.resolve()
    found = []
    for kind in (kind for kind in KINDS if kind in chosen):
        layers, tokens = sorted(chosen[kind]), read[kind]
        before = tokens.rows[0][0]  # keys of a prefix, which have no rows
        rows, columns = record.cells(kind, len(tokens.rows), len(tokens.keys))
        if not rows or not columns:  # none of the selected ones
            continue
        buffers, groups = record.buffers[kind], record.groups.get(kind, {})
        attention = replace(
            tokens,
            by_layer={layer: buffers[layer].weights for layer in layers},
            head_numbers={layer: chosen[kind][layer] for layer in layers},
            sink_mass={layer: sink for layer in layers if (sink := buffers[layer].sink) is not None},
            groups={layer: groups[layer] for layer in layers if layer in groups},
            projections={layer: one for layer in layers if (one := buffers[layer].projections) is not None},
            value_norms={layer: norms for layer in layers if (norms := buffers[layer].value_norms) is not None},
            rows=tuple((start + before, stop + before) for start, stop in rows),
            columns=columns,
        )
        if not attention.is_whole:
            attention = replace(attention, row_sums={layer: buffers[layer].sums for layer in layers})
        if attention.is_pooled:
            keys = {layer: buffers[layer].peak_keys for layer in layers}
            weights = {layer: buffers[layer].peak_weights for layer in layers}
            attention = replace(attention, peak_keys=keys, peak_weights=weights)
        attention.check(_TOLERANCE.get(dtype, 4e-2))
        found.append(attention)
    return tuple(found)
