"""What changes in a model without some of its heads, or some of its links: predictions, and later attention.

A picture of a head does not prove that the model uses it: other heads can do the same, and what it gives can be unused.
To take it out and look at the prediction tests that (Michel et al. 2019, Are Sixteen Heads Really Better than One?;
Voita et al. 2019, Analyzing Multi-Head Self-Attention, remove heads in this way). What is left can make up for a head,
so that no change does not prove either that it has no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.head_distance import MOST, head_distance
from attnviz.attention import Trace
from attnviz.head_names import LayerHead, head_name
from attnviz.kinds import KINDS, Kind

LISTED = 10
"""The number of likeliest tokens that are compared."""


@dataclass(frozen=True)
class Prediction:
    """A token, and its probability with and without what was taken out."""

    token: str
    before: float
    after: float


@dataclass(frozen=True)
class PredictionChange:
    """What changes in the prediction of one row: `row` is its label, and `divergence` KL(before ‖ after), in nats.

    `likeliest` are the LISTED likeliest tokens before, and those after that are not among them, the likeliest first.
    """

    row: str
    divergence: float
    likeliest: tuple[Prediction, ...]


@dataclass(frozen=True)
class AttentionChange:
    """How far the attention of a head is from what it was: `share` of the largest possible distance, 0 to 1."""

    kind: Kind
    layer: int
    head: int
    share: float

    @property
    def name(self) -> str:
        """The name of the head: `L3H5`."""
        return head_name(self.layer, self.head)


@dataclass(frozen=True)
class AblationResult:
    """What changes in `model` on a text without `what`: heads, or the link of some heads.

    `prediction` is None for a model that writes nothing. `attention` are all later heads, the most changed first.
    `translations` are what the model writes with and without it, if it translates by itself.
    """

    model: str
    text: str
    what: str
    prediction: PredictionChange | None
    attention: tuple[AttentionChange, ...]
    translations: tuple[str, str] | None = None

    def __repr__(self) -> str:
        change = f": KL {self.prediction.divergence:.3g} nats" if self.prediction else ""
        return f"<AblationResult of {self.model} without {self.what}{change}>"


@dataclass(frozen=True)
class HeadEffect:
    """What the probability of a token is without one head: `before` with all heads, `after` without this one.

    `weight` is the head's weight on a chosen link, nan if none was chosen or its kind does not have it.
    """

    kind: Kind
    layer: int
    head: int
    before: float
    after: float
    weight: float = float("nan")

    @property
    def name(self) -> str:
        """The name of the head: `L3H5`."""
        return head_name(self.layer, self.head)

    @property
    def effect(self) -> float:
        """ln(before / after): above 0 where the head helps the token, below 0 where it works against it. In nats."""
        return log(max(self.before, 1e-30) / max(self.after, 1e-30))


def divergence(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """KL(before ‖ after) = Σ p ln(p / q), in nats, of two distributions `[token]` (Kullback & Leibler 1951)."""
    p, q = before.astype(np.float64), np.maximum(after.astype(np.float64), 1e-45)
    some = p > 0
    return max(float((p[some] * np.log(p[some] / q[some])).sum()), 0.0)


def likeliest(before: NDArray[np.float32], after: NDArray[np.float32]) -> list[int]:
    """The LISTED likeliest tokens before, then those after that are not among them."""
    first, second = (np.argsort(-one, kind="stable")[:LISTED].tolist() for one in (before, after))
    return list(dict.fromkeys([*first, *second]))


def attention_changes(before: Trace, after: Trace, kind: Kind, heads: Sequence[LayerHead]) -> list[AttentionChange]:
    """How much each head that comes after the first of `heads`, of `kind`, has changed, the most changed first.

    The distance is that of `head_distance`, over all rows, as a share of the largest possible one.
    """
    first = min(layer for layer, _ in heads)
    found = []
    for a in before.attentions:
        b = after[a.kind]
        rows = max(len(a.rows), 1)
        for layer in a.layers:
            if _comes_later(a.kind, layer, kind, first):
                for index, head in enumerate(a.heads(layer)):
                    distance = head_distance(a.weights(layer)[index], b.weights(layer)[index][None])[0]
                    found.append(AttentionChange(a.kind, layer, head, float(distance) / (rows * MOST)))
    return sorted(found, key=lambda one: -one.share)


def _comes_later(kind: Kind, layer: int, cut: Kind, first: int) -> bool:
    """Whether attention of `kind` in `layer` is computed after that of the kind that was cut in layer `first`."""
    if kind == cut:
        return layer > first
    if cut == "self":
        return kind == "cross" or layer > 0  # the first layer of a decoder has not yet read the encoder
    if kind == "self":
        return False
    return layer > first or (layer == first and KINDS.index(kind) > KINDS.index(cut))
