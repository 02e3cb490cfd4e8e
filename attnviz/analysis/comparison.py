"""Two attentions side by side: the weights of each, their difference, and how far apart their heads are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from attnviz.analysis.common_cells import CommonCells
from attnviz.analysis.head_distance import MOST, head_distance
from attnviz.attention import Attention, Matrix, Trace
from attnviz.attention.shown_target import shown_target
from attnviz.head_names import LayerHead, head_name
from attnviz.kinds import Kind


@dataclass(frozen=True)
class HeadDistance:
    """The distance of head `head` in layer `layer` of A from head `with_head` in layer `with_layer` of B.

    `distance` is the sum over `rows` rows that `head_distance` gives, in nats.
    """

    kind: Kind
    layer: int
    head: int
    with_layer: int
    with_head: int
    distance: float
    rows: int

    @property
    def share(self) -> float:
        """The distance divided by the largest possible one: 0 for equal heads, 1 for heads with nothing in common."""
        return self.distance / (self.rows * MOST)

    @property
    def names(self) -> tuple[str, str]:
        """The names of the two heads: `L3H5`."""
        return head_name(self.layer, self.head), head_name(self.with_layer, self.with_head)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two heads, A and B, of two runs or of one run, and the distances of all heads that were compared.

    `traces` are those of A and B, `names` the names of the two heads (`L3H5`, `mean of 12 heads`), and `a` and `b` the
    attention of each head. `difference` is A − B in their common cells, and `matrices` are the weights there.
    `distances` are those of all heads, of every kind; with `is_one_run`, of each head of one run from every other.
    `left_out` lists in words what could not be compared, and `reason` says why these two heads are shown.
    """

    traces: tuple[Trace, Trace]
    names: tuple[str, str]
    a: Attention
    b: Attention
    difference: Attention
    matrices: tuple[Matrix, Matrix]
    distances: tuple[HeadDistance, ...]
    is_one_run: bool = False
    left_out: tuple[str, ...] = ()
    reason: str = ""

    def __repr__(self) -> str:
        rows, columns = self.matrices[0].shape
        largest = float(np.abs(self.difference.matrix(0, 0)).max(initial=0))
        return (
            f"<Comparison of {self.names[0]} and {self.names[1]}, {self.a.name}: {rows}×{columns} common cells, "
            f"largest difference {largest:.2f}; {len(self.distances)} distance{'s' * (len(self.distances) != 1)}>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The comparison in plain types: weights as nested lists `[row][column]`, a dictionary for each distance."""
        rows, columns = (
            [tokens[start].text for start, _ in cells]
            for tokens, cells in (
                (self.difference.queries, self.difference.rows),
                (self.difference.keys, self.difference.columns),
            )
        )
        sides = {
            side: {
                "model": trace.model,
                "text": trace.text,
                "target": shown_target(trace),
                "heads": name,
                "weights": weights,
            }
            for side, trace, name, weights in zip(
                "ab", self.traces, self.names, (one.tolist() for one in self.matrices), strict=True
            )
        }
        return {
            "kind": self.a.kind,
            "rows": rows,
            "columns": columns,
            **sides,
            "difference": self.difference.matrix(0, 0).tolist(),
            "distances": [{**asdict(one), "share": one.share} for one in self.distances],
            "left_out": list(self.left_out),
        }


def same_heads(cells: CommonCells) -> Iterator[HeadDistance]:
    """The distance of each head of A from the head of B with the same layer and number, if there is one."""
    yield from _distances(cells, lambda layer, head: [(layer, head)])


def every_two_heads(cells: CommonCells) -> Iterator[HeadDistance]:
    """The distance of each head of A from every head of B."""
    every = [(layer, head) for layer in cells.b.layers for head in cells.b.heads(layer)]
    yield from _distances(cells, lambda layer, head: every)


def _distances(cells: CommonCells, partners: Callable[[int, int], Sequence[LayerHead]]) -> Iterator[HeadDistance]:
    of_a, of_b = cells.distributions
    rows = len(cells.row_tokens)
    for layer in cells.a.layers:
        for index, head in enumerate(cells.a.heads(layer)):
            for other, numbers in _by_layer(cells.b, partners(layer, head)).items():
                indexes = [cells.b.heads(other).index(number) for number in numbers]
                found = head_distance(of_a[layer][index], of_b[other][indexes])
                for number, distance in zip(numbers, found.tolist(), strict=True):
                    yield HeadDistance(cells.a.kind, layer, head, other, number, distance, rows)


def _by_layer(attention: Attention, heads: Sequence[LayerHead]) -> Mapping[int, list[int]]:
    """The heads of each layer among `heads` that `attention` has."""
    found: dict[int, list[int]] = {}
    for layer, head in heads:
        if layer in attention.layers and head in attention.heads(layer):
            found.setdefault(layer, []).append(head)
    return found
