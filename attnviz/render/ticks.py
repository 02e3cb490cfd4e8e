"""Which rows and columns of a matrix have labels, and which, so that no label touches the next."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from attnviz.attention import Range, Token, borders

MOST = 32
"""An axis has at most this many labels, unless all of its cells fit."""


class Tick(NamedTuple):
    """A label and its position, in cells from the outer edge of the first cell."""

    position: float
    label: str


def words(labels: Sequence[str], most: int, prominent: Sequence[int] = ()) -> list[Tick]:
    """All `labels`, one a cell; if more than `most`, those of `prominent` cells and of every second, third … cell."""
    every = 1 if len(labels) <= most else -(-len(labels) // max(min(most, MOST), 1))
    first, rest = (
        [Tick(index + 0.5, labels[index]) for index in some] for some in (prominent, range(0, len(labels), every))
    )
    return rest if every == 1 else _apart(first, rest, len(labels) / max(most, 1))


def numbers(cells: Sequence[Range], most: float, prominent: Sequence[int] = ()) -> list[Tick]:
    """Round token numbers, about `most` of them, each in the middle of its token.

    The first tokens of `prominent` cells take precedence over them.
    """
    first, last = cells[0][0], cells[-1][1] - 1
    step = round_step((last - first) / max(min(most, MOST), 1))
    numbers_to_show = range(-(-first // step) * step, last + 1, step)
    spans = [(index, start, stop) for index, (start, stop) in enumerate(cells)]
    round_ones = [
        Tick(index + (token - start + 0.5) / (stop - start), str(token))
        for token in numbers_to_show
        for index, start, stop in spans
        if start <= token < stop
    ]
    shining = [Tick(index + 0.5 / (cells[index][1] - cells[index][0]), str(cells[index][0])) for index in prominent]
    return _apart(shining, round_ones, len(cells) / max(most, 1))


def _apart(first: Sequence[Tick], rest: Sequence[Tick], pitch: float) -> list[Tick]:
    """Those of `first`, then of `rest`, that are at least `pitch` cells from all of `first` that were taken before."""
    kept: list[Tick] = []
    for tick in first:
        if _is_free(tick, kept, pitch):
            kept.append(tick)
    return sorted([*kept, *(tick for tick in rest if _is_free(tick, kept, pitch))])


def _is_free(tick: Tick, others: Sequence[Tick], pitch: float) -> bool:
    return all(abs(tick.position - other.position) >= pitch - 1e-6 for other in others)


def is_numbered(cells: Sequence[Range]) -> bool:
    """Whether cells are labelled by token numbers: they follow each other, and some cover several tokens."""
    return any(stop - start > 1 for start, stop in cells) and all(a[1] == b[0] for a, b in pairwise(cells))


def axis_name(name: str, cells: Sequence[Range], numbered: bool) -> str:
    """The name of an axis; where cells cover several tokens, with how many."""
    return f"{name}: {token_count(cells)}{', numbered' * numbered}" if is_numbered(cells) else name


def token_count(cells: Sequence[Range]) -> str:
    """How many tokens there are in all, and how many in a cell."""
    sizes = [stop - start for start, stop in cells]
    return f"{sum(sizes)} tokens" if max(sizes) == 1 else f"{sum(sizes)} tokens, {max(sizes)} in a cell"


def pooling_note(rows: Sequence[Range], columns: Sequence[Range]) -> str:
    """What a cell shows of several tokens; "" where each cell covers one."""
    down, across = (max(stop - start for start, stop in cells) for cells in (rows, columns))
    return "" if down == across == 1 else f"each cell: the largest weight of {down} × {across} tokens"


def segments(tokens: Sequence[Token], cells: Sequence[Range]) -> list[int]:
    """The cells, except the first, in or before which another part of the input begins."""
    starts = borders(tokens)
    found = (next((index for index, (_, stop) in enumerate(cells) if stop > start), 0) for start in starts)
    return sorted({index for index in found if index})


def round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is at least `least`."""
    step = 1
    while step < least:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return step
