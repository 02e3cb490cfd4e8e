"""A matrix of weights as lines of the terminal: cells of several columns, or half-block pixels."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from rich.segment import Segment

from attnviz.attention import Matrix, Range, Row
from attnviz.pooling import join_ranges, largest
from attnviz.render.scene import Scene
from attnviz.render.terminal.cells import DIM, Line
from attnviz.render.terminal.colours import Brush
from attnviz.render.ticks import segments

Cuts = tuple[Sequence[int], Sequence[int]]
"""The rows, and the columns, before which a thin line is drawn."""


def pooled(weights: Matrix, block: Range) -> Matrix:
    """`weights` `[row, column]` in blocks of `block` rows and columns, each by its `largest` weight."""
    for axis, size in enumerate(block):
        if size > 1:
            weights = largest(weights, np.arange(0, weights.shape[axis], size), axis)
    return weights


def cuts(scene: Scene, block: Range = (1, 1)) -> Cuts:
    """The rows and columns of `scene`, pooled by `block`, at which another part of the input begins."""
    attention = scene.attention
    return (
        segments(attention.queries, join_ranges(attention.rows, block[0])),
        segments(attention.keys, join_ranges(attention.columns, block[1])),
    )


def parts(size: int, cuts: Sequence[int]) -> list[range]:
    """`range(size)`, split at `cuts`."""
    edges = [0, *cuts, size]
    return [range(start, stop) for start, stop in pairwise(edges)]


def lines(
    brush: Brush, weights: Matrix, cell: int, halves: bool, cuts: Cuts = ((), ()), annotate: bool = False
) -> Iterator[tuple[int | None, Line]]:
    """The lines of `weights` `[row, column]`, in cells of `cell` columns, each with the index of its (first) row.

    nan is an empty cell. With `halves`, cells are one column wide and half a line high. `annotate` writes the weights
    into the cells, the largest of each row in bold. A thin line, whose row is None, is drawn at each of `cuts`.
    """
    blank = np.isnan(weights)
    indices = np.where(blank, -1, brush.scale.indices(np.where(blank, 0, weights)).astype(int)).tolist()
    across = parts(weights.shape[1], cuts[1])
    nothing = [-1] * weights.shape[1]
    for index, rows in enumerate(parts(len(weights), cuts[0])):
        if index:
            yield None, [Segment(brush.written("┼".join("─" * (len(part) * cell) for part in across)), DIM)]
        for y in rows[:: 2 if halves else 1]:
            line: Line = []
            for part in across:
                line += [Segment(brush.written("│"), DIM)] if line else []
                if halves:
                    below = indices[y + 1] if y + 1 in rows else nothing
                    line += [brush.pair(indices[y][x], below[x]) for x in part]
                elif annotate:
                    line += _annotated(brush, weights[y], indices[y], part, cell)
                else:
                    line += [brush.cell(indices[y][x], cell) for x in part]
            yield y, line


def _annotated(brush: Brush, row: Row, indices: list[int], part: range, cell: int) -> Line:
    peak = np.nanmax(np.abs(row), initial=0.0)
    texts = ["" if np.isnan(weight) else brush.number(weight) for weight in row]
    return [brush.cell(indices[x], cell, texts[x], abs(row[x]) == peak) for x in part]
