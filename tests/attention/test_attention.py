"""Trace, Attention and Token: their contents, and the input that they refuse."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder, hybrid, labelled, tokens

from attnviz.attention import Attention, Token, borders, format_ranges
from attnviz.errors import CaptureError, SelectionError


def test_a_trace_gives_its_attention_by_kind_layer_and_head():
    trace = encoder_decoder()
    assert trace.kinds == ("self", "masked-self", "cross")
    assert [trace[kind].name for kind in trace.kinds] == [
        "self-attention",
        "masked self-attention",
        "cross-attention",
    ]
    own = trace["self"]
    assert (own.layers, own.heads(1), own.weights(1).shape) == ((0, 1), (0, 1), (2, 4, 4))
    assert own.matrix(1, 1)[1].tolist() == pytest.approx([0, 0.02, 0.02, 0.96])
    assert [t.text for t in trace["cross"].keys] == ["I", "ate", "an", "apple"]
    assert [t.text for t in trace["cross"].predicts] == ["나는", "사과를", "먹었다", "</s>"]


def test_a_head_is_found_by_its_true_number():
    own = hybrid()["masked-self"]
    assert own.layers == (3, 11)
    assert own.heads(11) == (0, 2, 4)
    np.testing.assert_array_equal(own.matrix(11, 4), own.weights(11)[2])
    assert own.matrix(3, 5).shape == (3, 3)


@pytest.mark.parametrize(
    ("ask", "says", "hint"),
    [
        (lambda t: t["cross"], "has no cross-attention", "masked-self"),
        (lambda t: t["nonsense"], "has no nonsense", "masked-self"),
        (lambda t: t["masked-self"].weights(4), "layer 4 of masked self-attention was not captured", "3, 11"),
        (lambda t: t["masked-self"].heads(0), "layer 0", "3, 11"),
        (lambda t: t["masked-self"].matrix(11, 1), "head 1 of layer 11 was not captured", "0, 2, 4"),
    ],
)
def test_the_error_for_a_missing_part_names_the_parts_that_exist(ask, says, hint):
    with pytest.raises(SelectionError, match=says) as caught:
        ask(hybrid())
    assert hint in caught.value.hint


def test_weights_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        encoder_decoder()["self"].weights(0)[0, 0, 0] = 1


@pytest.mark.parametrize("shape", [(2, 4, 4), (1, 3, 4), (1, 4, 3), (4, 4)])
def test_weights_of_a_wrong_shape_are_refused(shape):
    four = tokens("abcd")
    with pytest.raises(CaptureError, match=r"self-attention, layer 0: weights of shape .* where \(1, 4, 4\)"):
        Attention("self", "encoder", four, four, {0: np.zeros(shape, np.float32)}, {0: (0,)})


@pytest.mark.parametrize(("field", "says"), [("sink_mass", "sinks"), ("row_sums", "row sums")])
def test_sinks_and_row_sums_need_a_number_for_each_query(field, says):
    whole = attention([np.eye(3)])
    with pytest.raises(CaptureError, match=rf"layer 0: {says} of shape \(1, 2\), where \(1, 3\) \[head, query\]"):
        replace(whole, **{field: {0: np.zeros((1, 2), np.float32)}})
    valid = replace(whole, **{field: {0: np.zeros((1, 3), np.float32)}})
    with pytest.raises(ValueError, match="read-only"):
        getattr(valid, field)[0][0, 0] = 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([0.5, np.nan], "not finite"),
        ([np.inf, 0.5], "not finite"),
        ([0.5, 0.4], "sums to 1 only within 0.1"),
        ([0.9, 0.2], "0.1"),
    ],
)
def test_check_refuses_what_is_not_attention(row, says):
    with pytest.raises(CaptureError, match=says):
        attention([[[0.5, 0.5], row]]).check()


def test_value_norms_need_a_finite_number_for_each_key():
    whole = attention([np.eye(3)])
    with pytest.raises(CaptureError, match=r"layer 0: value norms of shape \(1, 2\), where \(1, 3\) \[head, key\]"):
        replace(whole, value_norms={0: np.ones((1, 2), np.float32)})
    replace(whole, value_norms={0: np.float32([[0, 1, 99]])}).check()
    with pytest.raises(CaptureError, match="a value norm is not finite"):
        replace(whole, value_norms={0: np.float32([[0, 1, np.inf]])}).check()


def test_check_accepts_rows_that_sum_to_1_see_nothing_or_give_mass_to_a_sink():
    attention([[[0.3, 0.7], [0.0, 0.0]]]).check()
    attention([[[0.3, 0.7], [0.5, 0.495]]]).check(tolerance=0.01)
    hybrid()["masked-self"].check()


def test_check_compares_a_sink_with_the_missing_mass():
    own = hybrid()["masked-self"]
    without = Attention(own.kind, own.part, own.queries, own.keys, own.by_layer, own.head_numbers)
    with pytest.raises(CaptureError, match="layer 11"):
        without.check()


def test_a_repr_is_one_short_line():
    assert repr(encoder_decoder()) == (
        "<Trace of 'I ate an apple' by by hand; self: layers 0-1, 4×4 tokens;"
        " masked-self: layers 0-1, 4×4 tokens; cross: layers 0-1, 4×4 tokens>"
    )
    long = repr(labelled(["word\n"] * 500))
    assert len(long) < 150
    assert "\n" not in long
    assert "…" in long


@pytest.mark.parametrize(
    ("numbers", "written"),
    [((), ""), ((3,), "3"), ((0, 1, 2, 3, 7), "0-3, 7"), ((9, 4, 5), "4-5, 9"), ((1, 3, 5), "1, 3, 5")],
)
def test_numbers_are_written_as_ranges(numbers, written):
    assert format_ranges(numbers) == written


@pytest.mark.parametrize(
    ("segments", "expected"), [("", ()), ("0", ()), ("000", ()), ("0011", (2,)), ("0112", (1, 3)), ("010", (1, 2))]
)
def test_a_border_is_where_a_new_segment_begins(segments, expected):
    assert borders([Token(0, "a", segment=int(segment)) for segment in segments]) == expected
