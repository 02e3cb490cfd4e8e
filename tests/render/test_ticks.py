"""Labels of long axes: which tokens they name, how many there are, and where a part of the input ends."""

from itertools import pairwise

import pytest
from handmade_traces import tokens

from attnviz.attention import Token, single_ranges
from attnviz.pooling import layout
from attnviz.render.ticks import MOST, Tick, axis_name, is_numbered, numbers, segments, token_count, words


def parts(*sizes: int) -> list[Token]:
    return [Token(0, "t", segment=segment) for segment, size in enumerate(sizes) for _ in range(size)]


def test_all_words_are_labels_if_they_fit_and_otherwise_every_nth() -> None:
    labels = [f"t{i}" for i in range(44)]
    assert [tick.label for tick in words(labels, 44)] == labels
    few = words(labels, 43)
    assert [tick.label for tick in few] == labels[::2]
    assert [tick.position for tick in few] == [i + 0.5 for i in range(0, 44, 2)]


@pytest.mark.parametrize("count", [45, 100, 300, 512, 5000])
def test_words_are_at_most_a_few_dozen(count: int) -> None:
    assert MOST / 2 < len(words([""] * count, 40)) <= MOST


@pytest.mark.parametrize("tokens", [2, 9, 100, 513, 1000, 8192, 100_000])
@pytest.mark.parametrize("cells", [1, 7, 64, 512])
@pytest.mark.parametrize("most", [1, 4, 14, 1000])
def test_numbers_are_round_and_each_is_in_its_cell(tokens: int, cells: int, most: int) -> None:
    ranges = layout(tokens, None, cells)
    ticks = numbers(ranges, most)
    shown = [int(tick.label) for tick in ticks]
    assert shown[0] == 0
    assert len(shown) <= min(most, MOST) + 1
    steps = {b - a for a, b in pairwise(shown)}
    assert len(steps) <= 1
    assert all(str(step).rstrip("0") in ("1", "2", "5") for step in steps)
    for number, tick in zip(shown, ticks, strict=True):
        start, stop = ranges[int(tick.position)]
        assert start <= number < stop
        assert start + (tick.position % 1) * (stop - start) == pytest.approx(number + 0.5)


def test_prominent_cells_are_labelled_first_and_others_where_there_is_space() -> None:
    labels = [f"t{i}" for i in range(100)]
    plain = [tick.label for tick in words(labels, 40)]
    assert plain == [f"t{i}" for i in range(0, 100, 4)]
    ticks = words(labels, 40, (77, 30, 31, 99))
    found = [tick.label for tick in ticks]
    assert {"t77", "t30", "t99"} <= set(found)
    assert "t31" not in found  # it would touch a brighter one
    assert set(found) - {"t77", "t30", "t99"} == set(plain) - {"t28", "t32", "t76"}
    assert min(b.position - a.position for a, b in pairwise(ticks)) >= 100 / 40
    assert words(labels, 100, (77,)) == words(labels, 100)


@pytest.mark.parametrize("most", [4, 14, 30])
def test_the_first_tokens_of_prominent_cells_are_numbered_first(most: int) -> None:
    cells = layout(900, None, 200)
    ticks = numbers(cells, most, (95, 0))
    start, stop = cells[95]
    assert Tick(95 + 0.5 / (stop - start), str(start)) in ticks
    assert ticks[0].label == "0"
    shining = next(tick for tick in ticks if int(tick.position) == 95)
    assert min(abs(tick.position - shining.position) for tick in ticks if tick != shining) >= len(cells) / most - 1e-6
    assert {tick.label for tick in ticks} <= {str(start), *(tick.label for tick in numbers(cells, most))}


def test_selected_tokens_keep_their_numbers() -> None:
    assert [tick.label for tick in numbers(single_ranges(30)[10:], 5)] == ["10", "15", "20", "25"]


def test_only_pooled_axes_that_leave_nothing_out_are_numbered() -> None:
    assert is_numbered(layout(100, None, 10))
    assert not is_numbered(single_ranges(100))
    assert not is_numbered([(0, 4), (8, 12)])
    assert axis_name("key (to)", single_ranges(9), True) == "key (to)"
    assert axis_name("key (to)", layout(100, None, 10), True) == "key (to): 100 tokens, 11 in a cell, numbered"
    assert axis_name("key (to)", layout(100, None, 10), False) == "key (to): 100 tokens, 11 in a cell"
    assert token_count(single_ranges(9)) == "9 tokens"


def test_segments_begin_at_the_cell_of_their_first_token() -> None:
    assert segments(tokens("abc"), single_ranges(3)) == []
    assert segments(parts(2, 3, 1), single_ranges(6)) == [2, 5]
    assert segments(parts(20, 80), layout(100, None, 10)) == [2]
    assert segments(parts(25, 75), layout(100, None, 10)) == [3]  # it begins within the fourth cell, 23–33
    assert segments(parts(4, 4), [(5, 6), (6, 7)]) == []  # only the second part is shown
    assert segments(parts(4, 4), [(1, 2), (6, 7)]) == [1]
