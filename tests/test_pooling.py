"""Pooling a matrix to a smaller one: values worked out by hand, and compared with a simple loop."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, tokens, with_value_norms

from attnviz.attention import Attention, Trace, single_ranges
from attnviz.attention.trace_file import open_trace
from attnviz.errors import CaptureError, SelectionError
from attnviz.pooling import combine_heads, largest, layout, reduce_attention
from attnviz.pooling import pool_ranges as pooled_ranges
from attnviz.selection import Selection


def causal(n: int, heads: int = 2) -> Attention:
    generator = np.random.default_rng(n)
    raw = np.tril(generator.random((heads, n, n)) ** 8).astype(np.float32)
    return attention(raw / raw.sum(-1, keepdims=True), [f"t{i}" for i in range(n)], "masked-self")


def by_loop(weights: np.ndarray, rows, columns) -> np.ndarray:
    return np.array([[[A[a:b, c:d].max() for c, d in columns] for a, b in rows] for A in weights], np.float32)


@pytest.mark.parametrize(
    ("tokens", "cells", "wide", "number"),
    [(10, None, 1, 10), (10, 10, 1, 10), (10, 4, 3, 4), (10, 9, 2, 6), (7, 1, 7, 1), (7, 2, 6, 2)],
)
def test_more_tokens_than_cells_are_pooled_evenly(tokens, cells, wide, number):
    ranges = layout(tokens, None, cells)
    assert len(ranges) == number <= (cells or tokens)
    assert [token for start, stop in ranges for token in range(start, stop)] == list(range(tokens))
    assert {stop - start for start, stop in ranges[1:-1]} <= {wide}
    assert ranges[0] == (0, 1) or cells == 1


def test_tokens_apart_are_not_pooled_and_the_others_share_the_remaining_cells():
    assert layout(12, None, 8, {0, 5, 6}) == ((0, 1), (1, 3), (3, 5), (5, 6), (6, 7), (7, 9), (9, 11), (11, 12))
    assert layout(12, None, 6, {0, 5, 6}) == ((0, 1), (1, 5), (5, 6), (6, 7), (7, 11), (11, 12))
    assert layout(12, None, 4, range(0, 12, 2)) == layout(12, None, 4)  # too many tokens apart
    every = layout(10_000, None, 512, {0, 17, 18, 5000, 9999})
    assert len(every) <= 512
    assert {(0, 1), (17, 18), (18, 19), (5000, 5001), (9999, 10_000)} <= set(every)


def test_special_tokens_are_not_pooled():
    marks = ["t0", "t7"]
    a = attention([np.eye(20)], [f"t{i}" for i in range(20)], special=marks)
    cut = Selection(cells=6).reduce(Trace("m", "t", (a,)))["self"]
    assert {(0, 1), (7, 8)} <= set(cut.rows) & set(cut.columns)
    assert len(cut.rows) <= 6


def test_chosen_tokens_are_not_pooled():
    assert layout(10, (2, 3, 9), 1) == ((2, 3), (3, 4), (9, 10))
    assert layout(3, (2, 3), 1) == ((2, 3),)


def test_a_cell_holds_the_largest_weight_by_hand():
    heads = [[[1, 0, 0, 0], [0.3, 0.7, 0, 0], [0.2, 0.2, 0.6, 0], [0.1, 0.4, 0.1, 0.4]]]
    pooled = reduce_attention(attention(heads, kind="masked-self"), ((0, 2), (2, 4)), ((0, 3), (3, 4)))
    np.testing.assert_allclose(pooled.weights(0), [[[1, 0], [0.6, 0.4]]])
    np.testing.assert_allclose(pooled.row_sums[0], [[1, 1, 1, 1]], atol=1e-6)
    assert pooled.is_pooled
    assert not pooled.is_whole
    assert pooled.covered == (0, 1, 2, 3)
    assert pooled.peak_keys[0].tolist() == [[0, 1, 2, 1]]
    np.testing.assert_allclose(pooled.peak_weights[0], [[1, 0.7, 0.6, 0.4]])
    pooled.check()


@pytest.mark.parametrize("n", [5, 16, 17, 31])
@pytest.mark.parametrize("cells", [1, 4, 5])
def test_pooling_gives_the_same_as_a_loop(n, cells):
    whole = causal(n)
    ranges = layout(n, None, cells)
    pooled = reduce_attention(whole, ranges, ranges)
    np.testing.assert_array_equal(pooled.weights(0), by_loop(whole.weights(0), ranges, ranges))
    pooled.check()


def test_a_cell_of_a_difference_holds_the_value_farthest_from_zero():
    values = np.array([[0.1, -0.4, 0.2, -0.3, 0.3]])
    np.testing.assert_array_equal(largest(values, [0, 2, 3], 1), [[-0.4, 0.2, 0.3]])
    np.testing.assert_array_equal(largest(np.array([np.nan, -1, np.nan, np.nan]), [0, 2], 0), [-1, np.nan])


def test_chosen_rows_and_columns_are_exact_and_keep_their_row_sums():
    whole = causal(9)
    part = Selection(rows=(3, 7), columns=(0, 2, 5), cells=2).reduce(Trace("m", "t", (whole,)))["masked-self"]
    np.testing.assert_array_equal(part.weights(0), whole.weights(0)[:, [3, 7]][:, :, [0, 2, 5]])
    np.testing.assert_allclose(part.row_sums[0], 1, atol=1e-6)
    assert part.covered == (3, 7)
    part.check()
    broken = part.row_sums[0].copy()
    broken[0, 1] = 0.5
    with pytest.raises(CaptureError, match="a row sums to 1 only within"):
        replace(part, row_sums={0: broken}).check()


def test_value_norms_are_those_of_the_keys_that_the_columns_cover():
    whole = with_value_norms(Trace("m", "t", (causal(9),)))
    chosen = Selection(columns=(2, 5)).reduce(whole)["masked-self"]
    np.testing.assert_array_equal(chosen.value_norms[0], [[3, 6], [6, 12]])
    pooled = Selection(cells=4).reduce(whole)["masked-self"]
    assert pooled.is_pooled
    np.testing.assert_array_equal(pooled.value_norms[0], whole["masked-self"].value_norms[0])
    assert combine_heads(whole["masked-self"], "mean").value_norms == {}


def test_pooling_twice_covers_the_same_tokens():
    whole = causal(20)
    once = Selection(cells=10).reduce(Trace("m", "t", (whole,)))
    again = Selection(cells=3).reduce(once)["masked-self"]
    assert again.rows == ((0, 1), (1, 13), (13, 20))
    np.testing.assert_array_equal(again.weights(0), by_loop(whole.weights(0), again.rows, again.columns))
    assert pooled_ranges(once["masked-self"].rows, 20, 10) == once["masked-self"].rows


def test_a_row_that_was_pooled_cannot_be_selected():
    pooled = Selection(cells=4).reduce(Trace("m", "t", (causal(20),)))
    with pytest.raises(SelectionError, match="row 3 of this trace was pooled with others or left out") as caught:
        Selection(rows=(3,)).apply(pooled)
    assert "--rows" in caught.value.hint


def test_a_row_that_does_not_exist_is_refused():
    with pytest.raises(SelectionError, match="there is no row 20") as caught:
        Selection(rows=(20,)).apply(Trace("m", "t", (causal(20),)))
    assert caught.value.hint == "Rows (queries): 0-19."
    for number in (99, -1):
        with pytest.raises(SelectionError, match=f"there is no column {number}"):
            Selection(columns=(number,)).apply(Trace("m", "t", (causal(20),)))


def test_a_kind_without_the_rows_is_left_out():
    long, short = causal(6), attention(np.eye(3)[None], kind="self")
    kept = Selection(rows=(5,)).apply(Trace("m", "t", (short, long)))
    assert kept.kinds == ("masked-self",)
    tall = Attention(
        "cross", "decoder", tokens("abcdef"), tokens("ab"), {0: np.zeros((1, 6, 2), np.float32)}, {0: (0,)}
    )
    wide = Attention("self", "encoder", tokens("ab"), tokens("abcdef"), {0: np.zeros((1, 2, 6), np.float32)}, {0: (0,)})
    with pytest.raises(SelectionError, match="no kind of attention has both"):
        Selection(rows=(5,), columns=(5,)).apply(Trace("m", "t", (wide, tall)))


def test_a_pooled_trace_is_saved_and_opened(tmp_path):
    trace = Selection(cells=4).reduce(Trace("m", "t", (causal(20),)))
    assert trace.provenance["reduced"] == "masked-self: 4 × 4 cells of up to 7 × 7 tokens, their largest weight"
    opened = open_trace(trace.save(tmp_path / "t.safetensors"))["masked-self"]
    assert (opened.rows, opened.columns) == (trace["masked-self"].rows, trace["masked-self"].columns)
    np.testing.assert_array_equal(opened.weights(0), trace["masked-self"].weights(0))
    np.testing.assert_array_equal(opened.row_sums[0], trace["masked-self"].row_sums[0])


def test_a_small_trace_is_not_changed():
    trace = Trace("m", "t", (causal(20),))
    assert Selection(cells=20).apply(trace) is trace
    assert trace["masked-self"].rows == single_ranges(20)


def test_words_are_merged_before_they_are_pooled():
    heads = [np.eye(6)]
    a = attention(heads, list("aabbcc"))
    merged = tuple(type(t)(t.id, t.text, (i, i + 1), i // 2) for i, t in enumerate(a.queries))
    a = Attention("self", "encoder", merged, merged, a.by_layer, a.head_numbers)
    cut = Selection(words=True, cells=2).reduce(Trace("m", "aabbcc", (a,)))["self"]
    assert cut.rows == ((0, 1), (1, 3))
    np.testing.assert_allclose(cut.weights(0), [np.eye(2)])


def test_the_rows_of_a_query_and_all_columns_are_not_pooled():
    n = 40
    whole = Trace("m", "t", (causal(n),))
    cut = Selection(cells=20, query="t23").reduce(whole)["masked-self"]
    assert cut.columns == single_ranges(n)
    assert {(0, 1), (23, 24)} <= set(cut.rows)
    assert len(cut.rows) <= 20 * 20 // n
    np.testing.assert_array_equal(cut.weights(0), by_loop(whole["masked-self"].weights(0), cut.rows, cut.columns))
    assert Selection(cells=n, query="t23").reduce(whole) is whole
