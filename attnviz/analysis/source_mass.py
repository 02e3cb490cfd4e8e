"""What rows looked at, key by key, as the mean over heads, without the keys that nearly every row looks at.

Attention is not attribution: what a row looks at need not be why it writes what it writes (Jain & Wallace 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.analysis.methods import METHODS, NORM, RAW
from attnviz.analysis.value_norm import value_norms
from attnviz.attention import Attention, HeadKeyNorms, single_ranges
from attnviz.errors import SelectionError

SINK_ABOVE = 0.3
"""A key that gets more than this from most rows of a head is a sink of that head (Gu et al. 2024 use α₀ > 0.3)."""
RECENT = 4
"""The number of tokens that are set aside for each row: the one it reads and those just before it, where most heads
look in any text."""


@dataclass(frozen=True)
class SourceMass:
    """What some rows looked at, over all heads: `by_key` `[row, key]`, and the mass that was set aside.

    By weights, these are means over the heads. By value norms, a head counts by what it adds: the numbers of a row are
    shares of Σ_h Σ_j A[i, j] · ‖f_h(x_j)‖, the sum of all that heads add to it.

    `sinks` `[row]` is the mass on sinks: the first token in masked self-attention, special tokens, and keys that get
    more than SINK_ABOVE from most rows of a head. `recent` `[row]` is the mass on the last RECENT tokens of each row.
    The rest up to 1 went to a learned sink, which adds nothing. `uniform` `[row, key]` is `by_key` for heads that give
    all their remaining keys the same weight: 1 / number of remaining keys. By a method that combines layers, there is
    one matrix, and `uniform` is what the method makes of uniform attention.
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


def source_mass(attention: Attention, rows: Sequence[int], method: str = RAW) -> SourceMass:
    """What `rows` looked at in all captured heads, by `method`: their weights, or these times value norms.

    Which keys are sinks is decided by weights in both methods, so that the same keys are set aside. A method that
    combines layers was already applied to `attention` (`apply_method`), and its numbers stand for weights; of gradients
    only the first token and special tokens are set aside as sinks. Raises
    SelectionError if there are no rows, if a row covers several tokens, if keys were pooled or left out, and if the
    method needs value norms that the trace does not hold.
    """
    _require_single_tokens(attention, rows)
    may, recent = allowed_pairs(attention)[list(rows)], _recent(attention, rows)
    fixed = np.array([token.special for token in attention.keys])
    if attention.kind == "masked-self":
        fixed[0] = True
    by_key, uniform = np.zeros(may.shape), np.zeros(may.shape)
    sinks, near, whole, whole_uniform = (np.zeros((len(rows), 1)) for _ in range(4))
    for layer in attention.layers:
        of_rows = attention.weights(layer)[:, list(rows)]
        of_uniform = None
        if METHODS[method].combines:
            of_rows, of_uniform = of_rows[:1], of_rows[1] if len(of_rows) > 1 else None
        for weights, norms in zip(of_rows, _norms(attention, layer, method), strict=False):
            is_sink = fixed
            if METHODS[method].needs != "gradients":  # relevance on one token need not mean that it is a sink
                is_sink = fixed | ((weights > SINK_ABOVE).sum(0) > len(rows) / 2)
            left = may & ~recent & ~is_sink
            added = weights * norms
            even = norms * left / np.maximum(left.sum(1, keepdims=True), 1) if of_uniform is None else of_uniform * left
            near += (added * (recent & ~is_sink)).sum(1, keepdims=True)
            sinks += (added * is_sink).sum(1, keepdims=True)
            by_key += added * left
            uniform += even
            whole += added.sum(1, keepdims=True) if method == NORM else 1
            whole_uniform += even.sum(1, keepdims=True) if method == NORM else 1
    whole, whole_uniform = (np.where(total > 0, total, 1) for total in (whole, whole_uniform))
    return SourceMass(by_key / whole, uniform / whole_uniform, (sinks / whole)[:, 0], (near / whole)[:, 0])


def _require_single_tokens(attention: Attention, rows: Sequence[int]) -> None:
    if not rows or any(attention.rows[row][1] - attention.rows[row][0] > 1 for row in rows):
        raise SelectionError("the trace has no separate rows for the tokens of the answer", "Keep them: --rows answer.")
    if attention.columns != single_ranges(len(attention.keys)):
        raise SelectionError(
            "keys of this trace were pooled or left out", "Keep all when it is made: --columns prompt,answer."
        )


def _norms(attention: Attention, layer: int, method: str) -> HeadKeyNorms:
    """What a weight on each key counts for, `[head, key]`: 1, or by `method` NORM the norm of the key's value."""
    if method == NORM:
        return value_norms(attention, layer)
    return np.ones((len(attention.heads(layer)), len(attention.keys)), np.float32)


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
