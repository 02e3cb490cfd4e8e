"""Heads as one image of 256 colours, a byte a pixel: thousands of them take no more than their pixels."""

from collections.abc import Iterable, Sequence

import numpy as np

from attnviz.render.scale import Scale

WEIGHTS = 222
"""So many of the colours are for weights; the last lead from paper through the lesser text's to ink, for letters."""
BLANK, HAIR, PAPER, MUTED, INK = WEIGHTS, WEIGHTS + 1, 224, 240, 255
"""A cell that may not be looked at, thin lines between and around cells, and the ends and middle of the letters."""
FRAME = 1
"""The line around each tile, in pixels."""

_KEPT = np.linspace(0, 255, WEIGHTS).round().astype(int)
_SLOTS = np.linspace(0, WEIGHTS - 1, 256).round().astype(np.uint8)

Pair = tuple[int, int]


def table(scale: Scale) -> np.ndarray:
    """The colours, uint8 `[256, 3]`."""
    theme = scale.theme
    lines = np.array([_rgb(theme.blank), _rgb(theme.hair)], np.uint8)
    stops = np.array([_rgb(colour) for colour in (theme.paper, theme.muted, theme.ink)])
    letters = [np.interp(range(PAPER, 256), (PAPER, MUTED, INK), channel).round() for channel in stops.T]
    return np.concatenate([scale.colours[_KEPT], lines, np.stack(letters, 1).astype(np.uint8)])


def slots(indices: np.ndarray) -> np.ndarray:
    """Where in the table the colours 0–255 of a scale stand, uint8."""
    return np.asarray(_SLOTS[indices])


def mosaic(heads: Iterable[np.ndarray], places: Sequence[Pair], tile: Pair, gap: Pair, over: np.ndarray) -> np.ndarray:
    """The tiles of `heads` on paper, each in a thin frame, uint8 `[pixel row, pixel column]`, colours of `table`.

    Each of `heads` is uint8 `[row, column]`, `places` are their rows and columns in the grid; `tile` and `gap` are
    heights and widths in pixels. `over`, uint8 `[high, wide]`, is drawn over each tile where it is not 0: BLANK, INK.
    The frames stand around the tiles: the first tile begins at pixel FRAME, FRAME.
    """
    steps = tile[0] + gap[0], tile[1] + gap[1]
    shape = [(1 + max(place[axis] for place in places)) * steps[axis] - gap[axis] + 2 * FRAME for axis in (0, 1)]
    image, free = np.full(shape, PAPER, np.uint8), over == 0
    corners = [(row * steps[0] + FRAME, column * steps[1] + FRAME) for row, column in places]
    for y, x in corners:
        image[y - FRAME : y + tile[0] + FRAME, x - FRAME : x + tile[1] + FRAME] = HAIR
    for (y, x), cells in zip(corners, heads, strict=True):
        image[y : y + tile[0], x : x + tile[1]] = np.where(free, resized(cells, *tile), over)
    return image


def resized(values: np.ndarray, high: int, wide: int) -> np.ndarray:
    """`values` `[row, column, …]` as `[high, wide, …]` pixels: repeated, or where pixels are fewer the largest of some.

    Not a number is less than any number, so that it stays only where there is nothing else.
    """
    for axis, size in ((0, high), (1, wide)):
        n = values.shape[axis]
        if n <= size:
            values = np.take(values, np.arange(size) * n // size, axis)
        else:
            values = np.fmax.reduceat(values, np.arange(size) * n // size, axis)
    return values


def edge(cell: float, cells: int, pixels: int) -> int:
    """The first pixel of a cell by its number, of so many cells in so many pixels."""
    return int(-(-cell * pixels // cells))


def _rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
