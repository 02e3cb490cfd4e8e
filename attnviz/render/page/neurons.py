"""The queries and keys of a layer, and the terms of its scores, as the page holds them."""

from dataclasses import dataclass, field
from typing import Any

from attnviz.attention.projections import Projections, Vectors
from attnviz.labels import visible
from attnviz.render.page.packing import packed_numbers


@dataclass(frozen=True)
class NumberBlocks:
    """Packed arrays, each once: heads of one group have the same keys, and many heads the same mask."""

    names: dict[str, str] = field(default_factory=dict)

    def name_of(self, numbers: Vectors) -> str:
        """The name of the block that has `numbers`: `n0`, `n1`, …"""
        return self.names.setdefault(packed_numbers(numbers), f"n{len(self.names)}")

    @property
    def by_name(self) -> dict[str, str]:
        """The packed arrays by their names."""
        return {name: block for block, name in self.names.items()}


def neurons_of(projections: Projections, blocks: NumberBlocks) -> dict[str, Any]:
    """What the page is told of `projections`, whose arrays go into `blocks`.

    A head has the names of its blocks: `rotated` and, where they are known, `unrotated`, each of its queries
    `[query, d_k]` and of its keys `[key, d_k]`, and `terms`, each a name and a block `[query, key]`.
    """
    p = projections

    def pair(queries: Vectors | None, keys: Vectors | None, head: int) -> list[str] | None:
        return None if queries is None or keys is None else [blocks.name_of(array[head]) for array in (queries, keys)]

    heads = [
        {
            "rotated": pair(p.queries, p.keys, head),
            "unrotated": pair(p.unrotated_queries, p.unrotated_keys, head),
            "terms": [
                [visible(name), blocks.name_of(term[0 if len(term) == 1 else head])] for name, term in p.terms.items()
            ],
            "sink": None if p.sinks is None else float(p.sinks[head]),
        }
        for head in range(len(p.queries))
    ]
    return {"size": p.queries.shape[2], "scale": p.scale, "softcap": p.softcap, "heads": heads}
