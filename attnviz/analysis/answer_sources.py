"""What an answer looked at: the tokens and the segments of the text, over all layers and heads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import numpy as np

from attnviz.analysis.answer_rows import find_answer, own_keys, rows_before, rows_writing, written_tokens
from attnviz.analysis.segment_share import SegmentShare, segment_shares
from attnviz.analysis.source_mass import source_mass
from attnviz.analysis.source_segments import OTHER, keys_by_segment, question_keys
from attnviz.attention import Attention, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import Kind


@dataclass(frozen=True)
class Source:
    """A token that was looked at, by its number, the segment that it is in, and its share of what is left of rows."""

    key: int
    text: str
    segment: str
    share: float


@dataclass(frozen=True)
class WrittenToken:
    """A token of the answer, by its number in it, and the tokens that its row looked at most."""

    number: int
    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class AnswerSources:
    """What an `answer` looked at: `shares` are those of the segments, in order, `tokens` those of all tokens.

    `kind` is the kind of attention by which it looks, and `queries` are those whose rows write it.
    `sources` are the tokens that the answer as a whole looked at most, `written` its own tokens, with those of each.
    Shares are of what is left after `sinks` and `recent`: the mass, from 0 to 1, that went to sinks and to each row's
    own last tokens, and was set aside. All is the mean over so many `heads`. Where it is that of one written token,
    or where sources are those in one segment, `token` and `segment` name it.
    """

    model: str
    kind: Kind
    answer: str
    queries: tuple[int, ...]
    shares: tuple[SegmentShare, ...]
    tokens: tuple[Source, ...]
    sources: tuple[Source, ...]
    written: tuple[WrittenToken, ...]
    sinks: float
    recent: float
    heads: int
    token: str | None = None
    segment: str | None = None

    def top(self, count: int = 3) -> tuple[SegmentShare, ...]:
        """The `count` segments with the largest shares."""
        return tuple(sorted(self.shares, key=lambda one: -one.share)[:count])

    def to_dict(self) -> dict[str, list[Any]]:
        """The segments as columns, name → values: a table as pandas takes it."""
        names = [*(field.name for field in fields(SegmentShare)), "per_token", "ratio"]
        return {name: [getattr(share, name) for share in self.shares] for name in names}

    def __repr__(self) -> str:
        best = ", ".join(f"{one.name!r} {one.share:.2f}" for one in self.top())
        return f"<AnswerSources of {self.answer[:40]!r} by {self.model}: {best}>"


def answer_sources(
    trace: Trace,
    contexts: Sequence[tuple[str, str]] = (),
    split: str | None = None,
    answer: str | None = None,
    count: int = 3,
    token: str | None = None,
    segment: str | None = None,
) -> AnswerSources:
    """What the answer in `trace` looked at; of each of its tokens, and of all together, the `count` best sources.

    `answer` is as `find_answer` takes it, `contexts` and `split` as `keys_by_segment` does. Only what the written
    `token` looked at counts, where one is named by its word or its number, and only the tokens of `segment` are
    sources, which is named by its name or the beginning of it. Raises SelectionError where there is no answer, where
    its rows or keys were not all kept, and for a token or a segment that there is not.
    """
    attention, rows = find_answer(trace, answer)
    segments = keys_by_segment(trace, attention, own_keys(trace, attention, answer), contexts, split)
    within = None if segment is None else _segment_named(segments, segment)
    before = rows_before(attention, rows)
    mass = source_mass(attention, [*before, *rows])  # which keys are sinks, more than the answer's own rows say
    asking = [place for place, row in enumerate(before) if attention.rows[row][0] in question_keys(segments)]
    text = trace.text if attention.kind == "masked-self" else trace.target or ""
    chosen = list(range(len(rows))) if token is None else rows_writing(attention, rows, token, text)
    of_answer = mass.of([len(before) + place for place in chosen])
    keys = _Keys(attention, _segment_of_each(segments, len(attention.keys)))
    written = written_tokens(attention, rows)
    return AnswerSources(
        model=trace.model,
        kind=attention.kind,
        answer=_text_of(trace, attention, rows),
        queries=tuple(attention.rows[row][0] for row in rows),
        shares=segment_shares(of_answer, mass.of(asking) if asking else None, segments),
        tokens=keys.sources(of_answer.shares, range(len(attention.keys))),
        sources=keys.best(of_answer.shares, count, within),
        written=tuple(
            WrittenToken(place, one.text if (one := written[place]) else "", keys.best(of_row.shares, count, within))
            for place, of_row in ((place, of_answer.of([index])) for index, place in enumerate(chosen))
        ),
        sinks=float(of_answer.sinks.mean()),
        recent=float(of_answer.recent.mean()),
        heads=sum(len(attention.heads(layer)) for layer in attention.layers),
        token=token,
        segment=within,
    )


def _segment_of_each(segments: Mapping[str, Sequence[int]], size: int) -> list[str]:
    """The segment of each of so many keys."""
    found = dict.fromkeys(range(size), OTHER) | {key: name for name, keys in segments.items() for key in keys}
    return list(found.values())


def _segment_named(segments: Mapping[str, Sequence[int]], name: str) -> str:
    """The one segment of that name, or whose name begins so. Raises SelectionError where there is none, or several."""
    if name in segments:
        return name
    found = [known for known in segments if known.casefold().startswith(name.casefold())]
    if len(found) != 1:
        what = "no segment is" if not found else f"{len(found)} segments are"
        raise SelectionError(f"{what} called {name!r}", f"There are: {', '.join(map(repr, segments))}.")
    return found[0]


@dataclass(frozen=True)
class _Keys:
    """The keys of an `attention`, and the segment that each is in."""

    attention: Attention
    segments: Sequence[str]

    def sources(self, shares: np.ndarray, keys: Iterable[int]) -> tuple[Source, ...]:
        """Those keys with their shares, nothing where nothing is left."""
        found = np.nan_to_num(shares)
        return tuple(Source(key, self.attention.keys[key].text, self.segments[key], float(found[key])) for key in keys)

    def best(self, shares: np.ndarray, count: int, within: str | None) -> tuple[Source, ...]:
        """The `count` keys with the largest shares, of one segment where it is named; none that has no share."""
        order = np.argsort(-np.nan_to_num(shares), kind="stable").tolist()
        some = (key for key in order if shares[key] > 0 and within in (None, self.segments[key]))
        return self.sources(shares, islice(some, count))


def _text_of(trace: Trace, attention: Attention, rows: Sequence[int]) -> str:
    """The answer as it stands in its text, without special tokens."""
    text = trace.text if attention.kind == "masked-self" else trace.target or ""
    spans = [token.span for token in written_tokens(attention, rows) if token and token.span and not token.special]
    return text[spans[0][0] : spans[-1][1]] if spans else ""
