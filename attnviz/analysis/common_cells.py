"""The common rows and columns of two attentions of one kind: those of the words that both texts have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.alignment import align
from attnviz.attention import Attention, HeadMatrices, Matrix, Range, Token

Numbers = tuple[int, ...]
"""The numbers of rows, or of columns, of a matrix."""
Distributions = dict[int, NDArray[np.float64]]
"""Layer → `[head, row, column]`; each row sums to 1."""


@dataclass(frozen=True, eq=False)
class CommonCells:
    """The common `rows` and `columns` of two attentions, as their numbers in `a` and in `b`, in order.

    `queries` and `keys` are the tokens of `a` that both texts have; `row_tokens` and `column_tokens` are the numbers of
    those that have a row or a column. `only_a` and `only_b` are the tokens that the other text does not have.
    """

    a: Attention
    b: Attention
    queries: tuple[Token, ...]
    keys: tuple[Token, ...]
    row_tokens: Numbers
    column_tokens: Numbers
    rows: tuple[Numbers, Numbers]
    columns: tuple[Numbers, Numbers]
    only_a: tuple[Token, ...]
    only_b: tuple[Token, ...]

    @property
    def matrices(self) -> tuple[dict[int, HeadMatrices], dict[int, HeadMatrices]]:
        """The weights of `a` and of `b` in those rows and columns, layer → `[head, row, column]`."""
        first, second = (
            {layer: one.weights(layer)[:, rows][:, :, columns] for layer in one.layers}
            for one, rows, columns in zip((self.a, self.b), self.rows, self.columns, strict=True)
        )
        return first, second

    @property
    def distributions(self) -> tuple[Distributions, Distributions]:
        """The same in float64. If a row also has weight elsewhere, all rows get one more column with that weight.

        Elsewhere are keys that only one text has, keys that were not captured, and learned sinks.
        """
        first, second = ({layer: A.astype(np.float64) for layer, A in one.items()} for one in self.matrices)
        is_whole = all(len(one.keys) == len(self.column_tokens) and not one.sink_mass for one in (self.a, self.b))
        if not is_whole:
            for one, rows, weights in zip((self.a, self.b), self.rows, (first, second), strict=True):
                for layer in weights:
                    sums = (
                        one.row_sums[layer] if layer in one.row_sums else one.weights(layer).sum(-1, dtype=np.float64)
                    )
                    total = sums + one.sink_mass.get(layer, np.zeros_like(sums))
                    rest = np.maximum(total[:, rows] - weights[layer].sum(-1), 0)
                    weights[layer] = np.concatenate([weights[layer], rest[..., None]], -1)
        return first, second

    def attention(self, weights: Matrix) -> Attention:
        """`weights` `[row, column]` of the common cells, such as a difference, as head 0 of layer 0."""
        written = None
        if self.a.predicts and self.b.predicts:  # a row is named by the token that it writes, if both write the same
            pairs = align(_texts(self.a.queries), _texts(self.b.queries))
            written = tuple(_same(self.a.predicts[i], self.b.predicts[j]) for i, j in pairs)
        return replace(
            self.a,
            queries=self.queries,
            keys=self.keys,
            by_layer={0: weights[None].astype(np.float32)},
            head_numbers={0: (0,)},
            sink_mass={},
            groups={},
            row_sums={},
            value_norms={},
            projections={},
            predicts=written,
            rows=tuple((token, token + 1) for token in self.row_tokens),
            columns=tuple((token, token + 1) for token in self.column_tokens),
        )


def common_cells(a: Attention, b: Attention) -> CommonCells:
    """The common cells of two attentions of one kind whose rows and columns cover one token each."""
    queries = align(_texts(a.queries), _texts(b.queries))
    keys = align(_texts(a.keys), _texts(b.keys))
    row_tokens, rows = _kept(queries, a.rows, b.rows)
    column_tokens, columns = _kept(keys, a.columns, b.columns)
    return CommonCells(
        a,
        b,
        tuple(a.queries[index] for index, _ in queries),
        tuple(a.keys[index] for index, _ in keys),
        row_tokens,
        column_tokens,
        rows,
        columns,
        _others(a, [index for index, _ in queries], [index for index, _ in keys]),
        _others(b, [index for _, index in queries], [index for _, index in keys]),
    )


def _texts(tokens: Sequence[Token]) -> list[str]:
    return [token.text for token in tokens]


def _same(written: Token | None, other: Token | None) -> Token | None:
    return written if written and other and written.text == other.text else None


def _kept(
    pairs: Sequence[tuple[int, int]], of_a: Sequence[Range], of_b: Sequence[Range]
) -> tuple[Numbers, tuple[Numbers, Numbers]]:
    """The `pairs` of tokens that have a row (or a column) in both, and the numbers of these rows in each."""
    in_a, in_b = ({start: number for number, (start, _) in enumerate(cells)} for cells in (of_a, of_b))
    kept = [number for number, (i, j) in enumerate(pairs) if i in in_a and j in in_b]
    return tuple(kept), (tuple(in_a[pairs[n][0]] for n in kept), tuple(in_b[pairs[n][1]] for n in kept))


def _others(attention: Attention, queries: Sequence[int], keys: Sequence[int]) -> tuple[Token, ...]:
    """The queries that are not common, and the keys, if they are other tokens than the queries."""
    sides = [(attention.queries, queries)]
    if attention.keys != attention.queries:
        sides.append((attention.keys, keys))
    return tuple(tokens[index] for tokens, shared in sides for index in range(len(tokens)) if index not in shared)
