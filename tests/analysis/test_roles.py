"""What a head does, in one word: measures of repeated tokens, confidence, baselines, and the roles they give."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention

from attnviz.analysis import baseline, confidence, duplicate_token, head_roles, induction, previous_token, sink
from attnviz.attention import Attention, Token


def repeated(heads: object, ids: list[int], kind: str = "masked-self") -> Attention:
    """Heads over tokens with those ids of the vocabulary."""
    tokens = tuple(Token(id_, f"t{id_}", None, i) for i, id_ in enumerate(ids))
    weights = np.array(heads, np.float32)
    return Attention(kind, "decoder", tokens, tokens, {0: weights}, {0: tuple(range(len(weights)))})


IDS = [5, 6, 5, 6]
CAUSAL = np.tri(4) / np.arange(1, 5)[:, None]
TO_SAME = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0.9, 0, 0.1, 0], [0, 0.7, 0, 0.3]])
TO_NEXT = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0.8, 0.2, 0], [0, 0, 0.6, 0.4]])


def test_duplicate_tokens_are_earlier_tokens_with_the_same_id() -> None:
    # P is 1 at (2, 0) and (3, 1): .9 + .7 of 4; uniform: 1/3 + 1/4 of 4
    heads = repeated([TO_SAME, TO_NEXT, CAUSAL], IDS)
    assert duplicate_token(heads, 0) == pytest.approx([1.6 / 4, 0, (1 / 3 + 1 / 4) / 4])


def test_induction_is_the_share_on_tokens_that_followed_an_earlier_copy() -> None:
    # token[j − 1] = token[i], j ≤ i: (2, 1) after 5, (3, 2) after 6
    heads = repeated([TO_SAME, TO_NEXT, CAUSAL], IDS)
    assert induction(heads, 0) == pytest.approx([0, 1.4 / 4, (1 / 3 + 1 / 4) / 4])


@pytest.mark.parametrize("measure", [duplicate_token, induction])
def test_a_measure_of_repeated_tokens_is_nan_where_none_is_repeated(measure) -> None:
    assert np.isnan(measure(repeated([CAUSAL], [1, 2, 3, 4]), 0)).all()
    assert np.isnan(measure(repeated([CAUSAL], IDS, "cross"), 0)).all()


def test_confidence_is_the_mean_of_the_largest_weights_without_special_keys() -> None:
    heads = attention([[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.0, 0.5, 0.5]]], ["[CLS]", "a", "b"], special=["[CLS]"])
    assert confidence(heads, 0) == pytest.approx([(0.2 + 0.6 + 0.5) / 3])
    assert np.isnan(confidence(attention([np.eye(2)], ["[CLS]", "[SEP]"], special=["[CLS]", "[SEP]"]), 0)).all()


def test_the_baseline_of_a_measure_is_its_value_for_uniform_attention() -> None:
    masked, full = attention([np.eye(4)], kind="masked-self"), attention([np.eye(4)])
    assert baseline(masked, sink) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert baseline(masked, previous_token) == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert baseline(full, previous_token) == pytest.approx(1 / 4)


def shifted(by: int, n: int = 10) -> np.ndarray:
    """Each row looks `by` tokens back; the first rows look at themselves."""
    return np.eye(n, k=-by) + np.diag([1.0] * by + [0.0] * (n - by))


def test_a_head_has_the_role_that_is_farthest_above_its_baseline() -> None:
    first = np.hstack([np.full((10, 1), 0.4), np.full((10, 9), 0.6 / 9)])
    uniform = np.full((10, 10), 0.1)
    heads = attention([shifted(1), shifted(1).T, np.eye(10), first, shifted(3), uniform])
    roles = head_roles(heads, 0)
    assert [role and role.name for role in roles] == ["previous", "next", "self", "sink", None, None]
    assert (roles[0].value, roles[0].baseline) == pytest.approx((1.0, 0.1))
    assert (roles[3].value, roles[3].baseline) == pytest.approx((0.4, 0.1))


def test_a_head_at_one_fixed_offset_farther_away_is_positional() -> None:
    (role,) = head_roles(attention([shifted(2, 40)]), 0)
    assert (role.name, role.value) == ("positional", pytest.approx(38 / 40))


def test_a_measure_that_does_not_beat_its_baseline_names_no_role() -> None:
    # In a causal text of two tokens uniform attention gives the first (1 + 1/2) / 2 = .75.
    assert head_roles(attention([np.tri(2) / [[1], [2]]], kind="masked-self"), 0) == (None,)


def test_roles_by_position_are_not_for_cross_attention() -> None:
    first = np.hstack([np.full((10, 1), 0.9), np.full((10, 9), 0.1 / 9)])
    assert head_roles(attention([first, np.eye(10)], kind="cross"), 0) == (None, None)


@pytest.mark.parametrize("measure", [duplicate_token, induction, confidence])
def test_a_measure_of_single_tokens_is_nan_for_pooled_rows(measure) -> None:
    pooled = replace(attention([np.eye(4)]), rows=((0, 2), (2, 4)), by_layer={0: np.eye(4)[None, ::2]})
    assert np.isnan(measure(pooled, 0)).all()
