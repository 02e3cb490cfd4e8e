"""The selected heads, rows and columns, checked against those that exist."""

import numpy as np
import pytest
from handmade_traces import encoder_decoder, with_neurons, with_value_norms

from attnviz.attention import Attention, Trace
from attnviz.errors import SelectionError
from attnviz.selection import Selection

FOUR = (0, 1, 2, 3)
PAIR = {
    "self": {0: FOUR, 1: FOUR, 2: FOUR},
    "masked-self": {0: (0, 1), 1: (0, 1)},
    "cross": {0: (0, 1), 1: (0, 1)},
}
HYBRID = {"masked-self": {3: (0, 1), 7: FOUR}}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, Selection()),
        ({"layers": 3, "heads": 0, "kinds": "cross"}, Selection((3,), (0,), ("cross",))),
        (
            {"layers": [1, 0], "heads": range(2), "kinds": ["self", "cross"]},
            Selection((1, 0), (0, 1), ("self", "cross")),
        ),
    ],
)
def test_a_selection_takes_one_value_several_or_none(given, meant):
    assert Selection.of(**given) == meant


@pytest.mark.parametrize("kind", ["Self", "encoder", "", "self-attention"])
def test_an_unknown_kind_is_refused_with_the_known_ones(kind):
    with pytest.raises(SelectionError, match="is not a kind of attention") as caught:
        Selection.of(kinds=kind)
    assert caught.value.hint == "Kinds: self, masked-self, cross."


@pytest.mark.parametrize("what", ["rows", "columns"])
@pytest.mark.parametrize("given", ["0-3", 2.0, [1, None], slice(2), ["1"]], ids=str)
def test_a_value_that_is_not_a_whole_number_is_refused(what, given):
    with pytest.raises(SelectionError, match=f"{what}: .* is not a whole number") as caught:
        Selection.of(**{what: given})
    assert f"{what}=range(6)" in caught.value.hint


@pytest.mark.parametrize("what", ["layers", "heads", "kinds", "rows", "columns"])
def test_an_empty_list_is_refused(what):
    with pytest.raises(SelectionError, match=f"no {what} were named"):
        Selection.of(**{what: []})


@pytest.mark.parametrize("cells", [0, -3, 2.5, "9"])
def test_less_than_one_cell_is_refused(cells):
    with pytest.raises(SelectionError, match="cells cannot be"):
        Selection.of(cells=cells)


def test_numbers_of_numpy_are_accepted():
    assert Selection.of(rows=np.array([4, 1, 4]), cells=np.int64(9)) == Selection(rows=(1, 4), cells=9)


@pytest.mark.parametrize(
    ("available", "options", "expected"),
    [
        (PAIR, {}, PAIR),
        (PAIR, {"kinds": "cross"}, {"cross": PAIR["cross"]}),
        (PAIR, {"layers": 2}, {"self": {2: FOUR}}),
        (PAIR, {"layers": (0, 2), "kinds": "self"}, {"self": {0: FOUR, 2: FOUR}}),
        (PAIR, {"layers": 1, "heads": 3}, {"self": {1: (3,)}}),
        (PAIR, {"heads": (1, 2), "kinds": ("self", "cross")}, {
            "self": {0: (1, 2), 1: (1, 2), 2: (1, 2)}, "cross": {0: (1,), 1: (1,)},
        }),
        (PAIR, {"layers": "last"}, {"self": {2: FOUR}, "masked-self": {1: (0, 1)}, "cross": {1: (0, 1)}}),
        (PAIR, {"layers": [-2, 2], "kinds": "self"}, {"self": {1: FOUR, 2: FOUR}}),
        (PAIR, {"layers": -3}, {"self": {0: FOUR}}),
        (PAIR, {"heads": "L2H3,L0H1"}, {"self": {0: (1,), 2: (3,)}, "masked-self": {0: (1,)}, "cross": {0: (1,)}}),
        (HYBRID, {"layers": -1, "heads": 3}, {"masked-self": {7: (3,)}}),
        (HYBRID, {"layers": -2}, {"masked-self": {3: (0, 1)}}),
        (HYBRID, {"heads": ["L3H1", "L7H3"]}, {"masked-self": {3: (1,), 7: (3,)}}),
        (HYBRID, {"heads": 3}, {"masked-self": {7: (3,)}}),
        (HYBRID, {"layers": (3, 7), "heads": (0, 3)}, {"masked-self": {3: (0,), 7: (0, 3)}}),
    ],
)  # fmt: skip
def test_resolve_gives_the_selected_heads(available, options, expected):
    assert Selection.of(**options).resolve(available) == expected


@pytest.mark.parametrize(
    ("available", "options", "says", "hint"),
    [
        (HYBRID, {"kinds": "cross"}, "this model has no cross-attention", "It has: masked-self."),
        ({}, {"kinds": "self"}, "this model has no self-attention", "It has: no attention."),
        (HYBRID, {"layers": 4}, "there is no layer 4", "Layers: 3, 7."),
        (HYBRID, {"layers": (3, 4)}, "there is no layer 4", "Layers: 3, 7."),
        (
            PAIR,
            {"layers": 3},
            "there is no layer 3",
            "0-2 (self-attention); 0-1 (masked self-attention, cross-attention)",
        ),
        (PAIR, {"layers": 2, "kinds": "cross"}, "there is no layer 2", "Layers: 0-1."),
        (PAIR, {"heads": 4}, "there is no head 4", "Heads: 0-3."),
        (HYBRID, {"layers": 3, "heads": 2}, "there is no head 2", "Heads: 0-1."),
        (PAIR, {"heads": (0, 9)}, "there is no head 9", "Heads: 0-3."),
        (PAIR, {"heads": -5}, "there is no head -5", "Heads: 0-3."),
        (PAIR, {"layers": -4}, "there is no layer -4", "0-2 (self-attention)"),
        (HYBRID, {"layers": -3}, "there is no layer -3", "Layers: 3, 7."),
        (HYBRID, {"heads": "L4H0"}, "there is no layer 4", "Layers: 3, 7."),
        (HYBRID, {"heads": ["L7H2", "L3H2"]}, "layer 3 has no head 2", "Heads of layer 3: 0-1."),
    ],
)
def test_resolve_refuses_an_absent_head_and_gives_the_range(available, options, says, hint):
    with pytest.raises(SelectionError) as caught:
        Selection.of(**options).resolve(available)
    assert caught.value.message == says
    assert hint in caught.value.hint


@pytest.mark.parametrize("last", [-1, "last"])
def test_heads_are_counted_from_the_end_of_each_layer(last):
    assert Selection.of(heads=last).resolve(HYBRID) == {"masked-self": {3: (1,), 7: (3,)}}
    assert Selection.of(heads=[0, -3]).resolve(HYBRID) == {"masked-self": {3: (0,), 7: (0, 1)}}


def test_a_head_with_its_layer_may_be_named_as_a_layer():
    assert Selection.of(layers="L3H1").resolve(HYBRID) == {"masked-self": {3: (1,)}}


@pytest.mark.parametrize("layers", [2, -1, "last"])
def test_a_layer_beside_a_head_that_names_its_layer_is_refused(layers):
    with pytest.raises(SelectionError, match="head L3H1 already names its layer"):
        Selection.of(layers=layers, heads="L3H1")


def test_a_kind_without_the_layer_is_left_out_and_provenance_says_so():
    for options in ({"heads": "L2H0"}, {"layers": -3}):
        assert "masked self-attention has no layer" in Selection.of(**options).missing_kinds(PAIR)["left out"]
    assert Selection.of(layers="last").missing_kinds(PAIR) == {}
    assert Selection.of(layers=2).missing_kinds(PAIR) == {
        "left out": "masked self-attention has no layer 2: its layers are 0-1; "
        "cross-attention has no layer 2: its layers are 0-1"
    }
    assert Selection.of(layers=2, kinds="self").missing_kinds(PAIR) == {}
    assert Selection.of(layers=(1, 2)).missing_kinds(PAIR) == {}
    assert Selection().missing_kinds(PAIR) == {}


def test_apply_keeps_the_true_numbers_and_the_rows_of_the_sink():
    queries = encoder_decoder()["self"].queries
    weights = np.arange(3 * 4 * 4, dtype=np.float32).reshape(3, 4, 4)
    sink = np.arange(12, dtype=np.float32).reshape(3, 4)
    whole = Attention(
        "self", "encoder", queries, queries, {3: weights, 8: weights + 1}, {3: (2, 5, 7), 8: (0, 1, 2)}, {3: sink}
    )
    narrowed = Selection.of(layers=3, heads=(7, 2)).apply(Trace("m", "t", (whole,), notes=("kept",)))["self"]
    assert narrowed.layers == (3,)
    assert narrowed.heads(3) == (2, 7)
    np.testing.assert_array_equal(narrowed.weights(3), weights[[0, 2]])
    np.testing.assert_array_equal(narrowed.sink_mass[3], sink[[0, 2]])


def test_apply_keeps_the_value_norms_of_the_heads():
    trace = with_value_norms(encoder_decoder())
    narrowed = Selection.of(layers=1, heads=1).apply(trace)["cross"]
    np.testing.assert_array_equal(narrowed.value_norms[1], [[3, 5, 7, 9]])
    assert [*narrowed.value_norms] == [1]


def test_apply_keeps_the_queries_and_keys_of_the_heads_while_nothing_is_left_out():
    trace = with_neurons()
    narrowed = Selection.of(heads=1).apply(trace)["cross"]
    np.testing.assert_array_equal(narrowed.projections[1].queries, trace["cross"].projections[1].queries[[1]])
    assert Selection.of(layers=0).apply(trace)["cross"].projections == {}
    assert Selection.of(rows=[0, 1]).apply(trace)["cross"].projections == {}
    assert Selection.of(cells=2).apply(trace)["cross"].projections == {}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"words": True, "neurons": 1}, "queries and keys are those of tokens, not of words"),
        *(({"neurons": wrong}, f"neurons cannot be {wrong!r}") for wrong in (-1, True, "3", 1.0)),
    ],
)
def test_queries_and_keys_are_those_of_one_layer_and_of_tokens(options, says):
    with pytest.raises(SelectionError, match=says):
        Selection.of(**options)


def test_queries_and_keys_of_a_layer_that_is_not_selected_are_refused():
    with pytest.raises(SelectionError, match="there is no layer 7"):
        Selection.of(neurons=7).resolve({"self": {0: (0, 1), 1: (0, 1)}})
    with pytest.raises(SelectionError, match="queries and keys of layer 1: no head of it is selected"):
        Selection.of(layers=0, neurons=1).resolve({"self": {0: (0, 1), 1: (0, 1)}})


def test_value_norms_of_words_are_refused():
    with pytest.raises(SelectionError, match="the norms of values are those of tokens, not of words"):
        Selection.of(words=True, value_norms=True)
    with pytest.raises(SelectionError, match="value_norms"):
        Selection.of(value_norms="yes")


def test_apply_says_which_kinds_it_left_out():
    trace = encoder_decoder()
    kept = {"dtype": "float32"}
    only = Trace("m", "t", (trace["self"], Selection.of(layers=0).apply(trace)["cross"]), provenance=kept)
    narrowed = Selection.of(layers=1).apply(only)
    assert narrowed.kinds == ("self",)
    assert narrowed.provenance == {**kept, "left out": "cross-attention has no layer 1: its layers are 0"}


def test_apply_refuses_as_resolve_does():
    with pytest.raises(SelectionError, match="there is no layer 2"):
        Selection.of(layers=2).apply(encoder_decoder())
