"""What rows looked at, key by key, as the mean over heads, without the keys that nearly every row looks at.

Attention is not attribution: what a row looks at need not be why it writes what it writes (Jain & Wallace 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.attention import Attention, single_ranges
from attnviz.errors import SelectionError

SINK_ABOVE = 0.3
"""A key that gets more than this from most rows of a head is a sink of that head (Gu et al. 2024 use α₀ > 0.3)."""
RECENT = 4
"""The number of tokens that are set aside for each row: the one it reads and those just before it, where most heads
look in any text."""


@dataclass(frozen=True)
class SourceMass:
    """What some rows looked at, as the mean over heads: `by_key` `[row, key]`, and the mass that was set aside.

    `sinks` `[row]` is the mass on sinks: the first token in masked self-attention, special tokens, and keys that get
    more than SINK_ABOVE from most rows of a head. `recent` `[row]` is the mass on the last RECENT tokens of each row.
    The rest up to 1 went to a learned sink. `uniform` `[row, key]` is `by_key` for heads that give all their remaining
    keys the same weight: 1 / number of remaining keys.
    """

    by_key: NDArray[np.float64]
    uniform: NDArray[np.float64]
    sinks: NDArray[np.float64]
    recent: NDArray[np.float64]

    def of(self, rows: Sequence[int]) -> "SourceMass":
        """The mass of some of these rows, by their positions here."""
        some = list(rows)
        return SourceMass(self.by_key[some], self.uniform[some], self.sinks[some], self.recent[some])

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of each key in the mass that is left, over all rows, `[key]`; nan if no mass is left."""
        return _shares(self.by_key)

    @property
    def uniform_shares(self) -> NDArray[np.float64]:
        """The same for uniform attention, `[key]`."""
        return _shares(self.uniform)


def source_mass(attention: Attention, rows: Sequence[int]) -> SourceMass:
    """What `rows` looked at, as the mean over all captured heads, with equal weight for each head.

    Raises SelectionError if there are no rows, if a row covers several tokens, or if keys were pooled or left out.
    """
    if not rows or any(attention.rows[row][1] - attention.rows[row][0] > 1 for row in rows):
        raise SelectionError("the trace has no separate rows for the tokens of the answer", "Keep them: --rows answer.")
    if attention.columns != single_ranges(len(attention.keys)):
        raise SelectionError(
            "keys of this trace were pooled or left out", "Keep all when it is made: --columns prompt,answer."
        )
    may, recent = allowed_pairs(attention)[list(rows)], _recent(attention, rows)
    fixed = np.array([token.special for token in attention.keys])
    if attention.kind == "masked-self":
        fixed[0] = True
    by_key, uniform = np.zeros(may.shape), np.zeros(may.shape)
    sinks, near, heads = np.zeros(len(rows)), np.zeros(len(rows)), 0
    for layer in attention.layers:
        for weights in attention.weights(layer)[:, list(rows)]:
            is_sink = fixed | ((weights > SINK_ABOVE).sum(0) > len(rows) / 2)
            left = may & ~recent & ~is_sink
            near += (weights * (recent & ~is_sink)).sum(1)
            sinks += (weights * is_sink).sum(1)
            by_key += weights * left
            uniform += left / np.maximum(left.sum(1, keepdims=True), 1)
            heads += 1
    return SourceMass(by_key / heads, uniform / heads, sinks / heads, near / heads)


def _shares(mass: NDArray[np.float64]) -> NDArray[np.float64]:
    total = float(mass.sum())
    return np.asarray(mass.sum(0) / total) if total > 0 else np.full(mass.shape[1], np.nan)


def _recent(attention: Attention, rows: Sequence[int]) -> NDArray[np.bool_]:
    """Whether a key is one of the last tokens of a row, `[row, key]`; never in cross-attention, between two texts."""
    queries = np.array([attention.rows[row][0] for row in rows])[:, None]
    keys = np.arange(len(attention.keys))
    if attention.kind == "cross":
        return np.zeros((len(rows), len(keys)), bool)
    return np.asarray((keys <= queries) & (keys > queries - RECENT))
