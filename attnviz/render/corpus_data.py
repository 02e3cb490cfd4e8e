"""Heads over many texts as rows of data for other programs: one for each head, or for each head and relation."""

from collections.abc import Iterable

from attnviz.analysis.head_statistics import CorpusHead
from attnviz.analysis.head_table import COLUMNS
from attnviz.analysis.pair_score import ScoredHead
from attnviz.labels import visible
from attnviz.render.example import Example
from attnviz.render.head_data import NAMES, Record, or_none

CORPUS_NAMES = ["kind", "layer", "head", "role", "role_value", "role_baseline", "role_texts"]
CORPUS_NAMES += [name + suffix for name in NAMES for suffix in ("", "_spread", "_texts")]
SCORE_NAMES = ["kind", "relation", "direction", "layer", "head", "pairs", "rate", "weight", "offset", "offset_rate"]
"""The names of the columns, which a table without heads has too."""

EXAMPLE_NAMES = ["group", "place", "number", "text", "from", "to", "weight"]


def corpus_records(heads: Iterable[CorpusHead]) -> list[Record]:
    """A record for each head: its role, and for each measure the mean, the spread and the number of texts."""
    return [_record(head) for head in heads]


def _record(row: CorpusHead) -> Record:
    role = row.role
    known: Record = {"kind": row.kind, "layer": row.layer, "head": row.head}
    known |= {"role": role and role.name, "role_value": role and role.value, "role_baseline": role and role.baseline}
    known["role_texts"] = row.role_texts if role else None
    for name, column in zip(NAMES, COLUMNS, strict=True):
        known[name] = or_none(row.values[column])
        known[f"{name}_spread"] = or_none(row.spreads[column])
        known[f"{name}_texts"] = row.texts[column]
    return known


def score_records(heads: Iterable[ScoredHead]) -> list[Record]:
    """A record for each head and relation: the score, the mean weight, and the score of the best fixed offset."""
    return [
        {
            "kind": one.relation.kind,
            "relation": visible(one.relation.name) if one.relation.name else None,
            "direction": one.relation.direction,
            "layer": one.layer,
            "head": one.head,
            "pairs": one.pairs,
            "rate": one.rate,
            "weight": one.weight,
            "offset": one.offset,
            "offset_rate": or_none(one.offset_rate),
        }
        for one in heads
    ]


def example_records(examples: Iterable[Example]) -> list[Record]:
    """A record for each text: its group, its place and number, and the link that is marked in it."""
    return [
        {
            "group": one.group,
            "place": one.place,
            "number": one.number,
            "text": visible(one.text),
            "from": None if one.weight is None else visible(one.query),
            "to": None if one.weight is None else visible(one.key),
            "weight": one.weight,
        }
        for one in examples
    ]
