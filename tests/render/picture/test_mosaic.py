"""The image of many heads, compared with one that is made pixel by pixel."""

import numpy as np
import pytest

from attnviz.render.options import PlotOptions
from attnviz.render.picture.mosaic import (
    BACKGROUND,
    BLANK,
    FRAME,
    HAIRLINE,
    INK,
    MUTED,
    WEIGHTS,
    edge,
    mosaic,
    resized,
    slots,
    table,
)
from attnviz.render.scale import scale_of


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_the_table_holds_the_scale_and_the_inks(theme: str) -> None:
    scale = scale_of(PlotOptions(theme=theme), [1.0])
    colours = table(scale)
    assert colours.shape == (256, 3)
    for at, colour in (
        (BLANK, scale.theme.blank),
        (HAIRLINE, scale.theme.hairline),
        (BACKGROUND, scale.theme.background),
        (MUTED, scale.theme.muted),
        (INK, scale.theme.ink),
    ):
        assert "#{:02x}{:02x}{:02x}".format(*colours[at]) == colour
    drawn = colours[slots(np.arange(256))].astype(int)
    assert np.abs(drawn - scale.colours).max() <= 3  # no eye sees it
    np.testing.assert_array_equal(drawn[[0, -1]], scale.colours[[0, -1]])
    assert slots(np.arange(256)).max() == WEIGHTS - 1


def test_mosaic_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    heads = rng.integers(0, WEIGHTS, (4, 3, 5), np.uint8)
    places = [(0, 0), (0, 2), (1, 1), (1, 2)]
    tile = 7, 11
    blank = rng.random(tile) < 0.2
    corners = [(9 * row, 14 * column) for row, column in places]
    image = mosaic(heads, corners, tile, np.where(blank, BACKGROUND, 0).astype(np.uint8))
    assert image.shape == (1 + 7 + 2 + 7 + 1, 1 + 11 + 3 + 11 + 3 + 11 + 1)
    for y, x in np.ndindex(image.shape):
        (row, i), (column, j) = divmod(y - FRAME, 9), divmod(x - FRAME, 14)
        expected = BACKGROUND
        frames = [(Y, X) for Y, X in places if -1 <= y - 1 - 9 * Y <= 7 and -1 <= x - 1 - 14 * X <= 11]
        if frames:
            expected = HAIRLINE
        if (row, column) in places and i < 7 and j < 11:
            expected = BACKGROUND if blank[i, j] else heads[places.index((row, column))][i * 3 // 7, j * 5 // 11]
        assert image[y, x] == expected


def test_where_pixels_are_fewer_the_largest_weight_stays() -> None:
    values = np.zeros((1000, 777), np.uint8)
    values[613, 401] = 9
    small = resized(values, 100, 64)
    assert small.shape == (100, 64)
    assert np.argwhere(small == 9).tolist() == [[61, 33]]
    assert (small > 0).sum() == 1


def test_of_a_difference_what_is_farthest_from_0_stays_whatever_its_sign() -> None:
    values = np.array([[0.1, -0.7, 0.2], [-0.3, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(resized(values, 2, 1), np.float32([[-0.7], [-0.3]]))
    np.testing.assert_array_equal(resized(values, 1, 3), np.float32([[-0.3, -0.7, 0.2]]))


SIZES = [(3, 7), (5, 11), (32, 100), (1, 9), (128, 100), (514, 100), (1000, 7)]


@pytest.mark.parametrize(("cells", "pixels"), SIZES)
def test_an_edge_is_the_first_pixel_that_shows_its_cell(cells: int, pixels: int) -> None:
    for cell in range(cells):
        alone = np.zeros((1, cells), np.uint8)
        alone[0, cell] = 1
        assert edge(cell, cells, pixels) == resized(alone, 1, pixels)[0].argmax()
