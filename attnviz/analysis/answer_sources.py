"""What an answer looked at: the tokens and the segments of the text, over all layers and heads."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from attnviz.analysis.source_mass import SegmentShare, SourceMass, segment_shares, source_mass
from attnviz.attention import Attention, Token, Trace
from attnviz.errors import SelectionError
from attnviz.segments import Segment, locate_texts, split_text
from attnviz.token_names import columns_named, rows_named

SO_FAR = "the answer so far"
OTHER = "other"
"""What is in no segment: what a chat template puts around a message, the space between paragraphs."""


@dataclass(frozen=True)
class Source:
    """A token that was looked at, by its number, and its share of what is left of a row."""

    key: int
    text: str
    share: float


@dataclass(frozen=True)
class WrittenToken:
    """A token of the answer, and the tokens that its row looked at most."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class AnswerSources:
    """What an answer looked at: `shares` are those of the segments, in order, `written` the tokens of the answer.

    Shares are of what is left after `sinks` and `recent`: the mass, from 0 to 1, that went to sinks and to each row's
    own last tokens, and was set aside. All is the mean over so many `heads`.
    """

    model: str
    answer: str
    shares: tuple[SegmentShare, ...]
    written: tuple[WrittenToken, ...]
    sinks: float
    recent: float
    heads: int

    def top(self, count: int = 3) -> tuple[SegmentShare, ...]:
        """The `count` segments with the largest shares."""
        return tuple(sorted(self.shares, key=lambda one: -one.share)[:count])

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON or pandas."""
        return asdict(self)

    def __repr__(self) -> str:
        best = ", ".join(f"{one.name!r} {one.share:.2f}" for one in self.top())
        return f"<AnswerSources of {self.answer[:40]!r} by {self.model}: {best}>"


def answer_sources(
    trace: Trace,
    contexts: Sequence[tuple[str, str]] = (),
    split: str | None = None,
    answer: str | None = None,
    count: int = 3,
) -> AnswerSources:
    """What the answer in `trace` looked at; of each of its tokens the `count` best sources.

    The answer is what the model generated, a target that a decoder reads beside an encoder, or the end of the text,
    where that is `answer`. Segments are `contexts`, each a name and the text that was put into the prompt, and what is
    left of it; or else the parts of the prompt at the marker `split`, or its paragraphs. Raises SelectionError where
    there is no answer, or where its rows or keys were not all kept.
    """
    attention = next((trace[kind] for kind in ("cross", "masked-self") if kind in trace.kinds), None)
    rows = [] if attention is None else _answer_rows(trace, attention, answer)
    if attention is None or not rows:
        raise SelectionError(
            f"there is no answer in this text of {trace.model}",
            "Let a decoder write one: --generate 20. Or give it: --answer TEXT.",
        )
    segments = _segments(trace, attention, _own_keys(trace, attention, answer), contexts, split)
    question = _question_rows(attention, segments, rows)
    of_answer = source_mass(attention, rows)
    segments = {name: keys for name, keys in segments.items() if of_answer.counted[:, keys].any()}
    written = [_written(attention, of_answer, index, row, count) for index, row in enumerate(rows)]
    return AnswerSources(
        model=trace.model,
        answer=_text_of(attention, rows),
        shares=segment_shares(attention, rows, question, segments),
        written=tuple(written),
        sinks=float(of_answer.sinks.mean()),
        recent=float(of_answer.recent.mean()),
        heads=sum(len(attention.heads(layer)) for layer in attention.layers),
    )


def _answer_rows(trace: Trace, attention: Attention, answer: str | None) -> list[int]:
    """The rows that write the answer."""
    queries: Sequence[int] = rows_named(["answer"], trace, attention)
    if answer is not None and attention.kind != "cross":
        queries = _from(attention.predicts or (), trace.text, answer)
    of_query = {start: row for row, (start, stop) in enumerate(attention.rows) if stop - start == 1}
    return [of_query[query] for query in queries if query in of_query]


def _own_keys(trace: Trace, attention: Attention, answer: str | None) -> list[int]:
    """The keys that are of the answer itself; none in cross-attention."""
    if attention.kind == "cross":
        return []
    if answer is not None:
        return _from(attention.keys, trace.text, answer)
    return list(columns_named(["answer"], trace, attention))


def _from(tokens: Sequence[Token | None], text: str, answer: str) -> list[int]:
    """The tokens from where `answer` begins, as the end of `text`."""
    start = text.rfind(answer.strip())
    return [i for i, token in enumerate(tokens) if token and token.span and token.span[1] > start >= 0]


def _segments(
    trace: Trace, attention: Attention, own: Sequence[int], contexts: Sequence[tuple[str, str]], split: str | None
) -> dict[str, list[int]]:
    """The keys of each segment, by its name; the last but the answer's is the question."""
    keys = attention.keys
    end = min((span[0] for index in own if (span := keys[index].span)), default=len(trace.text))
    parts = _with_rest(trace.text[:end], contexts) if contexts else split_text(trace.text[:end], split)
    found: dict[str, list[int]] = {part.name: [] for part in parts}
    others: list[int] = []
    for index, token in enumerate(keys):
        if index in own:
            continue
        inside = next((part for part in parts if token.span and part.start <= token.span[0] < part.end), None)
        (found[inside.name] if inside else others).append(index)
    ends = {OTHER: others, SO_FAR: sorted(own)}
    return {name: of for name, of in {**found, **ends}.items() if of}


def _with_rest(text: str, contexts: Sequence[tuple[str, str]]) -> list[Segment]:
    """The segments of `contexts`, and what follows the last of them: the question."""
    found = locate_texts(text, contexts)
    end = found[-1].end if found else 0
    rest = [Segment("the question", end, len(text))] if text[end:].strip() else []
    return [*found, *rest]


def _question_rows(attention: Attention, segments: dict[str, list[int]], answer: Sequence[int]) -> list[int]:
    """The rows that read the last segment of the prompt, as far as they were kept; none in cross-attention."""
    named = [name for name in segments if name not in (OTHER, SO_FAR)]
    if attention.kind == "cross" or len(named) < 2:
        return []
    question = set(segments[named[-1]])
    alone = ((row, start) for row, (start, stop) in enumerate(attention.rows) if stop - start == 1)
    return [row for row, start in alone if start in question and row not in answer]


def _written(attention: Attention, of_answer: SourceMass, index: int, row: int, count: int) -> WrittenToken:
    """The token that a row writes, and what it looked at most."""
    left = of_answer.by_key[index]
    total = float(left.sum())
    best = sorted(range(len(left)), key=lambda key: -left[key])[:count] if total > 0 else []
    token = attention.predicts[attention.rows[row][0]] if attention.predicts else None
    found = (Source(key, attention.keys[key].text, float(left[key]) / total) for key in best if left[key] > 0)
    return WrittenToken(token.text if token else "", tuple(found))


def _text_of(attention: Attention, rows: Sequence[int]) -> str:
    tokens = [attention.predicts[attention.rows[row][0]] for row in rows] if attention.predicts else []
    return " ".join(token.text for token in tokens if token and not token.special)
