"""Heads as one image of 256 colours, with one byte per pixel, so that thousands of heads need little memory."""

from collections.abc import Iterable, Sequence

import numpy as np

from attnviz.pooling import largest
from attnviz.render.scale import Scale

WEIGHTS = 222
"""The number of colours for weights; the last colours, for text, run from the background to `muted` and to `ink`."""
BLANK, HAIRLINE, BACKGROUND, MUTED, INK = WEIGHTS, WEIGHTS + 1, 224, 240, 255
"""The indices of masked cells, of thin lines between and around cells, and of the three colours of text."""
HATCHED = (BACKGROUND + MUTED) // 2 + 2
"""The colour of the lines on cells that were taken out."""
FRAME = 1
"""The line around each tile, in pixels."""
LINED = 0.1
"""Cells of at least this width and height, in inches, have thin lines between them."""
HAIR = 0.6
"""The width of these lines and of the frame of a heatmap, in points."""

_KEPT = np.linspace(0, 255, WEIGHTS).round().astype(int)
_SLOTS = np.linspace(0, WEIGHTS - 1, 256).round().astype(np.uint8)

Pixel = tuple[int, int]
"""A row and a column of pixels."""


def table(scale: Scale) -> np.ndarray:
    """The colours, uint8 `[256, 3]`."""
    theme = scale.theme
    lines = np.array([rgb(theme.blank), rgb(theme.hairline)], np.uint8)
    stops = np.array([rgb(colour) for colour in (theme.background, theme.muted, theme.ink)])
    letters = [np.interp(range(BACKGROUND, 256), (BACKGROUND, MUTED, INK), channel).round() for channel in stops.T]
    return np.concatenate([scale.colours[_KEPT], lines, np.stack(letters, 1).astype(np.uint8)])


def alpha() -> np.ndarray:
    """How opaque each colour of `table` is on a transparent page, uint8 `[256]`: the edges of letters fade out."""
    opaque = np.full(256, 255, np.uint8)
    opaque[BACKGROUND:MUTED] = np.linspace(0, 255, MUTED - BACKGROUND, endpoint=False).round()
    return opaque


def slots(indices: np.ndarray) -> np.ndarray:
    """The indices in the table of the colours 0–255 of a scale, uint8."""
    return np.asarray(_SLOTS[indices])


def mosaic(heads: Iterable[np.ndarray], corners: Sequence[Pixel], tile: Pixel, over: np.ndarray) -> np.ndarray:
    """The tiles of `heads`, each in a thin frame, as uint8 `[pixel row, pixel column]`, colours of `table`.

    Each of `heads` is uint8 `[row, column]`. `corners` are the first pixel row and column of each tile, and `tile` is
    its height and width in pixels. `over`, uint8 `[height, width]`, is drawn over each tile where it is not 0: BLANK,
    INK. Frames are outside of the tiles, and the image begins FRAME pixels before the first tile.
    """
    ends = [max(corner[axis] for corner in corners) + tile[axis] + 2 * FRAME for axis in (0, 1)]
    image, free = np.full(ends, BACKGROUND, np.uint8), over == 0
    for (y, x), cells in zip(corners, heads, strict=True):
        image[y : y + tile[0] + 2 * FRAME, x : x + tile[1] + 2 * FRAME] = HAIRLINE
        part = image[y + FRAME : y + FRAME + tile[0], x + FRAME : x + FRAME + tile[1]]
        part[...] = np.where(free, resized(cells, *tile), over)
    return image


def heatmap(weights: np.ndarray, scale: Scale, height: int, width: int, thick: int = 0) -> np.ndarray:
    """`weights` as uint8 `[pixel row, pixel column]`, colours of `table`, with lines `thick` pixels wide between cells.

    `weights` are nan where a cell is blank. Cells smaller than a pixel are pooled by their largest weight.
    """
    shown = resized(weights, *(min(pair) for pair in zip(weights.shape, (height, width), strict=True)))
    blank = np.isnan(shown)
    shades = np.where(blank, BLANK, slots(scale.indices(np.where(blank, 0.0, shown)))).astype(np.uint8)
    rows, columns = shades.shape
    image = shades[owners(rows, height)][:, owners(columns, width)]
    if thick:
        for along, cells, pixels in ((image, rows, height), (image.T, columns, width)):
            lines = split_lines(cells, pixels, thick)
            along[lines] = np.where(along[lines] == BLANK, BLANK, HAIRLINE)
    return np.asarray(image)


def owners(cells: int, pixels: int) -> np.ndarray:
    """The index of the cell that each pixel shows, `[pixel]`."""
    return np.arange(pixels) * cells // pixels


def split_lines(cells: int, pixels: int, thick: int) -> np.ndarray:
    """Which pixels belong to lines between cells, `thick` pixels wide, bool `[pixel]`."""
    line = np.zeros(pixels, bool)
    begins = np.nonzero(np.diff(owners(cells, pixels)))[0] + 1
    line[(begins[:, None] - thick // 2 + np.arange(thick)).ravel()] = True
    return line


def resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """`values` `[row, column, …]` as pixels `[height, width, …]`: repeated, or pooled by their largest value."""
    for axis, size in ((0, height), (1, width)):
        n = values.shape[axis]
        if n <= size:
            values = np.take(values, np.arange(size) * n // size, axis)
        else:
            values = largest(values, np.arange(size) * n // size, axis)
    return values


def edge(cell: int, cells: int, pixels: int) -> int:
    """The first pixel of the cell with index `cell`, of `cells` in `pixels`; or the pixel that it shares."""
    return -(-cell * pixels // cells) if cells <= pixels else ((cell + 1) * pixels - 1) // cells


def rgb(colour: str) -> list[int]:
    """`#rrggbb` as three numbers up to 255."""
    return [int(colour[index : index + 2], 16) for index in (1, 3, 5)]
