"""How often a head looks from one word of a pair to the other: Clark et al.'s dependency score."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.attention_mask import allowed_pairs, is_one_sequence
from attnviz.analysis.word_units import Unit, unit_weights
from attnviz.attention import Attention, HeadMatrices, HeadValues
from attnviz.head_names import head_name
from attnviz.kinds import Kind

FEWEST_PAIRS = 10
"""Of fewer pairs, some head gets most by chance: its score is shown, and not relied on."""


@dataclass(frozen=True, order=True)
class Relation:
    """What the words of a pair are to each other, and which of them looks.

    `name` is that of a dependency, such as `obj`, or empty where pairs have none. With `is_reversed` the second word
    looks at the first: in a dependency, of which the first is the dependent, from the head to it.
    """

    kind: Kind
    name: str
    is_reversed: bool = False

    @property
    def direction(self) -> str:
        """From which word to which."""
        first, second = ("dependent", "head") if self.name else ("from", "to")
        return f"{second} → {first}" if self.is_reversed else f"{first} → {second}"


@dataclass(frozen=True, eq=False)
class PairScore:
    """Running sums over the `pairs` of one relation, each of which weighs alike. Those of parts add up.

    `hits` counts, for each head, the pairs where it gives the other word more than any one else, `weights` what it
    gives to it in all, and `offsets` how far the other word stands, in words; none where two texts are read.
    """

    pairs: int
    hits: NDArray[np.int64]
    weights: HeadValues
    offsets: Counter[int] = field(default_factory=Counter)

    def __add__(self, other: "PairScore") -> "PairScore":
        sums = self.pairs + other.pairs, self.hits + other.hits, self.weights + other.weights
        return PairScore(*sums, self.offsets + other.offsets)

    @property
    def rates(self) -> HeadValues:
        """The share of pairs where a head gives the other word the most, `[head]`."""
        return np.asarray(self.hits / self.pairs)

    @property
    def offset(self) -> int | None:
        """The distance at which most of the other words stand; of several the nearest. None where there is none."""
        return max(self.offsets, key=lambda one: (self.offsets[one], -abs(one), one), default=None)

    @property
    def offset_rate(self) -> float:
        """The share of pairs that stand so, which a head reaches that always looks so far: the baseline; or nan."""
        return float("nan") if self.offset is None else self.offsets[self.offset] / self.pairs


@dataclass(frozen=True)
class ScoredHead:
    """One head with its score for a relation, beside what the best fixed offset reaches: see `PairScore`.

    `weight` is the mean of what it gives to the other word.
    """

    relation: Relation
    layer: int
    head: int
    pairs: int
    rate: float
    weight: float
    offset: int | None
    offset_rate: float

    @property
    def name(self) -> str:
        """The name of the head: `L3H5`."""
        return head_name(self.layer, self.head)


def scored_heads(relation: Relation, score: PairScore, heads: Sequence[tuple[int, int]]) -> list[ScoredHead]:
    """The `heads`, layer and head, of a `score`, from the largest share of pairs down; of equal ones, by the weight."""
    baseline = score.offset, score.offset_rate
    numbers = zip(score.rates.tolist(), (score.weights / score.pairs).tolist(), strict=True)
    scored = [
        ScoredHead(relation, *head, score.pairs, *both, *baseline) for head, both in zip(heads, numbers, strict=True)
    ]
    return sorted(scored, key=lambda one: (-one.rate, -one.weight))


@dataclass(frozen=True)
class UnitPairs:
    """Pairs of one relation in a text: unit `rows[q]` looks, at unit `columns[k]`, for each `(q, k)` of `pairs`."""

    rows: Sequence[Unit]
    columns: Sequence[Unit]
    pairs: Sequence[tuple[int, int]]

    def visible(self, attention: Attention) -> "UnitPairs":
        """Those whose second word no mask hides from the first."""
        may = allowed_pairs(attention)
        before = attention.covered[0] if attention.covered else 0
        seen = [
            (q, k) for q, k in self.pairs if may[np.ix_([row - before for row in self.rows[q]], self.columns[k])].any()
        ]
        return UnitPairs(self.rows, self.columns, seen)


def pair_weights(attention: Attention, layer: int, given: UnitPairs) -> tuple[HeadMatrices, NDArray[np.bool_]]:
    """What each head of a layer gives from the first word of each pair to the second, and whether that is its most.

    Both `[head, pair]`. It is where no other word gets as much: the word itself and special tokens are left out (Clark
    et al. 2019, section 4.2, and their code attention-analysis).
    """
    weights = unit_weights(attention, layer, given.rows, given.columns)
    queries, keys = np.array(given.pairs, int).reshape(-1, 2).T
    weights = weights[:, queries]  # [head, pair, column]
    pairs = np.arange(len(queries))
    links = weights[:, pairs, keys]
    weights[:, pairs, keys] = -1
    if is_one_sequence(attention):
        weights[:, pairs, queries] = -1
    return links, links > weights.max(-1, initial=-1)


def pair_score(attention: Attention, given: UnitPairs) -> PairScore:
    """The score of each head, by layer and head, for the pairs of a text, of which there is at least one."""
    found = [pair_weights(attention, layer, given) for layer in attention.layers]
    links, hits = (np.concatenate(parts) for parts in zip(*found, strict=True))
    offsets = [key - query for query, key in given.pairs] if is_one_sequence(attention) else []
    return PairScore(len(given.pairs), hits.sum(1), links.sum(1), Counter(offsets))
