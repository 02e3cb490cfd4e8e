"""Heads ranked by one link, against numbers that can be worked out on paper."""

import numpy as np
import pytest
from handmade_traces import attention

from attnviz.analysis.link_rank import rank_heads

LOOKS = np.array([[0.1, 0.6, 0.1, 0.2], [0.2, 0.2, 0.2, 0.4], [0.1, 0.5, 0.3, 0.1], [0.0, 0.7, 0.2, 0.1]])
UNIFORM = np.full((4, 4), 0.25)
CAUSAL = np.tri(4) / np.arange(1, 5)[:, None]


def test_a_ranked_head_has_its_weight_its_rank_and_its_baselines() -> None:
    first, second = rank_heads(attention([UNIFORM, LOOKS]), [2], [1])
    assert (first.name, second.name) == ("L0H1", "L0H0")
    assert (first.weight, first.rank, first.keys) == (pytest.approx(0.5), 1, 4)
    assert (first.uniform, first.ratio) == pytest.approx((0.25, 2.0))
    assert first.others == pytest.approx((0.6 + 0.2 + 0.7) / 3)
    # offset −2: (.1 + .7) / 2; −1: (.2 + .5 + .2) / 3; 0: .7 / 4; +1: (.6 + .2 + .1) / 3; +2: (.1 + .4) / 2
    assert (first.offset, first.offset_weight) == (-2, pytest.approx(0.4))
    assert (second.weight, second.rank, second.ratio) == pytest.approx((0.25, 1, 1.0))
    assert (second.offset, second.offset_weight) == (0, pytest.approx(0.25))


def test_several_columns_are_summed_and_several_rows_averaged() -> None:
    (link,) = rank_heads(attention([LOOKS]), [0, 1], [1, 3])
    assert link.weight == pytest.approx(((0.6 + 0.2) + (0.2 + 0.4)) / 2)
    assert link.uniform == pytest.approx(0.5)
    assert link.rank == 1
    assert link.others == pytest.approx(((0.5 + 0.1) + (0.7 + 0.1)) / 2)


def test_a_rank_counts_the_keys_that_get_more() -> None:
    (link,) = rank_heads(attention([LOOKS]), [0], [2])
    assert link.rank == 3  # .6 and .2 are more, .1 is as much


def test_a_causal_row_is_compared_with_the_keys_that_it_may_look_at() -> None:
    (link,) = rank_heads(attention([CAUSAL], kind="masked-self"), [2], [0])
    assert (link.weight, link.uniform, link.keys) == (pytest.approx(1 / 3), pytest.approx(1 / 3), 3)
    assert link.others == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)


def test_a_masked_pair_is_not_a_link() -> None:
    assert rank_heads(attention([CAUSAL], kind="masked-self"), [0], [2]) == []
    (link,) = rank_heads(attention([CAUSAL], kind="masked-self"), [0, 3], [2])  # the row that sees it counts
    assert link.weight == pytest.approx(1 / 4)


def test_positions_of_two_texts_have_no_offset() -> None:
    (link,) = rank_heads(attention([LOOKS], kind="cross"), [0], [1])
    assert link.offset is None
    assert np.isnan(link.offset_weight)


def test_a_single_row_has_no_other_rows_to_compare_with() -> None:
    (link,) = rank_heads(attention([[[0.3, 0.7]]], kind="cross"), [0], [1])
    assert np.isnan(link.others)
