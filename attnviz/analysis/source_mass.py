"""What rows looked at, key by key, in the mean over heads, without what nearly every row looks at anyway.

Attention is not attribution: what a row looks at need not be why it writes what it writes (Jain & Wallace 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.attention import Attention, single_ranges
from attnviz.errors import SelectionError

SINK_ABOVE = 0.3
"""A key that gets more than this from most rows of a head is a sink of it (Gu et al. 2024 have α₀ > 0.3)."""
RECENT = 4
"""The token that a row reads, and those just before it: so many are set aside, for most heads look there anyway."""


@dataclass(frozen=True)
class SourceMass:
    """What some rows looked at, in the mean over heads: `by_key` `[row, key]`, and the mass that was set aside.

    `sinks` `[row]` went to the first token of masked self-attention, to special tokens, and to keys that get more than
    SINK_ABOVE from most of a head's rows; `recent` `[row]` to the row's own last RECENT tokens. What is missing of 1 a
    learned sink took. `uniform` `[row, key]` is what `by_key` would be if each head looked alike at all keys that are
    left to it: for a head 1 / keys left.
    """

    by_key: np.ndarray
    uniform: np.ndarray
    sinks: np.ndarray
    recent: np.ndarray

    def of(self, rows: Sequence[int]) -> "SourceMass":
        """That of some of the rows, which are numbered as they are here."""
        some = list(rows)
        return SourceMass(self.by_key[some], self.uniform[some], self.sinks[some], self.recent[some])

    @property
    def shares(self) -> np.ndarray:
        """The share of each key in what is left, all rows together, `[key]`; nan where nothing is."""
        return _shares(self.by_key)

    @property
    def uniform_shares(self) -> np.ndarray:
        """The same for uniform attention, `[key]`."""
        return _shares(self.uniform)


def source_mass(attention: Attention, rows: Sequence[int]) -> SourceMass:
    """What those `rows` looked at, in the mean over all heads that were captured, weighted alike.

    Raises SelectionError where there are no rows, where keys were pooled or left out, or rows are not single tokens.
    """
    if not rows or any(attention.rows[row][1] - attention.rows[row][0] > 1 for row in rows):
        raise SelectionError("no row that writes the answer is kept by itself", "Keep them: --rows answer.")
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


def _shares(mass: np.ndarray) -> np.ndarray:
    total = float(mass.sum())
    return np.asarray(mass.sum(0) / total) if total > 0 else np.full(mass.shape[1], np.nan)


def _recent(attention: Attention, rows: Sequence[int]) -> np.ndarray:
    """Bool `[row, key]`: the row's own last tokens; none in cross-attention, whose keys are of another text."""
    queries = np.array([attention.rows[row][0] for row in rows])[:, None]
    keys = np.arange(len(attention.keys))
    if attention.kind == "cross":
        return np.zeros((len(rows), len(keys)), bool)
    return np.asarray((keys <= queries) & (keys > queries - RECENT))
