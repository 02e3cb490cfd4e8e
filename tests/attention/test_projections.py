"""The score of a query and a key by hand, and the shapes that projections must have."""

import numpy as np
import pytest

from attnviz.attention.projections import MASK, Projections
from attnviz.errors import CaptureError

Q = np.float32([[[1, 2], [0, 1]]])
K = np.float32([[[3, 1], [1, -1], [2, 0]]])


def made(**more: object) -> Projections:
    return Projections(**{"queries": Q, "keys": K, "values": K, "scale": 0.5} | more)


def test_products_add_up_to_the_score():
    one = made()
    np.testing.assert_array_equal(one.products(0, 0), [[3, 2], [1, -2], [2, 0]])
    np.testing.assert_allclose(one.scores(0, 0), [2.5, -0.5, 1.0])
    exp = np.exp([2.5, -0.5, 1.0])
    np.testing.assert_allclose(one.weights(0, 0), exp / exp.sum())


def test_a_soft_cap_comes_before_the_terms_and_a_mask_hides():
    bias = np.float32([[[1, 0, 0], [0, 0, 0]]])
    mask = np.float32([[[0, 0, -np.inf], [0, 0, 0]]])
    one = made(softcap=2.0, terms={"bias": bias, MASK: mask})
    first, second = 2 * np.tanh(1.25) + 1, 2 * np.tanh(-0.25)
    np.testing.assert_allclose(one.scores(0, 0), [first, second, -np.inf])
    np.testing.assert_allclose(one.weights(0, 0)[0], 1 / (1 + np.exp(second - first)))
    assert one.weights(0, 0)[2] == 0


def test_a_sink_takes_a_share_and_a_row_without_keys_is_zero():
    one = made(sinks=np.float32([0]), terms={MASK: np.full((1, 2, 3), -np.inf, np.float32)})
    np.testing.assert_array_equal(one.weights(0, 0), [0, 0, 0])
    shared = made(sinks=np.float32([1.0]))
    exp = np.exp([2.5, -0.5, 1.0, 1.0])
    np.testing.assert_allclose(shared.weights(0, 0), (exp / exp.sum())[:3])
    alone = made(terms={MASK: np.full((1, 2, 3), -np.inf, np.float32)})
    np.testing.assert_array_equal(alone.weights(0, 0), [0, 0, 0])


def test_vectors_before_rotary_positions_are_there_or_missed():
    with pytest.raises(CaptureError, match="before rotary positions were not captured"):
        made().products(0, 0, rotated=False)
    turned = made(unrotated_queries=-Q, unrotated_keys=K)
    np.testing.assert_array_equal(turned.products(0, 0, rotated=False), -made().products(0, 0))


@pytest.mark.parametrize(
    ("name", "shape"),
    [("keys", (2, 3, 2)), ("keys", (1, 3, 3)), ("values", (1, 2, 2)), ("added", (1, 3, 4)), ("read", (3, 4)),
     ("sinks", (2,)), ("unrotated_keys", (1, 3, 1))],
)  # fmt: skip
def test_another_shape_is_refused(name, shape):
    with pytest.raises(CaptureError, match=f"{name} of shape"):
        made(**{name: np.zeros(shape, np.float32)})


def test_a_term_has_a_row_for_each_query_and_can_be_the_same_for_all_heads():
    with pytest.raises(CaptureError, match=r"term\.bias of shape"):
        made(terms={"bias": np.zeros((1, 3, 3), np.float32)})
    two = Projections(queries=np.tile(Q, (2, 1, 1)), keys=np.tile(K, (2, 1, 1)), values=np.tile(K, (2, 1, 1)),
                      scale=1.0, terms={"bias": np.ones((1, 2, 3), np.float32)})  # fmt: skip
    np.testing.assert_allclose(two.scores(1, 0), [6, 0, 3])
    assert two.of_heads([1]).terms["bias"].shape == (1, 2, 3)
    assert two.of_heads([1]).queries.shape == (1, 2, 2)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(wrong):
    with pytest.raises(CaptureError, match="keys: a number is not finite"):
        made(keys=np.where(K == 3, np.float32(wrong), K))


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        made().queries[0, 0, 0] = 1
