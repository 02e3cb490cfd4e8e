"""The contract of every method, and what each refuses."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, decoder_only, encoder_decoder, hybrid, with_value_norms

import attnviz
from attnviz.analysis.methods import METHOD, METHODS, RAW, apply_method, last_layer, method_of
from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.selection import Selection

OF_TRACES = [name for name, method in METHODS.items() if method.needs != "gradients"]
"""Methods that need no running model; tests/test_token_relevance.py tests the other."""
COMBINING = [name for name, method in METHODS.items() if method.combines and method.needs == "weights"]


def encoder() -> Trace:
    return Selection(kinds=("self",)).apply(with_value_norms(encoder_decoder()))


@pytest.mark.parametrize("name", OF_TRACES)
@pytest.mark.parametrize("make", [encoder, lambda: with_value_norms(decoder_only())])
def test_a_method_gives_rows_that_sum_to_1_over_the_same_tokens_and_says_its_name(name, make):
    trace = make()
    made = apply_method(name, trace)
    (kind,) = made.kinds
    for layer in made[kind].layers:
        np.testing.assert_allclose(made[kind].weights(layer).sum(-1), 1, rtol=1e-5)
    assert (made[kind].queries, made[kind].keys) == (trace[kind].queries, trace[kind].keys)
    assert method_of(made).name == name
    assert METHOD not in trace.provenance
    for text in (METHODS[name].title, METHODS[name].quantity, METHODS[name].meaning):
        assert text


@pytest.mark.parametrize("name", OF_TRACES)
def test_a_method_is_drawn_and_described(name):
    from matplotlib.figure import Figure

    axes = attnviz.plot(encoder(), method=name, ax=Figure(figsize=(9, 9)).add_subplot())
    if name != RAW:
        assert METHODS[name].title in axes.get_title().replace("\n", " ")


@pytest.mark.parametrize("name", COMBINING)
def test_a_method_that_combines_layers_gives_one_matrix_and_of_a_decoder_also_that_of_uniform_attention(name):
    assert apply_method(name, encoder())["self"].head_numbers == {1: (0,)}
    assert apply_method(name, encoder(), layer=0)["self"].head_numbers == {0: (0,)}
    assert apply_method(name, encoder(), layer=-2)["self"].head_numbers == {0: (0,)}
    # the weights of this decoder are uniform: nothing is left of the difference
    first, uniform = apply_method(name, decoder_only())["masked-self"].weights(0)
    np.testing.assert_allclose(first, uniform, atol=1e-6)


@pytest.mark.parametrize("name", COMBINING)
def test_what_cannot_be_combined_is_refused_by_name(name):
    for kind in ("cross", "masked-self"):
        with pytest.raises(SelectionError, match=f"method {name} is for models whose tokens only look at one another"):
            apply_method(name, Selection(kinds=(kind,)).apply(encoder_decoder()))
    for part in (Selection(cells=2), Selection(rows=(1,)), Selection(columns=(0, 1))):
        with pytest.raises(SelectionError, match=r"pooled, merged or left out\n.*cells 4"):
            apply_method(name, part.apply(encoder()))
    with pytest.raises(SelectionError, match="pooled, merged or left out"):
        apply_method(name, replace(encoder(), provenance={"merged": "tokens to words"}))
    with pytest.raises(SelectionError, match=r"all layers up to 1, and it has none of layers 0\n.*without layer"):
        apply_method(name, Selection.of(layers=1).apply(encoder()))
    with pytest.raises(SelectionError, match=r"all heads of layer 0, and some were left out\n.*without head"):
        apply_method(name, Selection.of(heads=1).apply(encoder()))
    with pytest.raises(SelectionError, match=r"there is no layer 5\nLayers: 0-1\."):
        apply_method(name, encoder(), 5)
    mixed = replace(hybrid(), provenance={"layers without attention": "0-2, 4-10: a state space"})
    with pytest.raises(SelectionError, match="none of layers 0-2, 4-10\nhybrid has other layers between"):
        apply_method(name, mixed)


def test_keys_without_rows_are_refused():
    a = attention([np.eye(3)], kind="masked-self")
    prefix = replace(a, by_layer={0: np.eye(3, dtype=np.float32)[None, 1:]}, rows=((1, 2), (2, 3)))
    with pytest.raises(SelectionError, match="A learned prefix has no rows at all"):
        apply_method("rollout", Trace("m", "a b c", (prefix,)))


def test_only_one_layer_and_no_head_can_be_named_for_a_method_that_combines_layers():
    assert last_layer("rollout", None, None) is None
    assert last_layer("rollout", [3], None) == 3
    assert last_layer("norm", [3, 4], [1]) is None
    with pytest.raises(SelectionError, match="2 were named"):
        last_layer("flow", [3, 4], None)
    with pytest.raises(SelectionError, match="heads were named"):
        attnviz.plot(encoder_decoder(), method="rollout", heads=1)
    with pytest.raises(SelectionError, match="heads were named"):
        attnviz.sources("I ate", "no/such-model", method="rollout", heads="L1H1")


def test_an_unknown_method_is_refused():
    for name in ("rolout", None, 3, ["raw"]):
        with pytest.raises(SelectionError, match=r"method cannot be .*\nMethods: raw, rollout, flow, norm"):
            apply_method(name, encoder())
