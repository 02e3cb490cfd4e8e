"""Each measure on matrices whose value can be worked out on paper."""

import math
from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder

from attnviz.analysis import MEASURES, best_offset, entropy, normalised_entropy, offset_share, sink, special_mass
from attnviz.analysis.distance import distance
from attnviz.analysis.position import next_token, previous_token, same_token
from attnviz.errors import SelectionError

IDENTITY = np.eye(4)
PREVIOUS = np.eye(4, k=-1) + np.diag([1.0, 0, 0, 0])  # the first row has no previous key: it looks at itself
NEXT = np.eye(4, k=1) + np.diag([0, 0, 0, 1.0])
UNIFORM = np.full((4, 4), 0.25)
PLANTED = np.array([[0.1, 0.2, 0.3, 0.4]] * 4)
CAUSAL = np.tri(4) / np.arange(1, 5)[:, None]


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("kind", ["self", "masked-self", "cross"])
def test_a_measure_gives_one_number_a_head(name: str, kind: str) -> None:
    one = encoder_decoder()[kind]
    for layer in one.layers:
        values = MEASURES[name](one, layer)
        assert values.shape == (2,)
        assert not np.isinf(values).any()
    with pytest.raises(SelectionError, match="layer 7"):
        MEASURES[name](one, 7)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_of_one_token_is_a_number_or_nan(name: str) -> None:
    with np.errstate(all="raise"):
        assert MEASURES[name](attention([[[1.0]]]), 0).shape == (1,)


def test_entropy_is_the_mean_of_the_smoothed_rows_entropies() -> None:
    peak, rest = 0.9999 + 0.000025, 0.000025
    sharp = -(peak * math.log(peak) + 3 * rest * math.log(rest))
    assert entropy(attention([IDENTITY, UNIFORM]), 0) == pytest.approx([sharp, math.log(4)], rel=1e-5)


def test_entropy_leaves_out_rows_that_see_nothing() -> None:
    half = np.vstack([np.zeros((2, 4)), UNIFORM[:2]])
    assert entropy(attention([half]), 0) == pytest.approx([math.log(4)], rel=1e-5)
    assert np.isnan(entropy(attention([np.zeros((2, 2))]), 0)).all()


def test_normalised_entropy_of_uniform_attention_is_1() -> None:
    assert normalised_entropy(attention([UNIFORM]), 0) == pytest.approx([1.0])
    assert normalised_entropy(attention([CAUSAL], kind="masked-self"), 0) == pytest.approx([1.0], abs=2e-3)
    assert np.isnan(normalised_entropy(attention([[[1.0]]]), 0)).all()


def test_distance_is_the_mean_number_of_tokens_weighted_by_attention() -> None:
    # uniform over 4 positions: (0·4 + 1·6 + 2·4 + 3·2) / 16
    values = distance(attention([IDENTITY, PREVIOUS, UNIFORM]), 0)
    assert values == pytest.approx([0, 0.75, 1.25])
    assert np.isnan(distance(attention([UNIFORM], kind="cross"), 0)).all()


def test_previous_next_and_self_are_the_means_of_diagonals() -> None:
    heads = attention([IDENTITY, PREVIOUS, NEXT, UNIFORM])
    assert previous_token(heads, 0) == pytest.approx([0, 1, 0, 0.25])
    assert next_token(heads, 0) == pytest.approx([0, 0, 1, 0.25])
    assert same_token(heads, 0) == pytest.approx([1, 0.25, 0.25, 0.25])


def test_positions_that_do_not_exist_are_nan() -> None:
    assert np.isnan(next_token(attention([CAUSAL], kind="masked-self"), 0)).all()
    assert np.isnan(previous_token(attention([UNIFORM], kind="cross"), 0)).all()
    assert np.isnan(previous_token(attention([[[1.0]]]), 0)).all()


def test_a_sink_counts_only_the_rows_that_see_the_key() -> None:
    heads = attention([CAUSAL, IDENTITY], kind="masked-self")
    assert sink(heads, 0) == pytest.approx([(1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 0.25])
    assert sink(heads, 0, key=2) == pytest.approx([(1 / 3 + 1 / 4) / 2, 0.5])


def test_special_mass_is_the_weight_on_special_keys() -> None:
    heads = attention([PLANTED], ["[CLS]", "b", "c", "[SEP]"], special=["[CLS]", "[SEP]"])
    assert special_mass(heads, 0) == pytest.approx([0.5])
    assert special_mass(attention([PLANTED]), 0) == pytest.approx([0.0])
    keys = tuple(replace(token, segment=int(index > 0)) for index, token in enumerate(heads.keys))
    assert special_mass(replace(heads, queries=keys, keys=keys), 0) == pytest.approx([PLANTED[:, 3].mean()])


def test_of_offsets_as_often_and_as_near_the_one_behind_is_the_best() -> None:
    blind, turned = np.zeros((3, 3)), np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])  # it looks 1 ahead, and 1 back
    heads = attention([blind, turned])
    assert best_offset(heads, 0).tolist() == [0, -1]
    assert offset_share(heads, 0) == pytest.approx([0, 1 / 3])


def test_the_best_offset_is_the_most_common_one_and_of_equal_ones_the_nearest_to_0() -> None:
    # the planted head always peaks at key 3: its offsets are 3, 2, 1, 0
    heads = attention([IDENTITY, PREVIOUS, NEXT, PLANTED])
    assert best_offset(heads, 0).tolist() == [0, -1, 1, 0]
    assert offset_share(heads, 0) == pytest.approx([1, 0.75, 0.75, 0.25])
