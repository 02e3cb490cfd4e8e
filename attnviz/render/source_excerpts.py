"""The part of a long prompt that is shown: from each segment, the run of tokens with the largest share."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.answer_sources import AnswerSources
from attnviz.analysis.segment_share import SegmentShare
from attnviz.analysis.source_segments import OTHER, SO_FAR

LEAST = 24
"""A segment is never cut to fewer tokens; if that is still too much, segments with small shares are left out."""


@dataclass(frozen=True)
class Excerpt:
    """The keys of a segment that are shown, and how many of its tokens are `before` and `after` them."""

    share: SegmentShare
    keys: range
    before: int
    after: int


def excerpts(found: AnswerSources, most: int) -> list[Excerpt]:
    """The segments of the prompt in order, or the selected one, with about `most` tokens in all."""
    shares = [one for one in found.shares if _is_shown(one.name, found.segment)]
    if sum(one.tokens for one in shares) > most:
        kept = sorted(shares, key=lambda one: -one.share)[: max(most // LEAST, 1)]
        shares = [one for one in shares if one in kept]
    sizes = _sizes(shares, most)
    return [_excerpt(found, one, size) for one, size in zip(shares, sizes, strict=True)]


def left_out(found: AnswerSources, shown: list[Excerpt]) -> str:
    """What `shown` leaves out of the prompt, in words; "" if nothing."""
    segments = [one for one in found.shares if _is_shown(one.name, found.segment)]
    gone = len(segments) - len(shown)
    tokens = sum(one.tokens for one in segments) - sum(len(one.keys) for one in shown)
    if not tokens:
        return ""
    read = sum(found.tokens[key].share for one in shown for key in one.keys)
    share = sum(one.share for one in segments) - read
    whole = f", with {gone} whole segment{'s' * (gone != 1)} among them" if gone else ""
    return f"not shown: {tokens:,} tokens with {max(share, 0.0):.0%} of the share{whole}"


def _is_shown(name: str, segment: str | None) -> bool:
    return name not in (OTHER, SO_FAR) if segment is None else name == segment


def _sizes(shares: list[SegmentShare], most: int) -> list[int]:
    """How many tokens of each segment are shown: all, or LEAST and a part of the rest by its share."""
    if sum(one.tokens for one in shares) <= most:
        return [one.tokens for one in shares]
    sizes = [min(one.tokens, LEAST) for one in shares]
    spare = max(most - sum(sizes), 0)
    for index in sorted(range(len(shares)), key=lambda index: -shares[index].share):
        rest = sum(one.share for one, size in zip(shares, sizes, strict=True) if size < one.tokens) or 1.0
        more = min(shares[index].tokens - sizes[index], round(spare * min(shares[index].share / rest, 1.0)))
        sizes[index], spare = sizes[index] + more, spare - more
    return sizes


def _excerpt(found: AnswerSources, share: SegmentShare, size: int) -> Excerpt:
    """The `size` tokens of a segment around the one with the largest share that have the largest sum of shares."""
    keys = [one.key for one in found.tokens if one.segment == share.name]
    sums = np.cumsum([0.0, *(found.tokens[key].share for key in keys)])
    size = min(size, len(keys))
    best = max(range(len(keys)), key=lambda index: found.tokens[keys[index]].share)
    starts = range(max(best - size + 1, 0), min(best, len(keys) - size) + 1)
    start = max(starts, key=lambda index: sums[index + size] - sums[index])
    return Excerpt(share, range(keys[start], keys[start + size - 1] + 1), start, len(keys) - start - size)
