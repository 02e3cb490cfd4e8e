"""How often a head looks from one word of a pair to the other: the dependency score of Clark et al. 2019."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.attention_mask import allowed_pairs, is_one_sequence
from attnviz.analysis.word_units import Unit, unit_weights
from attnviz.attention import Attention, HeadValues
from attnviz.head_names import head_name
from attnviz.kinds import Kind

FEWEST_PAIRS = 10
"""With fewer pairs, some head scores high by chance: the score is shown, but nothing is concluded from it."""


@dataclass(frozen=True, order=True)
class Relation:
    """The relation between the words of a pair, and which word looks at the other.

    `name` is a dependency such as `obj`, or empty for pairs without one. The first word of a pair looks at the second;
    with `is_reversed`, the second at the first. In a dependency the first word is the dependent.
    """

    kind: Kind
    name: str
    is_reversed: bool = False

    @property
    def direction(self) -> str:
        """The direction in words: `head → dependent`."""
        first, second = ("dependent", "head") if self.name else ("from", "to")
        return f"{second} → {first}" if self.is_reversed else f"{first} → {second}"


@dataclass(frozen=True, eq=False)
class PairScore:
    """Running sums over the `pairs` of one relation, with equal weight for each pair. The sums of parts add up.

    For each head, `hits` `[head]` counts the pairs in which the other word gets more weight than any other word, and
    `weights` `[head]` is the sum of the weights to the other word. `offsets` counts the distances to the other word, in
    words; it is empty for pairs between two texts.
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
        """The share of pairs in which the other word gets the most weight, `[head]`."""
        return np.asarray(self.hits / self.pairs)

    @property
    def offset(self) -> int | None:
        """The most frequent distance to the other word; of several the shortest. None if there are no distances."""
        return max(self.offsets, key=lambda one: (self.offsets[one], -abs(one), one), default=None)

    @property
    def offset_rate(self) -> float:
        """The share of pairs with that distance: the rate of a head that always looks there, as a baseline; or nan."""
        return float("nan") if self.offset is None else self.offsets[self.offset] / self.pairs


@dataclass(frozen=True)
class ScoredHead:
    """One head with its score for a relation, and the score of the best fixed offset: see `PairScore`.

    `weight` is the mean weight to the other word.
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
    """The `heads`, (layer, head), with their scores: the best rate first, and of equal rates the larger weight."""
    baseline = score.offset, score.offset_rate
    numbers = zip(score.rates.tolist(), (score.weights / score.pairs).tolist(), strict=True)
    scored = [
        ScoredHead(relation, *head, score.pairs, *both, *baseline) for head, both in zip(heads, numbers, strict=True)
    ]
    return sorted(scored, key=lambda one: (-one.rate, -one.weight))


@dataclass(frozen=True)
class UnitPairs:
    """Pairs of one relation in a text: for each `(q, k)` in `pairs`, unit `rows[q]` looks at unit `columns[k]`."""

    rows: Sequence[Unit]
    columns: Sequence[Unit]
    pairs: Sequence[tuple[int, int]]

    def visible(self, attention: Attention) -> "UnitPairs":
        """The pairs whose second word is not hidden from the first by a mask."""
        may = allowed_pairs(attention)
        before = attention.covered[0] if attention.covered else 0
        seen = [
            (q, k) for q, k in self.pairs if may[np.ix_([row - before for row in self.rows[q]], self.columns[k])].any()
        ]
        return UnitPairs(self.rows, self.columns, seen)


def pair_weights(attention: Attention, layer: int, given: UnitPairs) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The weight of each head from the first word of each pair to the second, and whether it is a hit: `[head, pair]`.

    It is a hit if no other word gets as much. The first word itself and special tokens are left out (Clark et al. 2019,
    section 4.2, and their code attention-analysis).
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
    """The score of each head, by layer and head, for the pairs of a text; there has to be a pair."""
    found = [pair_weights(attention, layer, given) for layer in attention.layers]
    links, hits = (np.concatenate(parts) for parts in zip(*found, strict=True))
    offsets = [key - query for query, key in given.pairs] if is_one_sequence(attention) else []
    return PairScore(len(given.pairs), hits.sum(1), links.sum(1), Counter(offsets))
