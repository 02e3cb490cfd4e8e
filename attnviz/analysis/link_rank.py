"""Heads ranked by one link: how much each looks from some rows to some columns, beside its baselines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs, is_one_sequence
from attnviz.attention import Attention
from attnviz.head_names import head_name

OFFSETS = range(-3, 4)
"""The fixed offsets (key − query, in tokens) that a link is compared with."""


@dataclass(frozen=True)
class RankedHead:
    """A head with its `weight` on one link, which has rank `rank` among the `keys` that the row may look at.

    `uniform` is what uniform attention gives, and `ratio` the weight divided by it. `others` is the mean weight of the
    head's other rows on the same keys, nan where no other row sees them: if it is as large, the head looks at these
    keys from everywhere. `offset_weight` is the mean weight, over all rows, at the head's best fixed `offset`: if it is
    as large, the head may look at a position and not at a word. They are nan and None in cross-attention, and where
    rows were left out.
    """

    layer: int
    head: int
    weight: float
    rank: int
    keys: int
    uniform: float
    others: float
    offset: int | None
    offset_weight: float

    @property
    def ratio(self) -> float:
        """The weight divided by that of uniform attention."""
        return self.weight / self.uniform

    @property
    def name(self) -> str:
        """The name of the head: `L3H5`."""
        return head_name(self.layer, self.head)


def rank_heads(attention: Attention, rows: Sequence[int], columns: Sequence[int]) -> list[RankedHead]:
    """All heads, ordered by their weight from `rows` to `columns`, the largest first.

    The weight is the sum over `columns`, and the mean over those `rows` that see one of them; without such a row the
    result is empty. After Clark et al. 2019, who compare a link with the best fixed offset.
    """
    allowed = allowed_pairs(attention)
    chosen = np.zeros(allowed.shape[1], bool)
    chosen[list(columns)] = True
    rows = [row for row in rows if allowed[row, chosen].any()]
    if not rows:
        return []
    uniform = float(np.mean([allowed[row, chosen].sum() / allowed[row].sum() for row in rows]))
    keys = round(float(np.mean(allowed[rows].sum(1))))
    other_rows = [row for row in range(len(allowed)) if row not in rows and allowed[row, chosen].any()]
    ranked = []
    for layer in attention.layers:
        weights = attention.weights(layer)[:, rows].mean(1, dtype=np.float64)  # [head, column]
        sums = weights[:, chosen].sum(-1)
        ranks = 1 + (weights[:, ~chosen] > sums[:, None]).sum(-1)
        others = attention.weights(layer)[:, other_rows][:, :, chosen].sum(-1, dtype=np.float64)  # [head, row]
        offsets = _best_offsets(attention, layer)
        for index, head in enumerate(attention.heads(layer)):
            from_others = float(others[index].mean()) if other_rows else float("nan")
            numbers = float(sums[index]), int(ranks[index]), keys, uniform, from_others
            ranked.append(RankedHead(layer, head, *numbers, *offsets[index]))
    return sorted(ranked, key=lambda head: -head.weight)


def _best_offsets(attention: Attention, layer: int) -> list[tuple[int | None, float]]:
    """For each head, the offset of OFFSETS with the largest mean weight, and that weight."""
    weights = attention.weights(layer)
    if not is_one_sequence(attention) or not attention.has_all_rows:
        return [(None, float("nan"))] * len(weights)
    before = attention.covered[0]  # a learned prefix has keys, but no rows
    means = {offset: np.diagonal(weights, offset + before, axis1=1, axis2=2) for offset in OFFSETS}
    known = {offset: diagonal.mean(-1) for offset, diagonal in means.items() if diagonal.shape[-1]}
    best = [max(known, key=lambda offset: (known[offset][head], -abs(offset))) for head in range(len(weights))]
    return [(offset, float(known[offset][head])) for head, offset in enumerate(best)]
