"""Running means and spreads, against numpy over all numbers at once."""

import numpy as np
import pytest

from attnviz.analysis.moments import Moments

NUMBERS = np.random.default_rng(0).normal(3, 2, (101, 2, 3))
NUMBERS[::7, 0, 1] = np.nan
NUMBERS[:, 1, 2] = np.nan
NUMBERS[1:, 1, 1] = np.nan


def total(parts: list[Moments]) -> Moments:
    whole, *others = parts
    for part in others:
        whole = whole + part
    return whole


def test_three_numbers_have_the_mean_and_spread_of_a_calculation_by_hand():
    found = total([Moments.of(np.array([number])) for number in (1.0, 2.0, 6.0)])
    assert found.means == pytest.approx([3.0])
    assert found.spreads == pytest.approx([np.sqrt((4 + 1 + 9) / 3)])


@pytest.mark.parametrize("cuts", [[], [50], [1, 2, 99], [*range(1, 101)]])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_moments_are_those_of_all_numbers_in_any_split_and_order(cuts, seed):
    order = np.arange(101) if seed is None else np.random.default_rng(seed).permutation(101)
    parts = [total([Moments.of(one) for one in part]) for part in np.split(NUMBERS[order], cuts)]
    found = total(parts)
    assert (found.count == (~np.isnan(NUMBERS)).sum(0)).all()
    known = found.count > 0
    assert found.means[known] == pytest.approx(np.nanmean(NUMBERS[:, known], 0), abs=1e-12)
    assert np.isnan(found.means[~known]).all()
    several = found.count > 1
    assert found.spreads[several] == pytest.approx(np.nanstd(NUMBERS[:, several], 0), abs=1e-12)
    assert np.isnan(found.spreads[~several]).all()
