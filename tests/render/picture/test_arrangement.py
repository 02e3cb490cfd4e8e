"""The arrangement of heads: each has its own place and name, on a page with a usable shape."""

from itertools import product

import numpy as np
import pytest
from handmade_traces import tokens

from attnviz.attention import Attention
from attnviz.render.picture.arrangement import Arrangement, arrangements
from attnviz.render.scene import Scene

SIZES = (1, 2, 3, 4, 6, 7, 9, 12, 16, 24, 30, 32, 48, 64)


def heads(layers: int, count: int, n: int = 4, m: int = 4) -> Scene:
    queries, keys = tokens("abcdefghij"[:n]), tokens("abcdefghij"[:m])
    weights = dict.fromkeys(range(layers), np.full((count, n, m), 1 / m, np.float32))
    attention = Attention("cross", "decoder", queries, keys, weights, dict.fromkeys(weights, tuple(range(count))))
    return Scene(attention, tuple(product(range(layers), range(count))))


def name_of(one: Arrangement, place: tuple[int, int]) -> str:
    """The name of a tile, by the nearest names left of it and above it."""
    row, column = place
    beside = max(at for at in one.beside if at[0] == row and at[1] <= column)
    above = max((at for at in one.above if at[1] == column and at[0] <= row), key=lambda at: at[0])
    return one.beside[beside] + one.above[above]


@pytest.mark.parametrize(("layers", "count"), [size for size in product(SIZES, SIZES) if size != (1, 1)])
def test_every_head_has_a_place_and_a_name_on_a_page_of_usable_shape(layers: int, count: int) -> None:
    scene = heads(layers, count)
    [one] = arrangements([scene])
    assert len(set(one.places)) == layers * count
    rows, columns = one.shape
    assert 0.4 <= columns / rows <= 2.7 or rows * columns <= 4
    assert rows * columns <= layers * count * 1.34
    for place, name in zip(one.places, scene.names, strict=True):
        assert (one.above[place] if one.named else name_of(one, place)) == name


def test_few_layers_and_heads_stay_one_table() -> None:
    for layers, count in ((4, 4), (6, 12), (12, 12), (24, 16), (32, 32), (48, 64)):
        assert arrangements([heads(layers, count)])[0].shape == (layers, count)


def test_many_layers_of_few_heads_are_two_blocks_side_by_side() -> None:
    [one] = arrangements([heads(30, 9)])
    assert one.shape == (15, 18)
    assert one.breaks == (frozenset(), frozenset({9}))
    assert one.beside[0, 0] == "L0"
    assert one.beside[0, 9] == "L15"
    assert one.above[0, 9] == "H0"


def test_all_kinds_of_a_page_are_divided_in_the_same_way() -> None:
    kinds = [heads(24, 16), heads(24, 16), heads(24, 16)]
    shapes = [one.shape for one in arrangements(kinds)]
    assert len(set(shapes)) == 1
    rows, columns = shapes[0]
    assert 0.45 <= columns / (3 * rows) <= 2.4


@pytest.mark.parametrize(("count", "shape"), [(2, (1, 2)), (4, (1, 4)), (5, (2, 3)), (9, (3, 3)), (12, (3, 4))])
def test_heads_of_one_layer_follow_each_other_line_by_line(count: int, shape: tuple[int, int]) -> None:
    [one] = arrangements([heads(1, count)])
    assert one.shape == shape
    assert one.places == tuple(divmod(at, shape[1]) for at in range(count))


def test_a_wide_page_has_more_tiles_side_by_side() -> None:
    narrow, wide = (arrangements([heads(1, 12)], best)[0].shape for best in (0.5, 4.0))
    assert narrow[0] > 3 > wide[0]


def test_a_few_heads_of_several_layers_do_not_form_a_mostly_empty_table() -> None:
    many = heads(6, 12)
    [one] = arrangements([Scene(many.attention, ((0, 3), (2, 7), (4, 1), (5, 9)))])
    assert one.named
    assert one.places == ((0, 0), (0, 1), (0, 2), (0, 3))
