"""The texts of a corpus in which one number of a head is largest, in the middle, and smallest."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnviz.analysis.head_table import COLUMNS, PEAK
from attnviz.analysis.pair_score import FEWEST_PAIRS, Relation, ScoredHead, UnitPairs, pair_weights
from attnviz.analysis.strongest_link import find_strongest_link
from attnviz.analysis.word_units import Unit
from attnviz.attention import Attention, Trace
from attnviz.corpus.entry import Entry, Fault
from attnviz.corpus.measures import CorpusMeasures
from attnviz.corpus.pairs import find_pairs
from attnviz.corpus.tracing import trace_each
from attnviz.errors import AttnvizError, SelectionError
from attnviz.head_names import head_name
from attnviz.kinds import Kind
from attnviz.render.example import Example
from attnviz.render.plan import title_of
from attnviz.render.scene import scene
from attnviz.render.text_layout import running

EACH = 3
"""The number of texts of each decile that are shown by default."""
_MEASURES = {"positional": "offset share"}
"""The measure of a role whose measure has another name."""

Quantity = str | Relation
"""What the number of a text is: a measure, or the mean weight of its pairs of a relation."""
TextNumber = tuple[int, float]
"""The index of a text in its corpus, and its number."""


class TextNumbers:
    """For one head of one kind of attention, the number of each text and its index: 16 bytes for each quantity."""

    def __init__(self, kind: Kind, layer: int, head: int) -> None:
        self.kind, self.layer, self.head = kind, layer, head
        self._numbers: dict[Quantity, tuple[array[int], array[float]]] = {}

    def add(self, index: int, measures: CorpusMeasures) -> None:
        """Add the numbers of one text."""
        of_kind = measures.statistics[self.kind]
        row = of_kind.heads.index((self.layer, self.head))
        known = of_kind.measures.count[row] > 0
        for name in (name for name, is_known in zip(COLUMNS, known, strict=True) if is_known):
            self._append(name, index, of_kind.measures.mean[row, COLUMNS.index(name)])
        for relation, score in measures.scores.items():
            if relation.kind == self.kind:
                self._append(relation, index, score.weights[row] / score.pairs)

    def _append(self, quantity: Quantity, index: int, value: float) -> None:
        indexes, values = self._numbers.setdefault(quantity, (array("q"), array("d")))
        indexes.append(index)
        values.append(float(value))

    def ranked(self, quantity: Quantity) -> list[TextNumber]:
        """The texts that have a number of this quantity, the largest first; of equal numbers, the first text."""
        indexes, values = self._numbers.get(quantity, ((), ()))
        return sorted(zip(indexes, values, strict=True), key=lambda one: (-one[1], one[0]))


def kind_of_head(measures: CorpusMeasures, layer: int, head: int) -> Kind:
    """The one kind of attention that has the head. Raises SelectionError if no kind has it, or several."""
    kinds = [kind for kind, of_kind in measures.statistics.items() if (layer, head) in of_kind.heads]
    name = head_name(layer, head)
    if not kinds:
        raise SelectionError(f"there is no head {name}", "List them: attnviz heads")
    if len(kinds) > 1:
        raise SelectionError(f"several kinds have a head {name}: {', '.join(kinds)}", f"Name one: --kind {kinds[0]}")
    return kinds[0]


def quantity_of_head(measures: CorpusMeasures, kind: Kind, layer: int, head: int) -> Quantity:
    """What the head does in the corpus.

    If the corpus has pairs, it is the relation whose score is farthest above the best fixed offset; else the measure of
    the head's role, or the weight of its strongest link if it has no role.
    """
    scored = [one for heads in measures.best_heads().values() for one in heads]
    of_head = [one for one in scored if (one.relation.kind, one.layer, one.head) == (kind, layer, head)]
    if of_head:
        return max(of_head, key=_above_offset).relation
    [row] = [row for row in measures.heads()[kind] if (row.layer, row.head) == (layer, head)]
    return _MEASURES.get(row.role.name, row.role.name) if row.role else PEAK


def _above_offset(one: ScoredHead) -> tuple[bool, float, int]:
    """How far a score is above that of the best fixed offset; relations with few pairs come last."""
    return one.pairs >= FEWEST_PAIRS, one.rate - np.nan_to_num(one.offset_rate), one.pairs


@dataclass(frozen=True)
class Decile:
    """The `size` texts of a decile, of `texts` in all, with numbers from `largest` to `smallest`, and those `shown`."""

    name: str
    size: int
    texts: int
    largest: float
    smallest: float
    shown: tuple[TextNumber, ...]

    @property
    def has_others(self) -> bool:
        """Whether there are texts beside these."""
        return self.size < self.texts

    @property
    def heading(self) -> str:
        """Which texts they are, in words: `top 12 of 120 texts: 0.97 to 0.81`."""
        of = f"{self.name} {self.size:,} of {self.texts:,}" if self.has_others else f"all {self.texts:,} ranked"
        return f"{of} text{'s' * (self.texts != 1)}: {self.largest:.2f} to {self.smallest:.2f}"


def deciles(ranked: Sequence[TextNumber], each: int = EACH) -> list[Decile]:
    """The top, middle and bottom tenth of `ranked` texts, or `each` if that is more, with `each` of them shown.

    The first texts of the top tenth are shown, the last of the bottom tenth, and those in the centre of the middle
    tenth. If there are not enough texts for three separate groups, all texts are one group.
    """
    size, n = max(-(-len(ranked) // 10), each), len(ranked)
    if n < 3 * size:
        return [Decile("all", n, n, ranked[0][1], ranked[-1][1], tuple(ranked))] if ranked else []
    middle = ranked[(n - size) // 2 :][:size]
    centre = middle[(size - each) // 2 :][:each]
    parts = (
        ("top", ranked[:size], ranked[:each]),
        ("middle", middle, centre),
        ("bottom", ranked[-size:], ranked[-each:]),
    )
    return [Decile(name, size, n, part[0][1], part[-1][1], tuple(shown)) for name, part, shown in parts]


def find_examples(
    corpus: Iterable[Entry | Fault],
    trace_all: Callable[[Sequence[Entry]], Iterator[Trace]],
    numbers: TextNumbers,
    quantity: Quantity,
    groups: Sequence[Decile],
) -> list[Example]:
    """The texts that the deciles show, in that order, traced again. `corpus` has to yield the same texts as before."""
    numbers_of = {index: number for group in groups for index, number in group.shown}
    texts = ((index, one) for index, one in enumerate(corpus) if index in numbers_of and isinstance(one, Entry))
    made: dict[int, Example] = {}
    for (index, entry), trace in trace_each(texts, lambda some: trace_all([entry for _, entry in some])):
        if isinstance(trace, AttnvizError):
            raise trace
        made[index] = _example(entry, trace, numbers, quantity, numbers_of[index])
    return [replace(made[index], group=group.name) for group in groups for index, _ in group.shown]


def describe(quantity: Quantity, groups: Sequence[Decile]) -> str:
    """What the numbers are, which texts `groups` show, and what is marked in them, in sentences."""
    if isinstance(quantity, Relation):
        name = f"{quantity.name}, " if quantity.name else ""
        number = f"the mean weight from word to word ({name}{quantity.direction}) of the text's pairs"
        marked = "the pair to which the head gives most"
    else:
        number = f"{quantity} of the head in the text"
        marked = "its strongest link between two content words"
    said = f"Number: {number}. Beside it: {marked}, with its weight."
    if any(group.has_others for group in groups):
        said += " The groups are tenths of the texts, if there are enough; of the top one the first texts are shown, of"
        said += " the middle one those in the middle, and of the bottom one the last."
    return said


def _example(entry: Entry, trace: Trace, numbers: TextNumbers, quantity: Quantity, number: float) -> Example:
    attention, text = trace[numbers.kind], title_of(trace)
    if isinstance(quantity, Relation):
        query, key, weight = _strongest_pair(attention, numbers, find_pairs(entry, trace).by_relation[quantity])
        named = _unit_text(trace, attention, query), _unit_text(trace, attention, key, is_key=True)
        return Example("", entry.place, number, text, *named, weight)
    link = find_strongest_link(attention, numbers.layer, numbers.head)
    if link is None:
        return Example("", entry.place, number, text)
    labels = scene(trace, attention.kind, ())
    return Example("", entry.place, number, text, labels.rows[link.row], labels.columns[link.column], link.weight)


def _strongest_pair(attention: Attention, numbers: TextNumbers, pairs: UnitPairs) -> tuple[Unit, Unit, float]:
    """The pair with the largest weight of the head: its two units and the weight."""
    links, _ = pair_weights(attention, numbers.layer, pairs)
    of_head = links[attention.heads(numbers.layer).index(numbers.head)]
    query, key = pairs.pairs[int(of_head.argmax())]
    return pairs.rows[query], pairs.columns[key], float(of_head.max())


def _unit_text(trace: Trace, attention: Attention, unit: Unit, is_key: bool = False) -> str:
    """The tokens of a unit as the text has them."""
    tokens = [(attention.keys if is_key else attention.queries)[index] for index in unit]
    source = trace.text if attention.kind == "cross" and is_key else trace.read_by(attention.part)
    return running(tokens, source)
