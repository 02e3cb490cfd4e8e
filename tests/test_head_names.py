"""What layers and heads may be called."""

import numpy as np
import pytest

from attnviz.errors import SelectionError
from attnviz.head_names import heads_named, layers_named


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
def test_the_names_of_layers(given, meant):
    assert layers_named(given) == meant


@pytest.mark.parametrize(
    ("given", "numbers", "pairs"),
    [
        (None, None, None),
        (1, (1,), None),
        ("H1", (1,), None),
        ("0-3,5", (0, 1, 2, 3, 5), None),
        ("h0-h1", (0, 1), None),
        ([2, "H0"], (2, 0), None),
        ("L3H1", None, ((3, 1),)),
        ("l3h1", None, ((3, 1),)),
        ("L3H1,L5H11", None, ((3, 1), (5, 11))),
        (["L5H11", "L3H1", "L5H11"], None, ((5, 11), (3, 1))),
    ],
    ids=str,
)
def test_the_names_of_heads(given, numbers, pairs):
    assert heads_named(given) == (numbers, pairs)


WRONG = ["", "x", "3-1", "1-", "--1", "3.0", "L", "0,", 2.0, [1, None], slice(2), "1" * 7, "first", "L3H", "３²"]


@pytest.mark.parametrize("given", [*WRONG, "H3", "L3H1", "-0-1"], ids=str)
def test_what_is_no_name_of_a_layer_is_refused(given):
    with pytest.raises(SelectionError, match="is not a layer, nor a range of layers") as caught:
        layers_named(given)
    assert caught.value.hint == "Layers: 3, L3, 0-3,5; from the end: last, -2."


@pytest.mark.parametrize("given", [*WRONG, "L3", "last", "-1", "L3H0-1"], ids=str)
def test_what_is_no_name_of_a_head_is_refused(given):
    with pytest.raises(SelectionError, match="is not a head, nor a range of heads") as caught:
        heads_named(given)
    assert caught.value.hint == "Heads: 1, H1, 0-3,5; with its layer: L3H1."


@pytest.mark.parametrize(("read", "what"), [(layers_named, "layers"), (heads_named, "heads")])
def test_none_of_them_is_nothing_to_show(read, what):
    with pytest.raises(SelectionError, match=f"no {what} were named"):
        read([])


def test_heads_with_and_without_their_layer_do_not_go_together():
    with pytest.raises(SelectionError, match="head L3H1 names its layer, and head 2 does not"):
        heads_named(["L3H1", 2])
