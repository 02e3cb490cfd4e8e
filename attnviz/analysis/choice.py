"""Which head to show to someone who named none: one rule for every model, no model or sentence favoured."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.content import content_pairs, mean_peak
from attnviz.analysis.offset import offset_share
from attnviz.analysis.reach import reach
from attnviz.attention import Attention, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import KINDS

OFFSET_ABOVE = 0.5
"""A head that peaks at one fixed offset in more than this share of its rows is left out."""


@dataclass(frozen=True)
class Choice:
    """The head that was chosen, the number that it won by, and `reason`, a sentence with that number for a reader."""

    kind: str
    layer: int
    head: int
    value: float
    reason: str


def choose(trace: Trace, kind: str | None = None) -> Choice:
    """The head whose content words look most strongly at other content words.

    Of `kind`, or else of the first kind that the trace has: self, masked-self, cross. Heads that peak at one fixed
    offset in more than half their rows are left out, unless all do. Of the rest the one with the largest
    `content_peak` is chosen, and of equals the first. A text without two content words is judged by the links between
    any two different tokens instead, and a text of one token by all weights.
    Raises SelectionError where there is no such kind, or no head.
    """
    attention = trace[kind or next((k for k in KINDS if k in trace.kinds), KINDS[0])]
    heads = [(layer, head) for layer in attention.layers for head in attention.heads(layer)]
    if not heads:
        raise SelectionError(f"no head of {attention.name} was captured", "Trace again without --layer and --head.")
    pairs, what = _links(attention)
    shares = np.concatenate([offset_share(attention, layer) for layer in attention.layers])
    values = np.concatenate([mean_peak(attention, layer, pairs) for layer in attention.layers])
    fixed = shares > OFFSET_ABOVE
    best = int(np.where(fixed & ~fixed.all(), -1.0, values).argmax())
    (layer, head), value = heads[best], float(values[best])
    name = f"L{layer}H{head} of {attention.name}"
    reason = f"{name}: {what} with the largest mean peak weight, {value:.2f}, {_among(fixed)}"
    return Choice(attention.kind, layer, head, value, reason)


def _links(attention: Attention) -> tuple[np.ndarray, str]:
    """The links to judge by, bool `[row, column]`, and what they do: the first of three sorts that the text has."""
    content = content_pairs(attention)
    if content.any():
        return content, "its content words look at one another"
    visible = reach(attention)
    different = visible & (np.array(attention.rows)[:, None] != np.array(attention.columns)).any(-1)
    if different.any():
        return different, "its tokens look at one another"
    return visible, "its token looks"


def _among(fixed: np.ndarray) -> str:
    """Which heads it was the best of, given which look a fixed number of tokens away."""
    if fixed.all():
        return f"of {len(fixed)} heads, all of which look a fixed number of tokens away"
    left_out = f", {fixed.sum()} left out that look a fixed number of tokens away" if fixed.any() else ""
    return f"of {len(fixed)} heads{left_out}"
