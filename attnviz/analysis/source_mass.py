"""What the rows that write an answer looked at: every key, and every segment of the text, beside two baselines.

Attention is not attribution: what a row looks at need not be why it writes what it writes (Jain & Wallace 2019).
"""

from collections.abc import Mapping, Sequence
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
    learned sink took. `counted` `[row, key]` says which keys were not set aside in any head.
    """

    by_key: np.ndarray
    sinks: np.ndarray
    recent: np.ndarray
    counted: np.ndarray

    def share(self, keys: Sequence[int]) -> float:
        """The share of `keys` in what is left, all rows together; nan where nothing is."""
        total = float(self.by_key.sum())
        return float(self.by_key[:, list(keys)].sum()) / total if total > 0 else float("nan")

    def uniform(self, keys: Sequence[int]) -> float:
        """What that would be if each row looked alike at all keys that count: keys in the segment / keys left."""
        counts = self.counted.sum(1)
        shares = [row[list(keys)].sum() / count for row, count in zip(self.counted, counts, strict=True) if count]
        return float(np.mean(shares)) if shares else float("nan")


def source_mass(attention: Attention, rows: Sequence[int]) -> SourceMass:
    """What those `rows` looked at, in the mean over all heads that were captured, weighted alike.

    Raises SelectionError where there are no rows, where keys were pooled or left out, or rows are not single tokens.
    """
    if not rows or any(attention.rows[row][1] - attention.rows[row][0] > 1 for row in rows):
        raise SelectionError("no row that writes the answer is kept by itself", "Keep them: --rows answer.")
    if attention.columns != single_ranges(len(attention.keys)):
        raise SelectionError("keys of this trace were pooled or left out", "Keep all: --columns prompt,answer.")
    may, recent = allowed_pairs(attention)[list(rows)], _recent(attention, rows)
    fixed = np.array([token.special for token in attention.keys])
    if attention.kind == "masked-self":
        fixed[0] = True
    left, sinks, near = np.zeros(may.shape), np.zeros(len(rows)), np.zeros(len(rows))
    always, heads = np.zeros(may.shape[1], bool), 0
    for layer in attention.layers:
        for weights in attention.weights(layer)[:, list(rows)]:
            is_sink = fixed | ((weights > SINK_ABOVE).sum(0) > len(rows) / 2)
            always |= is_sink
            near += (weights * (recent & ~is_sink)).sum(1)
            sinks += (weights * is_sink).sum(1)
            left += weights * ~(recent | is_sink)
            heads += 1
    return SourceMass(left / heads, sinks / heads, near / heads, may & ~recent & ~always)


def _recent(attention: Attention, rows: Sequence[int]) -> np.ndarray:
    """Bool `[row, key]`: the row's own last tokens; none in cross-attention, whose keys are of another text."""
    queries = np.array([attention.rows[row][0] for row in rows])[:, None]
    keys = np.arange(len(attention.keys))
    if attention.kind == "cross":
        return np.zeros((len(rows), len(keys)), bool)
    return np.asarray((keys <= queries) & (keys > queries - RECENT))


@dataclass(frozen=True)
class SegmentShare:
    """What an answer looked at of a segment of `tokens` tokens: its `share` of what is left, from 0 to 1.

    `uniform` is that share for uniform attention; `question` that of the same heads in the rows of the
    question, the last segment of the text, nan where those are not known.
    """

    name: str
    tokens: int
    share: float
    uniform: float
    question: float

    @property
    def ratio(self) -> float:
        """How many times what uniform attention gives."""
        return self.share / self.uniform if self.uniform else float("nan")


def segment_shares(
    attention: Attention, answer: Sequence[int], question: Sequence[int], segments: Mapping[str, Sequence[int]]
) -> tuple[SegmentShare, ...]:
    """The share of each of the `segments`, name → keys, in what the rows `answer` looked at; see `source_mass`."""
    of_answer = source_mass(attention, answer)
    of_question = source_mass(attention, question) if question else None
    return tuple(
        SegmentShare(
            name=name,
            tokens=len(keys),
            share=of_answer.share(keys),
            uniform=of_answer.uniform(keys),
            question=of_question.share(keys) if of_question else float("nan"),
        )
        for name, keys in segments.items()
    )
