"""Smaller matrices: only some rows and columns, or cells that cover several tokens each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from attnviz.attention import (
    BY_QUERY,
    Attention,
    HeadKeyNorms,
    HeadKeys,
    HeadMatrices,
    HeadRows,
    Range,
    single_ranges,
    tokens_of,
)
from attnviz.attention.peaks import find_peaks
from attnviz.errors import SelectionError

FIRST = (0,)
"""The first token is never pooled with others: each query of a decoder sees it, and many give it much weight."""


def layout(
    tokens: int, chosen: Sequence[int] | None = None, cells: int | None = None, apart: Collection[int] = FIRST
) -> tuple[Range, ...]:
    """Which tokens each row (or each column) of a matrix covers.

    With `chosen`, one row for each of these tokens that is below `tokens`. Without it, `pool_ranges` pools more than
    `cells` tokens; None pools nothing.
    """
    if chosen is not None:
        return tuple((index, index + 1) for index in chosen if index < tokens)
    return pool_ranges(single_ranges(tokens), tokens, cells, apart)


def pool_ranges(
    ranges: Sequence[Range], tokens: int, cells: int | None, apart: Collection[int] = FIRST
) -> tuple[Range, ...]:
    """Join neighbouring `ranges` to at most `cells`, each of the same number of ranges; only a last one can have fewer.

    The tokens `apart` are not joined to others; if they are too many, only the first token of the text is not. Ranges
    that do not cover all `tokens` are returned unchanged.
    """
    if cells is None or len(ranges) <= cells or sum(stop - start for start, stop in ranges) < tokens:
        return tuple(ranges)
    for singles in (apart, FIRST, ()):
        alone = [index for index, (start, stop) in enumerate(ranges) if stop - start == 1 and start in singles]
        edges = [-1, *alone, len(ranges)]
        between = [ranges[before + 1 : after] for before, after in pairwise(edges) if after - before > 1]
        if len(alone) + len(between) <= cells:
            break
    size = -(-(len(ranges) - len(alone)) // max(cells - len(alone), 1))
    while len(alone) + sum(-(-len(part) // size) for part in between) > cells:
        size += 1
    return tuple(
        sorted([*(ranges[index] for index in alone), *(cell for part in between for cell in join_ranges(part, size))])
    )


def reduce_attention(attention: Attention, rows: Sequence[Range], columns: Sequence[Range]) -> Attention:
    """`attention` with these rows and columns, each a range of tokens that joins whole rows or columns of it.

    A cell holds the `largest` weight that it covers, because a mean would lose thin bright lines. `row_sums` still
    holds what each query gave to all keys. Raises SelectionError for a range that would split a row or a column.
    """
    if tuple(rows) == attention.rows and tuple(columns) == attention.columns:
        return attention
    row_parts = _index_ranges(attention.rows, rows, "row")
    column_parts = _index_ranges(attention.columns, columns, "column")
    position = {query: index for index, query in enumerate(attention.covered)}
    covered = [position[query] for query in tokens_of(rows)]
    by_query = {name: getattr(attention, name) for name in BY_QUERY} | {"row_sums": _row_sums(attention)}
    by_query |= dict(zip(("peak_keys", "peak_weights"), _peaks(attention, rows, columns), strict=True))
    kept: dict[str, Any] = {
        name: {layer: one[:, covered] for layer, one in arrays.items()} for name, arrays in by_query.items()
    }
    return replace(
        attention,
        by_layer={layer: _pooled(_pooled(A, row_parts, 1), column_parts, 2) for layer, A in attention.by_layer.items()},
        rows=tuple(rows),
        columns=tuple(columns),
        value_norms=_norms_of(attention, tokens_of(columns)),
        projections={},  # they are those of single tokens
        **kept,
    )


def combine_heads(attention: Attention, how: str) -> Attention:
    """All heads as one, head 0 of layer 0: each cell is the `mean` or the `max` of the heads' weights in that cell.

    The rows of a mean still sum to 1 minus the mean of what sinks took; the rows of a maximum can sum to more.
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
        peak_keys={},
        peak_weights={},
        value_norms={},
        projections={},
    )


def _norms_of(attention: Attention, keys: Sequence[int]) -> dict[int, HeadKeyNorms]:
    """The value norms of these `keys`, which the columns cover."""
    position = {key: index for index, key in enumerate(tokens_of(attention.columns))}
    return {layer: norms[:, [position[key] for key in keys]] for layer, norms in attention.value_norms.items()}


def _row_sums(attention: Attention) -> Mapping[int, HeadRows]:
    if attention.row_sums:
        return attention.row_sums
    return {layer: weights.sum(-1) for layer, weights in attention.by_layer.items()}


def _peaks(
    attention: Attention, rows: Sequence[Range], columns: Sequence[Range]
) -> tuple[Mapping[int, HeadKeys], Mapping[int, HeadRows]]:
    """`peak_keys` and `peak_weights` of all queries, for these rows and columns; nothing where they are not known.

    Cells of one token need none.
    """
    keys = tokens_of(columns)
    if attention.is_pooled:
        same = keys == tokens_of(attention.columns)
        return (attention.peak_keys, attention.peak_weights) if same else ({}, {})
    if all(stop - start == 1 for start, stop in (*rows, *columns)):
        return {}, {}
    of_keys = reduce_attention(attention, attention.rows, [(key, key + 1) for key in keys])
    peaks = {layer: find_peaks(of_keys, layer) for layer in attention.layers}
    return {layer: one.keys for layer, one in peaks.items()}, {layer: one.weights for layer, one in peaks.items()}


def _index_ranges(ranges: Sequence[Range], targets: Sequence[Range], name: str) -> list[Range]:
    """For each target range of tokens, the indices of the `ranges` (rows or columns) that it joins."""
    first = {start: index for index, (start, _) in enumerate(ranges)}
    last = {stop: index + 1 for index, (_, stop) in enumerate(ranges)}
    indices = []
    for start, stop in targets:
        if start not in first or stop not in last:
            raise SelectionError(
                f"{name} {start} of this trace was pooled with others or left out",
                "Choose rows and columns that it has.",
            )
        indices.append((first[start], last[stop]))
    return indices


def _pooled(weights: HeadMatrices, indices: Sequence[Range], axis: int) -> HeadMatrices:
    """The largest weight of each range of indices along `axis`."""
    starts = [start for start, _ in indices]
    if all(stop - start == 1 for start, stop in indices):
        return np.take(weights, starts, axis)
    return largest(weights, starts, axis)


def largest(values: np.ndarray, starts: Sequence[int] | np.ndarray, axis: int) -> np.ndarray:
    """The value farthest from 0, with its sign, of each run along `axis`; a run goes from one of `starts` to the next.

    The sign matters because differences of weights can be negative. NaN is the result only if a run has no number.
    `capture.buffers` does the same on the device of a model, for weights, which are never negative.
    """
    most = np.fmax.reduceat(values, starts, axis)
    if values.dtype.kind != "f" or not (values < 0).any():
        return np.asarray(most)
    least = np.fmin.reduceat(values, starts, axis)
    return np.asarray(np.where(-least > most, least, most))


def join_ranges(cells: Sequence[Range], size: int) -> tuple[Range, ...]:
    """Join every `size` neighbours of `cells` to one range; the last can be of fewer."""
    parts = (cells[index : index + size] for index in range(0, len(cells), size))
    return tuple((part[0][0], part[-1][1]) for part in parts)
