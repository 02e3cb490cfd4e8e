"""What the heads of a model do over many texts, as running sums: no trace stays in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from attnviz.analysis.head_statistics import CorpusHead, HeadStatistics
from attnviz.analysis.pair_score import PairScore, Relation, ScoredHead, pair_score, scored_heads
from attnviz.attention import Trace
from attnviz.corpus.entry import Entry, Fault
from attnviz.corpus.pairs import find_pairs
from attnviz.corpus.tracing import trace_each
from attnviz.errors import AbsentHeadError, AttnvizError, InputError, SelectionError
from attnviz.kinds import Kind

Key = TypeVar("Key")
Sum = TypeVar("Sum", HeadStatistics, PairScore)


@dataclass(frozen=True, eq=False)
class CorpusMeasures:
    """Sums over `texts` texts. The sums of the parts of a corpus add up to those of the whole, however it is split.

    `scores` are the sums over pairs of words, by relation. `lost` counts the dependencies that cannot be measured: the
    model has no token for one of the words, or one token for both.
    """

    texts: int = 0
    statistics: Mapping[Kind, HeadStatistics] = field(default_factory=dict)
    scores: Mapping[Relation, PairScore] = field(default_factory=dict)
    lost: int = 0

    @classmethod
    def of(cls, entry: Entry, trace: Trace) -> "CorpusMeasures":
        """The sums of one text.

        Raises InputError if the trace was pooled, because measures need a row for each token, and if the two words of
        its pair share a token; SelectionError if one of its words is not in the text.
        """
        for attention in trace.attentions:
            if not attention.has_all_rows:
                tokens = max(len(attention.queries), len(attention.keys))
                raise InputError(
                    f"the {tokens:,} tokens were pooled, and measures need a row for each",
                    f"Allow it: --cells {tokens}",
                )
        found = find_pairs(entry, trace) if entry.has_pairs else None
        pairs = found.by_relation if found else {}
        return cls(
            texts=1,
            statistics={attention.kind: HeadStatistics.of(attention) for attention in trace.attentions},
            scores={relation: pair_score(trace[relation.kind], some) for relation, some in pairs.items()},
            lost=found.lost if found else 0,
        )

    def __add__(self, other: "CorpusMeasures") -> "CorpusMeasures":
        return CorpusMeasures(
            self.texts + other.texts,
            _sums(self.statistics, other.statistics),
            _sums(self.scores, other.scores),
            self.lost + other.lost,
        )

    def heads(self) -> dict[Kind, list[CorpusHead]]:
        """The heads of each kind with their means over the texts, by layer and head."""
        return {kind: of_kind.rows() for kind, of_kind in self.statistics.items()}

    def best_heads(self) -> dict[Relation, list[ScoredHead]]:
        """The heads of each relation, the best score first; the relations with the most pairs come first."""
        pairs: Counter[tuple[Kind, str]] = Counter()
        for relation, score in self.scores.items():
            pairs[relation.kind, relation.name] += score.pairs
        order = sorted(self.scores, key=lambda one: (-pairs[one.kind, one.name], one))
        return {one: scored_heads(one, self.scores[one], self.statistics[one.kind].heads) for one in order}

    def require_applies(self, measure: str) -> None:
        """Raise SelectionError if `measure` applies to no head in any of the texts."""
        if not any(row.texts[measure] for rows in self.heads().values() for row in rows):
            raise SelectionError(f"{measure} applies to no head of these texts", "Choose another: --sort entropy.")


def _sums(one: Mapping[Key, Sum], other: Mapping[Key, Sum]) -> dict[Key, Sum]:
    """The values of both; under a key that both have, their sum."""
    sums = {**one, **other}
    for key in one.keys() & other.keys():
        sums[key] = one[key] + other[key]
    return sums


@dataclass(frozen=True)
class TextMeasures:
    """The result for the text with number `index` in its corpus: measures or an error, and the notes on its trace."""

    index: int
    place: str
    measures: CorpusMeasures | AttnvizError
    notes: tuple[str, ...] = ()


def measure_each(
    corpus: Iterable[Entry | Fault], trace_all: Callable[[Sequence[Entry]], Iterator[Trace]]
) -> Iterator[TextMeasures]:
    """The result for each text of `corpus`. `trace_all` makes the traces of several texts.

    Raises AbsentHeadError, because a head that the model does not have is missing for every text.
    """
    faults: list[TextMeasures] = []

    def texts() -> Iterator[tuple[int, Entry]]:
        for index, one in enumerate(corpus):
            if isinstance(one, Fault):
                faults.append(TextMeasures(index, one.place, one.error))
            else:
                yield index, one

    for (index, entry), trace in trace_each(texts(), lambda some: trace_all([entry for _, entry in some])):
        yield from faults
        faults.clear()
        yield _measure(index, entry, trace)
    yield from faults


def _measure(index: int, entry: Entry, trace: Trace | AttnvizError) -> TextMeasures:
    try:
        if isinstance(trace, AttnvizError):
            raise trace
        return TextMeasures(index, entry.place, CorpusMeasures.of(entry, trace), _notes(trace))
    except AbsentHeadError:
        raise
    except AttnvizError as error:
        return TextMeasures(index, entry.place, error)


def _notes(trace: Trace) -> tuple[str, ...]:
    left_out = trace.provenance.get("left out")
    return (*trace.notes, *(left_out.split("; ") if left_out else ()))
