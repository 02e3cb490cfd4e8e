"""What the heads of a model do over many texts, in running sums: no trace is kept."""

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
    """Sums over so many `texts`; those of the parts of a corpus add up to those of the whole, however it is cut.

    `scores` are of the pairs, by relation; `lost` counts the dependencies of which a word is no token of the model, or
    is of one token with the other.
    """

    texts: int = 0
    statistics: Mapping[Kind, HeadStatistics] = field(default_factory=dict)
    scores: Mapping[Relation, PairScore] = field(default_factory=dict)
    lost: int = 0

    @classmethod
    def of(cls, entry: Entry, trace: Trace) -> "CorpusMeasures":
        """Those of one text.

        Raises InputError where the trace was pooled, for measures need every token, and where the pair of the text is
        none; SelectionError where one of its words is not there.
        """
        for attention in trace.attentions:
            if not attention.has_all_rows:
                tokens = max(len(attention.queries), len(attention.keys))
                raise InputError(f"{tokens:,} tokens, and measures need each by itself", f"Allow it: --cells {tokens}")
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
        """The heads of each relation, from the best score down; first the relations of most pairs."""
        pairs: Counter[tuple[Kind, str]] = Counter()
        for relation, score in self.scores.items():
            pairs[relation.kind, relation.name] += score.pairs
        order = sorted(self.scores, key=lambda one: (-pairs[one.kind, one.name], one))
        return {one: scored_heads(one, self.scores[one], self.statistics[one.kind].heads) for one in order}

    def require_applies(self, measure: str) -> None:
        """Raise SelectionError where `measure` applied to no head in any of the texts."""
        if not any(row.texts[measure] for rows in self.heads().values() for row in rows):
            raise SelectionError(f"{measure} applies to no head of these texts", "See another: --sort entropy.")


def _sums(one: Mapping[Key, Sum], other: Mapping[Key, Sum]) -> dict[Key, Sum]:
    """What stands under each key, added up where it stands in both."""
    sums = {**one, **other}
    for key in one.keys() & other.keys():
        sums[key] = one[key] + other[key]
    return sums


@dataclass(frozen=True)
class Measured:
    """What became of the `index`-th text of a corpus: its measures, or why there are none; and notes on its trace."""

    index: int
    place: str
    measures: CorpusMeasures | AttnvizError
    notes: tuple[str, ...] = ()


def measure_each(
    corpus: Iterable[Entry | Fault], trace_all: Callable[[Sequence[Entry]], Iterator[Trace]]
) -> Iterator[Measured]:
    """What became of each text, one after the other; `trace_all` makes the traces of several, or fails.

    Raises AbsentHeadError: what the model does not have, it has for no text.
    """
    faults: list[Measured] = []

    def texts() -> Iterator[tuple[int, Entry]]:
        for index, one in enumerate(corpus):
            if isinstance(one, Fault):
                faults.append(Measured(index, one.place, one.error))
            else:
                yield index, one

    for (index, entry), trace in trace_each(texts(), lambda some: trace_all([entry for _, entry in some])):
        yield from faults
        faults.clear()
        yield _measured(index, entry, trace)
    yield from faults


def _measured(index: int, entry: Entry, trace: Trace | AttnvizError) -> Measured:
    try:
        if isinstance(trace, AttnvizError):
            raise trace
        return Measured(index, entry.place, CorpusMeasures.of(entry, trace), _notes(trace))
    except AbsentHeadError:
        raise
    except AttnvizError as error:
        return Measured(index, entry.place, error)


def _notes(trace: Trace) -> tuple[str, ...]:
    left_out = trace.provenance.get("left out")
    return (*trace.notes, *(left_out.split("; ") if left_out else ()))
