"""Every head by one link: how much it looks from some rows to some columns, beside what that would be anyway."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs, is_one_sequence
from attnviz.attention import Attention

OFFSETS = range(-3, 4)
"""The fixed offsets that a link is compared with, key − query, in tokens."""


@dataclass(frozen=True)
class RankedHead:
    """What a head gives to a link: `weight`, which is the `rank`-th largest of its row's `keys` keys.

    `ratio` is the weight over `uniform`, what uniform attention gives. `others` is what the head's other
    rows give the same keys on average, nan where no other sees them: a head that gives as much from everywhere looks at
    that key, and not from this row. `offset_weight` is what the head
    gives on average, in all rows, to the token at its best fixed `offset`; nan and None in cross-attention, and where
    not every row was kept: a head that gives as much there may look at a place, and not at a word.
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
        """How many times as much as uniform attention."""
        return self.weight / self.uniform

    @property
    def name(self) -> str:
        """The head as people write it: `L3H5`."""
        return f"L{self.layer}H{self.head}"


def rank_heads(attention: Attention, rows: Sequence[int], columns: Sequence[int]) -> list[RankedHead]:
    """The heads from the one that looks most from `rows` to `columns` to the one that does so least.

    The weight is that of all `columns` together, in the mean of the `rows` that see one of them; nothing where no row
    does. After Clark et al. 2019, who compare a link with the best fixed offset.
    """
    may = allowed_pairs(attention)
    chosen = np.zeros(may.shape[1], bool)
    chosen[list(columns)] = True
    rows = [row for row in rows if may[row, chosen].any()]
    if not rows:
        return []
    uniform = float(np.mean([may[row, chosen].sum() / may[row].sum() for row in rows]))
    keys = round(float(np.mean(may[rows].sum(1))))
    beside = [row for row in range(len(may)) if row not in rows and may[row, chosen].any()]
    found = []
    for layer in attention.layers:
        weights = attention.weights(layer)[:, rows].mean(1, dtype=np.float64)  # [head, column]
        given = weights[:, chosen].sum(-1)
        ranks = 1 + (weights[:, ~chosen] > given[:, None]).sum(-1)
        others = attention.weights(layer)[:, beside][:, :, chosen].sum(-1, dtype=np.float64)  # [head, row]
        offsets = _best_offsets(attention, layer)
        for index, head in enumerate(attention.heads(layer)):
            from_others = float(others[index].mean()) if beside else float("nan")
            link = float(given[index]), int(ranks[index]), keys, uniform, from_others
            found.append(RankedHead(layer, head, *link, *offsets[index]))
    return sorted(found, key=lambda link: -link.weight)


def _best_offsets(attention: Attention, layer: int) -> list[tuple[int | None, float]]:
    """For each head the offset of `OFFSETS` at which its mean weight is largest, and that weight."""
    weights = attention.weights(layer)
    if not is_one_sequence(attention) or not attention.has_all_rows:
        return [(None, float("nan"))] * len(weights)
    before = attention.covered[0]  # keys of a prefix, which no row is of
    means = {offset: np.diagonal(weights, offset + before, axis1=1, axis2=2) for offset in OFFSETS}
    known = {offset: diagonal.mean(-1) for offset, diagonal in means.items() if diagonal.shape[-1]}
    best = [max(known, key=lambda offset: (known[offset][head], -abs(offset))) for head in range(len(weights))]
    return [(offset, float(known[offset][head])) for head, offset in enumerate(best)]
