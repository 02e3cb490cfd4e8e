"""The distance of two heads, against numbers that can be worked out on paper and a recomputation row by row."""

import math

import numpy as np
import pytest

from attnviz.analysis.head_distance import MOST, head_distance

LOOKS = np.array([[0.9, 0.1], [0.5, 0.5]], np.float32)
SWAPPED = LOOKS[:, ::-1]


def divergence(a, b) -> float:
    """JS of two rows by the definition: two Kullback-Leibler divergences from their mean."""
    n = len(a)
    a, b = ([0.999 * float(weight) + 0.001 / n for weight in row] for row in (a, b))
    middle = [(x + y) / 2 for x, y in zip(a, b, strict=True)]
    return sum(sum(x * math.log(x / m) for x, m in zip(row, middle, strict=True)) for row in (a, b)) / 2


def test_the_distance_of_two_matrices_is_that_worked_out_by_hand() -> None:
    # row 0, smoothed: .9·.999 + .0005 = .8996 and .1004; the other way round in the other, so the mean is ½ and ½.
    # JS = .8996·ln(.8996/½) + .1004·ln(.1004/½) = .52835 − .16116; row 1 is the same in both
    (found,) = head_distance(LOOKS, SWAPPED[None])
    assert found == pytest.approx(0.52835 - 0.16116, abs=2e-5)


def test_rows_that_share_no_key_are_nearly_ln_2_apart() -> None:
    (found,) = head_distance(np.eye(2), np.eye(2)[None, ::-1])
    a, b = 0.9995, 0.0005
    assert found == pytest.approx(2 * (a * math.log(2 * a) + b * math.log(2 * b)))
    assert 0.99 * 2 * MOST < found < 2 * MOST


def test_the_distance_of_a_head_from_itself_is_0_and_distances_are_symmetric() -> None:
    heads = np.random.default_rng(5).dirichlet(np.ones(7), (3, 7)).astype(np.float32)
    found = np.array([head_distance(head, heads) for head in heads])
    assert (np.diag(found) == 0).all()
    assert (found[~np.eye(3, dtype=bool)] > 0.1).all()
    np.testing.assert_array_equal(found, found.T)


def test_the_distance_is_the_sum_of_the_divergences_of_the_rows() -> None:
    heads = np.random.default_rng(7).dirichlet(np.full(9, 0.3), (4, 6)).astype(np.float32)
    expected = [sum(divergence(*rows) for rows in zip(heads[0], other, strict=True)) for other in heads]
    np.testing.assert_allclose(head_distance(heads[0], heads), expected, rtol=1e-9, atol=1e-15)


def test_a_row_that_sees_nothing_in_one_of_them_is_left_out() -> None:
    blind = LOOKS.copy()
    blind[0] = 0
    (found,) = head_distance(LOOKS, blind[None])
    assert found == 0  # row 1 is the same in both
