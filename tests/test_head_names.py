"""The names of layers and heads."""

import numpy as np
import pytest

from attnviz.errors import SelectionError
from attnviz.head_names import head_name, parse_heads, parse_layers, parse_names


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None),
        (3, (3,)),
        ("3", (3,)),
        ("L3", (3,)),
        ("l3", (3,)),
        ("last", (-1,)),
        ("Last", (-1,)),
        (-1, (-1,)),
        ("-2", (-2,)),
        ("0-3", (0, 1, 2, 3)),
        ("L0-L3", (0, 1, 2, 3)),
        ("0-2,5, 1", (0, 1, 2, 5)),
        (["5", "0-1", "last"], (5, 0, 1, -1)),
        ([3, "L3", 3], (3,)),
        (range(2), (0, 1)),
        (np.array([4, 1]), (4, 1)),
    ],
    ids=str,
)
def test_a_name_of_layers_gives_their_numbers(given, meant):
    assert parse_layers(given) == (meant, None)


@pytest.mark.parametrize(
    ("given", "numbers", "layer_heads"),
    [
        (None, None, None),
        (1, (1,), None),
        ("H1", (1,), None),
        ("0-3,5", (0, 1, 2, 3, 5), None),
        ("h0-h1", (0, 1), None),
        ([2, "H0"], (2, 0), None),
        ("last", (-1,), None),
        ("-2,0", (-2, 0), None),
        ("L3H1", None, ((3, 1),)),
        ("l3h1", None, ((3, 1),)),
        ("L3H1,L5H11", None, ((3, 1), (5, 11))),
        (["L5H11", "L3H1", "L5H11"], None, ((5, 11), (3, 1))),
    ],
    ids=str,
)
def test_a_name_of_heads_gives_their_numbers_or_heads_of_layers(given, numbers, layer_heads):
    assert parse_heads(given) == (numbers, layer_heads)


@pytest.mark.parametrize(
    ("layers", "heads", "meant"),
    [
        (3, "1,2", ((3,), (1, 2), None)),
        ("L3H1", None, (None, None, ((3, 1),))),
        (["L3H1"], ["L5H11", "l3h1"], (None, None, ((3, 1), (5, 11)))),
        (None, ["L3H1"], (None, None, ((3, 1),))),
    ],
    ids=str,
)
def test_heads_with_their_layers_may_be_named_as_layers_or_as_heads(layers, heads, meant):
    assert parse_names(layers, heads) == meant


@pytest.mark.parametrize(
    ("layers", "heads", "message"),
    [
        (3, "L3H1", "head L3H1 already names its layer"),
        ("L3H1", 2, "L3H1 already names its head"),
        ("last,L3H1", None, "L3H1 names a layer and a head, and -1 does not"),
    ],
)
def test_a_head_with_its_layer_takes_no_other_layer_or_head(layers, heads, message):
    with pytest.raises(SelectionError, match=message):
        parse_names(layers, heads)


WRONG = ["", "x", "3-1", "1-", "--1", "3.0", "L", "0,", 2.0, [1, None], slice(2), "1" * 7, "first", "L3H", "３²"]


@pytest.mark.parametrize("given", [*WRONG, "H3", "L3H0-1", "-0-1"], ids=str)
def test_an_invalid_name_of_a_layer_is_refused(given):
    with pytest.raises(SelectionError, match="is not a layer or a range of layers") as caught:
        parse_layers(given)
    assert caught.value.hint == "Layers: 3, L3, 0-3,5; from the end: last, -2; one head of a layer: L3H1."


@pytest.mark.parametrize("given", [*WRONG, "L3", "-0-1", "L3H0-1"], ids=str)
def test_an_invalid_name_of_a_head_is_refused(given):
    with pytest.raises(SelectionError, match="is not a head or a range of heads") as caught:
        parse_heads(given)
    assert caught.value.hint == "Heads: 1, H1, 0-3,5; from the end: last, -2; with its layer: L3H1."


@pytest.mark.parametrize(("read", "what"), [(parse_layers, "layers"), (parse_heads, "heads")])
def test_an_empty_list_of_names_is_refused(read, what):
    with pytest.raises(SelectionError, match=f"no {what} were named"):
        read([])


def test_heads_with_and_without_a_layer_cannot_be_mixed():
    with pytest.raises(SelectionError, match="L3H1 names a layer and a head, and 2 does not"):
        parse_heads(["L3H1", 2])


def test_the_name_of_a_head_is_read_as_that_head():
    assert head_name(3, 12) == "L3H12"
    assert parse_heads(head_name(3, 12)) == (None, ((3, 12),))
    assert parse_layers(head_name(3, 12)) == (None, ((3, 12),))
