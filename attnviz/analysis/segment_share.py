"""What an answer looked at of each segment of the text, beside two baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attnviz.analysis.source_mass import SourceMass


@dataclass(frozen=True)
class SegmentShare:
    """What an answer looked at of a segment of `tokens` tokens: its `share` of what is left, from 0 to 1.

    `uniform` is that share for heads that look alike at all keys that are left to them; `question` that of the same
    heads in the rows of the question, the last segment of the text, nan where those are not known.
    """

    name: str
    tokens: int
    share: float
    uniform: float
    question: float

    @property
    def per_token(self) -> float:
        """The share of one of its tokens, in the mean."""
        return self.share / self.tokens

    @property
    def ratio(self) -> float:
        """How many times what uniform attention gives."""
        return self.share / self.uniform if self.uniform else float("nan")


def segment_shares(
    answer: SourceMass, question: SourceMass | None, segments: Mapping[str, Sequence[int]]
) -> tuple[SegmentShare, ...]:
    """The share of each of the `segments`, name → keys, in what the rows of the answer looked at.

    A segment of which every key was set aside in every head has none, and is left out.
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
