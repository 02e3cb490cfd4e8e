"""What an answer looked at: tokens and segments of the text, over all captured heads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.answer_rows import find_answer, own_keys, rows_before, rows_writing, written_tokens
from attnviz.analysis.method import Progress
from attnviz.analysis.methods import RAW, apply_method, method_named
from attnviz.analysis.segment_share import SegmentShare, segment_shares
from attnviz.analysis.source_mass import source_mass
from attnviz.analysis.source_segments import OTHER, keys_by_segment, question_keys
from attnviz.attention import Attention, Trace
from attnviz.attention.shown_target import UNSURE
from attnviz.errors import SelectionError
from attnviz.kinds import Kind


@dataclass(frozen=True)
class Source:
    """A token that was looked at: its number, its segment, and its share of the mass that was not set aside."""

    key: int
    text: str
    segment: str
    share: float


@dataclass(frozen=True)
class WrittenToken:
    """A token of the answer with its number there, and the tokens that its row looked at most."""

    number: int
    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class AnswerSources:
    """What an `answer` looked at: the `shares` of the segments in order, and of all `tokens`.

    `kind` is the kind of attention, and `queries` are the numbers of the queries whose rows write the answer. `sources`
    are the tokens that the whole answer looked at most, and `written` its tokens with the sources of each. Shares are
    of the mass that is left when `sinks` and `recent` are set aside: the mass, from 0 to 1, on sinks and on the last
    tokens of each row. All numbers are means over `heads` heads; or, if `method` is "norm", shares of what these heads
    add; or what another `method` makes of them (`attnviz.analysis.methods`). `token` is the name of a
    part of the answer, if only that part counts, and `segment` that of the only segment in which sources are listed.
    `is_sure` is false if the model wrote the answer and is not sure of it.
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
    method: str = RAW
    is_sure: bool = True

    def top(self, count: int = 3) -> tuple[SegmentShare, ...]:
        """The `count` segments with the largest shares."""
        return tuple(sorted(self.shares, key=lambda one: -one.share)[:count])

    def to_dict(self) -> dict[str, list[Any]]:
        """The segments as a table, name of a column → values, as `pandas.DataFrame` takes it."""
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
    method: str = RAW,
    layer: int | None = None,
    progress: Progress | None = None,
) -> AnswerSources:
    """What the answer in `trace` looked at, with the `count` best sources of each of its tokens and of all together.

    `answer` is explained in `find_answer`, `contexts` and `split` in `keys_by_segment`. With `token`, a word of the
    answer or the number of a token in it, only the rows that write it count. With `segment`, a name or the beginning of
    one, only tokens of that segment are listed as sources. `method` is one of METHODS of `attnviz.analysis.methods`;
    one that combines layers takes those up to `layer`, or all. Raises SelectionError if there is no answer, if its rows
    or keys were pooled or left out, for an unknown token, segment or method, and if the trace lacks what the method
    needs.
    """
    is_combined, of_heads = method_named(method).combines, trace
    if is_combined:
        trace = apply_method(method, replace(trace, attentions=(find_answer(trace, answer)[0],)), layer, progress)
    attention, rows = find_answer(trace, answer)
    segments = keys_by_segment(trace, attention, own_keys(trace, attention, answer), contexts, split)
    within = None if segment is None else _segment_named(segments, segment)
    before = rows_before(attention, rows)
    mass = source_mass(attention, [*before, *rows], method)  # rows before the answer also help to find the sinks
    question = [place for place, row in enumerate(before) if attention.rows[row][0] in question_keys(segments)]
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
        shares=segment_shares(of_answer, mass.of(question) if question else None, segments),
        tokens=keys.sources(of_answer.shares, range(len(attention.keys))),
        sources=keys.best(of_answer.shares, count, within),
        written=tuple(
            WrittenToken(place, one.text if (one := written[place]) else "", keys.best(of_row.shares, count, within))
            for place, of_row in ((place, of_answer.of([index])) for index, place in enumerate(chosen))
        ),
        sinks=float(of_answer.sinks.mean()),
        recent=float(of_answer.recent.mean()),
        heads=_count_heads(of_heads[attention.kind], attention.layers[-1] if is_combined else None),
        token=token,
        segment=within,
        method=method,
        is_sure=UNSURE not in trace.provenance,
    )


def _count_heads(attention: Attention, last: int | None) -> int:
    """The number of captured heads, or of those up to the layer `last`."""
    return sum(len(attention.heads(layer)) for layer in attention.layers if last is None or layer <= last)


def _segment_of_each(segments: Mapping[str, Sequence[int]], size: int) -> list[str]:
    """The segment of each of `size` keys."""
    found = dict.fromkeys(range(size), OTHER) | {key: name for name, keys in segments.items() for key in keys}
    return list(found.values())


def _segment_named(segments: Mapping[str, Sequence[int]], name: str) -> str:
    """The segment with that name, or the only one whose name begins so. Raises SelectionError for none or several."""
    if name in segments:
        return name
    found = [known for known in segments if known.casefold().startswith(name.casefold())]
    if len(found) != 1:
        what = "no segment is" if not found else f"{len(found)} segments are"
        raise SelectionError(f"{what} called {name!r}", f"There are: {', '.join(map(repr, segments))}.")
    return found[0]


@dataclass(frozen=True)
class _Keys:
    """The keys of an `attention`, with the segment of each."""

    attention: Attention
    segments: Sequence[str]

    def sources(self, shares: NDArray[np.float64], keys: Iterable[int]) -> tuple[Source, ...]:
        """The `keys` as sources with their shares, 0 where no mass is left."""
        found = np.nan_to_num(shares)
        return tuple(Source(key, self.attention.keys[key].text, self.segments[key], float(found[key])) for key in keys)

    def best(self, shares: NDArray[np.float64], count: int, within: str | None) -> tuple[Source, ...]:
        """The `count` keys with the largest shares above 0, only those of the segment `within` if it is given."""
        order = np.argsort(-np.nan_to_num(shares), kind="stable").tolist()
        some = (key for key in order if shares[key] > 0 and within in (None, self.segments[key]))
        return self.sources(shares, islice(some, count))


def _text_of(trace: Trace, attention: Attention, rows: Sequence[int]) -> str:
    """The answer as it stands in its text, without special tokens."""
    text = trace.text if attention.kind == "masked-self" else trace.target or ""
    spans = [token.span for token in written_tokens(attention, rows) if token and token.span and not token.special]
    return text[spans[0][0] : spans[-1][1]] if spans else ""
