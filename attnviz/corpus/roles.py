"""The roles that heads have over a corpus, as `--save-roles` writes them."""

from attnviz.analysis.pair_score import FEWEST_PAIRS, ScoredHead
from attnviz.corpus.measures import CorpusMeasures
from attnviz.measured_roles import MeasuredRole

MARGIN = 0.1
"""A relation is a role of a head whose score is at least this much above the best fixed offset (Voita et al. 2019)."""


def measured_roles(measures: CorpusMeasures) -> list[MeasuredRole]:
    """The best head of each relation that is `MARGIN` above the best fixed offset, then the role of each head by layer.

    A relation with fewer than `FEWEST_PAIRS` pairs is left out, and so is a relation between two texts, which has no
    fixed offset as a baseline.
    """
    best = (heads[0] for heads in measures.best_heads().values())
    clear = [head for head in best if head.pairs >= FEWEST_PAIRS and head.rate >= head.offset_rate + MARGIN]
    related = [_of_pairs(head, measures.texts) for head in clear]
    return related + [
        MeasuredRole(
            role=row.role.name,
            kind=row.kind,
            head=row.name,
            rate=min(row.role.value, 1.0),  # a mean of sums of float32 may be a little above
            baseline=min(row.role.baseline, 1.0),
            texts=row.role_texts,
        )
        for rows in measures.heads().values()
        for row in rows
        if row.role
    ]


def _of_pairs(head: ScoredHead, texts: int) -> MeasuredRole:
    relation = head.relation
    return MeasuredRole(
        role=f"{relation.name}: {relation.direction}" if relation.name else relation.direction,
        kind=relation.kind,
        head=head.name,
        rate=head.rate,
        baseline=head.offset_rate,
        texts=texts,
        pairs=head.pairs,
        relation=relation.name or None,
    )
