"""What every head does over many texts: the mean, spread and count of each measure, and the role from the means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.head_table import COLUMNS, HeadRow, measure_values
from attnviz.analysis.moments import Moments
from attnviz.analysis.role import ROLES, fitting_role, role_baselines, role_values
from attnviz.attention import Attention, HeadValues
from attnviz.kinds import Kind


@dataclass(frozen=True)
class CorpusHead(HeadRow):
    """One head over many texts: `values` are the means of its measures, `spreads` their standard deviations.

    `texts` counts the texts in which each measure applies. The spread over fewer than two texts is nan. The `role`
    compares the mean of its measure with the mean of uniform attention, over `role_texts` texts.
    """

    spreads: Mapping[str, float]
    texts: Mapping[str, int]
    role_texts: int = 0


@dataclass(frozen=True, eq=False)
class HeadStatistics:
    """Running sums over texts for the `heads`, (layer, head), of one kind of attention; all texts have equal weight.

    `measures` are `[head, column]`, `roles` `[head, role]`, and `baselines` `[role]`. The sums of two parts of a corpus
    add up to those of both.
    """

    kind: Kind
    heads: tuple[tuple[int, int], ...]
    measures: Moments
    roles: Moments
    baselines: Moments

    @classmethod
    def of(cls, attention: Attention) -> "HeadStatistics":
        """The sums of one text."""
        heads = tuple((layer, head) for layer in attention.layers for head in attention.heads(layer))
        measures = [_stacked(measure_values(attention, layer), COLUMNS) for layer in attention.layers]
        roles = [_stacked(role_values(attention, layer), ROLES) for layer in attention.layers]
        least = role_baselines(attention)
        baselines = np.array([least.get(name, np.nan) for name in ROLES])
        of_measures, of_roles = (Moments.of(np.concatenate(values)) for values in (measures, roles))
        return cls(attention.kind, heads, of_measures, of_roles, Moments.of(baselines))

    def __add__(self, other: "HeadStatistics") -> "HeadStatistics":
        assert (self.kind, self.heads) == (other.kind, other.heads)
        sums = self.measures + other.measures, self.roles + other.roles, self.baselines + other.baselines
        return HeadStatistics(self.kind, self.heads, *sums)

    def rows(self) -> list[CorpusHead]:
        """The heads with their numbers, by layer and head."""
        means, spreads, roles = self.measures.means, self.measures.spreads, self.roles.means
        baselines = dict(zip(ROLES, self.baselines.means, strict=True))
        rows = []
        for index, (layer, head) in enumerate(self.heads):
            role = fitting_role(dict(zip(ROLES, roles[index], strict=True)), baselines)
            texts = self.roles.count[index, [*ROLES].index(role.name)] if role else 0
            rows.append(
                CorpusHead(
                    kind=self.kind,
                    layer=layer,
                    head=head,
                    role=role,
                    values=dict(zip(COLUMNS, means[index].tolist(), strict=True)),
                    link=None,
                    spreads=dict(zip(COLUMNS, spreads[index].tolist(), strict=True)),
                    texts=dict(zip(COLUMNS, self.measures.count[index].astype(int).tolist(), strict=True)),
                    role_texts=int(texts),
                )
            )
        return rows


def _stacked(values: Mapping[str, HeadValues], names: Mapping[str, object] | tuple[str, ...]) -> NDArray[np.float64]:
    """`values` `[head]` as `[head, name]`; nan for a name without values."""
    heads = len(next(iter(values.values())))
    return np.stack([np.asarray(values.get(name, np.full(heads, np.nan)), np.float64) for name in names], axis=-1)
