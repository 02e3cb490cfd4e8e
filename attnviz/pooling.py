"""A matrix of many tokens as a smaller one: parts of it, or cells that cover several tokens each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from attnviz.attention import Attention, HeadMatrices, HeadRows, Range, single_ranges
from attnviz.errors import SelectionError

FIRST = (0,)
"""Where tokens are pooled the first stands apart: every query of a decoder sees it, and many park weight there."""


def layout(
    tokens: int, chosen: Sequence[int] | None = None, cells: int | None = None, apart: Collection[int] = FIRST
) -> tuple[Range, ...]:
    """Which tokens each row, or each column, of a matrix covers.

    Those of `chosen` that there are stand alone. Without it, more than `cells` tokens are pooled by `pool_ranges`; None
    pools nothing.
    """
    if chosen is not None:
        return tuple((index, index + 1) for index in chosen if index < tokens)
    return pool_ranges(single_ranges(tokens), tokens, cells, apart)


def pool_ranges(
    have: Sequence[Range], tokens: int, cells: int | None, apart: Collection[int] = FIRST
) -> tuple[Range, ...]:
    """The ranges `have` joined to at most `cells`, the same number to each, but for the last before one that is alone.

    The tokens `apart` stay alone; where these are too many, only the first of the text does. What lacks some of the
    `tokens` is left as it is.
    """
    if cells is None or len(have) <= cells or sum(stop - start for start, stop in have) < tokens:
        return tuple(have)
    for kept in (apart, FIRST, ()):
        alone = [index for index, (start, stop) in enumerate(have) if stop - start == 1 and start in kept]
        edges = [-1, *alone, len(have)]
        between = [have[before + 1 : after] for before, after in pairwise(edges) if after - before > 1]
        if len(alone) + len(between) <= cells:
            break
    size = -(-(len(have) - len(alone)) // max(cells - len(alone), 1))
    while len(alone) + sum(-(-len(part) // size) for part in between) > cells:
        size += 1
    return tuple(
        sorted([*(have[index] for index in alone), *(cell for part in between for cell in join_ranges(part, size))])
    )


def reduce_attention(attention: Attention, rows: Sequence[Range], columns: Sequence[Range]) -> Attention:
    """`attention` with these rows and columns, each a range of tokens that are rows or columns of it, and contiguous.

    A cell holds the `largest` weight that it covers: a mean would lose thin bright lines. What each query gave to
    all keys is kept beside it. Raises SelectionError for a range that does not fall on rows or columns of `attention`.
    """
    if tuple(rows) == attention.rows and tuple(columns) == attention.columns:
        return attention
    row_units, column_units = _units(attention.rows, rows, "row"), _units(attention.columns, columns, "column")
    position = {query: index for index, query in enumerate(attention.covered)}
    covered = [position[query] for start, stop in rows for query in range(start, stop)]
    return replace(
        attention,
        by_layer={layer: _pooled(_pooled(A, row_units, 1), column_units, 2) for layer, A in attention.by_layer.items()},
        sink_mass={layer: mass[:, covered] for layer, mass in attention.sink_mass.items()},
        rows=tuple(rows),
        columns=tuple(columns),
        row_sums={layer: sums[:, covered] for layer, sums in _row_sums(attention).items()},
    )


def combine_heads(attention: Attention, how: str) -> Attention:
    """All heads as one, head 0 of layer 0: each cell is the `mean` of their weights there, or their largest, `max`.

    The rows of a mean still sum to 1, less what sinks took; those of a maximum may sum to more.
    """
    weights = [attention.weights(layer) for layer in attention.layers]
    count = sum(len(one) for one in weights)
    if how == "mean":
        matrix = np.sum([one.sum(0, dtype=np.float64) for one in weights], 0) / count
    else:
        matrix = np.max([one.max(0) for one in weights], 0)
    return replace(
        attention,
        by_layer={0: matrix[None].astype(np.float32)},
        head_numbers={0: (0,)},
        sink_mass={},
        groups={},
        row_sums={},
    )


def _row_sums(attention: Attention) -> Mapping[int, HeadRows]:
    if attention.row_sums:
        return attention.row_sums
    return {layer: weights.sum(-1) for layer, weights in attention.by_layer.items()}


def _units(have: Sequence[Range], wanted: Sequence[Range], what: str) -> list[Range]:
    """For each range of tokens that is wanted, the range of rows (or columns) that cover it."""
    first = {start: index for index, (start, _) in enumerate(have)}
    last = {stop: index + 1 for index, (_, stop) in enumerate(have)}
    units = []
    for start, stop in wanted:
        if start not in first or stop not in last:
            raise SelectionError(
                f"{what} {start} of this trace is not kept by itself",
                "Choose rows and columns that it has.",
            )
        units.append((first[start], last[stop]))
    return units


def _pooled(weights: HeadMatrices, units: Sequence[Range], axis: int) -> HeadMatrices:
    """The largest weight of each range along `axis`."""
    starts = [start for start, _ in units]
    if all(stop - start == 1 for start, stop in units):
        return np.take(weights, starts, axis)
    return largest(weights, starts, axis)


def largest(values: np.ndarray, starts: Sequence[int] | np.ndarray, axis: int) -> np.ndarray:
    """The value that is farthest from 0 in each run along `axis`, from one of `starts` to the next.

    With its sign, since differences of weights may be negative. What is not a number stays only where there is nothing
    else. On the device of a model `capture.buffers` does the same for weights, which are never negative.
    """
    most = np.fmax.reduceat(values, starts, axis)
    if values.dtype.kind != "f" or not (values < 0).any():
        return np.asarray(most)
    least = np.fmin.reduceat(values, starts, axis)
    return np.asarray(np.where(-least > most, least, most))


def join_ranges(cells: Sequence[Range], size: int) -> tuple[Range, ...]:
    """The tokens that `size` neighbours of `cells` cover together; the last may be fewer."""
    parts = (cells[index : index + size] for index in range(0, len(cells), size))
    return tuple((part[0][0], part[-1][1]) for part in parts)
