"""Heads as one image of 256 colours, a byte a pixel: thousands of them take no more than their pixels."""

from collections.abc import Iterable, Sequence

import numpy as np

from attnviz.render.scale import Scale

WEIGHTS = 224
"""So many of the colours are for weights; the others lead from paper through the lesser text's to ink, for letters."""
PAPER, MUTED, INK = WEIGHTS, WEIGHTS + 16, 255

_KEPT = np.linspace(0, 255, WEIGHTS).round().astype(int)
_SLOTS = np.linspace(0, WEIGHTS - 1, 256).round().astype(np.uint8)

Pair = tuple[int, int]


def table(scale: Scale) -> np.ndarray:
    """The colours, uint8 `[256, 3]`."""
    weights = scale.colours[_KEPT]
    stops = np.array([_rgb(colour) for colour in (scale.theme.paper, scale.theme.muted, scale.theme.ink)])
    letters = [np.interp(range(PAPER, 256), (PAPER, MUTED, INK), channel).round() for channel in stops.T]
    return np.concatenate([weights, np.stack(letters, 1).astype(np.uint8)])


def slots(indices: np.ndarray) -> np.ndarray:
    """Where in the table the colours 0–255 of a scale stand, uint8."""
    return np.asarray(_SLOTS[indices])


def mosaic(heads: Iterable[np.ndarray], places: Sequence[Pair], tile: Pair, gap: Pair, over: np.ndarray) -> np.ndarray:
    """The tiles of `heads` on paper, uint8 `[pixel row, pixel column]`, colours of `table`.

    Each of `heads` is uint8 `[row, column]`, `places` are their rows and columns in the grid; `tile` and `gap` are
    heights and widths in pixels. `over`, uint8 `[high, wide]`, is drawn over each tile where it is not 0: PAPER, INK.
    """
    steps = tile[0] + gap[0], tile[1] + gap[1]
    shape = [(1 + max(place[axis] for place in places)) * steps[axis] - gap[axis] for axis in (0, 1)]
    image, free = np.full(shape, PAPER, np.uint8), over == 0
    for (row, column), cells in zip(places, heads, strict=True):
        y, x = row * steps[0], column * steps[1]
        image[y : y + tile[0], x : x + tile[1]] = np.where(free, resized(cells, *tile), over)
    return image


def resized(values: np.ndarray, high: int, wide: int) -> np.ndarray:
    """`values` `[row, column]` as `[high, wide]` pixels: repeated, or where pixels are fewer the largest of some."""
    for axis, size in ((0, high), (1, wide)):
        n = values.shape[axis]
        if n <= size:
            values = np.take(values, np.arange(size) * n // size, axis)
        else:
            values = np.maximum.reduceat(values, np.arange(size) * n // size, axis)
    return values


def edge(cell: float, cells: int, pixels: int) -> int:
    """The first pixel of a cell by its number, of so many cells in so many pixels."""
    return int(-(-cell * pixels // cells))


def _rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
