"""From what a pass left behind to the attention of a trace, checked."""

from dataclasses import replace
from typing import TYPE_CHECKING

from attnviz.attention import Attention, Trace
from attnviz.kinds import KINDS

if TYPE_CHECKING:
    from attnviz.capture import Record

_TOLERANCE = {"float32": 1e-4, "float64": 1e-4, "float16": 5e-3, "bfloat16": 4e-2}
"""How far a row's sum may be from 1: weights may be rounded to the model's own type."""


def attentions_of_record(record: "Record", read: Trace, dtype: str) -> tuple[Attention, ...]:
    """What was captured of a model of that `dtype`, with the tokens that it `read`.

    Raises SelectionError for what was asked for and is not there, and CaptureError for what is not attention.
    """
    chosen = record.resolve()
    found = []
    for kind in (kind for kind in KINDS if kind in chosen):
        layers, tokens = sorted(chosen[kind]), read[kind]
        before = tokens.rows[0][0]  # keys of a prefix, which no row is of
        rows, columns = record.cells(kind, len(tokens.rows), len(tokens.keys))
        if not rows or not columns:  # it has none of those that were asked for
            continue
        kept, groups = record.buffers[kind], record.groups.get(kind, {})
        attention = replace(
            tokens,
            by_layer={layer: kept[layer].weights for layer in layers},
            head_numbers={layer: chosen[kind][layer] for layer in layers},
            sink_mass={layer: sink for layer in layers if (sink := kept[layer].sink) is not None},
            groups={layer: groups[layer] for layer in layers if layer in groups},
            rows=tuple((start + before, stop + before) for start, stop in rows),
            columns=columns,
        )
        if not attention.is_whole:
            attention = replace(attention, row_sums={layer: kept[layer].sums for layer in layers})
        attention.check(_TOLERANCE.get(dtype, 4e-2))
        found.append(attention)
    return tuple(found)
