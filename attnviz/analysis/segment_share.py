"""The share of each segment of the text in what an answer looked at, with two baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attnviz.analysis.source_mass import SourceMass


@dataclass(frozen=True)
class SegmentShare:
    """A segment of `tokens` tokens, and its `share` of the mass that was not set aside, from 0 to 1.

    `uniform` is the share for heads that give all their remaining keys the same weight. `question` is the share in the
    rows of the question, which is the last segment of the text; nan if these rows were not captured.
    """

    name: str
    tokens: int
    share: float
    uniform: float
    question: float

    @property
    def per_token(self) -> float:
        """The mean share of one of its tokens."""
        return self.share / self.tokens

    @property
    def ratio(self) -> float:
        """The share divided by that of uniform attention; nan if that is 0."""
        return self.share / self.uniform if self.uniform else float("nan")


def segment_shares(
    answer: SourceMass, question: SourceMass | None, segments: Mapping[str, Sequence[int]]
) -> tuple[SegmentShare, ...]:
    """The share of each of the `segments`, name → keys, in the rows of the answer.

    A segment is left out if all of its keys were set aside in every head.
    """
    share, uniform = answer.shares, answer.uniform_shares
    return tuple(
        SegmentShare(
            name=name,
            tokens=len(keys),
            share=float(share[list(keys)].sum()),
            uniform=float(uniform[list(keys)].sum()),
            question=float(question.shares[list(keys)].sum()) if question else float("nan"),
        )
        for name, keys in segments.items()
        if answer.uniform[:, list(keys)].any()
    )
