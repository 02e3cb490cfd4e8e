"""Which step is explained: of the head that the user names, or that plot would draw, and of the word that they name."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis import choose_head, find_strongest_link
from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.analysis.attention_step import AttentionStep, attention_step
from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.render.query import find_query
from attnviz.selection import Selection


@dataclass(frozen=True)
class ChosenStep:
    """A head of a kind, and a row; `reason` says by what the head was chosen, if nobody named it."""

    kind: str
    layer: int
    head: int
    query: int
    reason: str = ""

    def step(self, trace: Trace) -> AttentionStep:
        """Its numbers. Raises SelectionError where `trace` does not have the queries and keys of the layer."""
        return attention_step(trace, self.kind, self.layer, self.head, self.query)


def chosen_step(trace: Trace, selection: Selection, query: str | None = None) -> ChosenStep:
    """The step that `selection` and `query` name; of several heads the first.

    Without a head, it is the one that plot draws; without a layer or a head, the other is 0. Without a query, it is the
    word that the head's strongest link between two content words begins at, or that has its largest weight.
    Raises SelectionError for what the trace does not have.
    """
    kinds = selection.kinds or trace.kinds
    kind, reason = kinds[0], ""
    if selection.names_heads:
        heads = selection.resolve({kind: trace[kind].head_numbers})
        layer, numbers = next(iter(heads[kind].items()))
        head = numbers[0]
    else:
        choice = choose_head(trace, kind)
        layer, head, reason = choice.layer, choice.head, choice.reason
    return ChosenStep(kind, layer, head, _row(trace, kind, layer, head, query), reason)


def _row(trace: Trace, kind: str, layer: int, head: int, query: str | None) -> int:
    a = trace[kind]
    if any(stop - start > 1 for start, stop in (*a.rows, *a.columns)):
        raise SelectionError("this text is too long to be explained number by number", "Give it a shorter text.")
    if query is not None:
        return find_query(trace, a, query)[-1]
    if link := find_strongest_link(a, layer, head):
        return link.row
    choosing = allowed_pairs(a).sum(-1) > 1  # the first row of a decoder has one key to look at
    return int(np.where(choosing, a.matrix(layer, head).max(-1), -1.0).argmax())
