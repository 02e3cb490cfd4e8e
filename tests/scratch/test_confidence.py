"""How sure the model is of a translation, and where it is unsure."""

import numpy as np
import pytest
import torch

from attnviz.scratch.confidence import LOST, choose_threshold, shares_below, word_probabilities

D, STEMS, ENDINGS = 8, 5, 4


@pytest.fixture
def model() -> tuple[np.ndarray, dict, np.ndarray]:
    """What a decoder gives, `[2, 3, D]`, the weights, and which stem has which ending: each has the first."""
    random = np.random.default_rng(0)
    has = random.random((STEMS, ENDINGS)) < 0.5
    has[:, 0] = True
    W = {name: random.normal(size=(size, D)).astype(np.float32) for name, size in (("E", STEMS), ("F", ENDINGS))}
    return random.normal(size=(2, 3, D)).astype(np.float32), W, has


def test_a_word_has_the_probability_of_its_stem_times_that_of_its_ending_among_those_it_has(model):
    x, W, has = model
    words = np.array([[[0, 0], [1, 0], [4, 0]], [[2, 0], [3, 0], [1, int(has[1].nonzero()[0][-1])]]])
    P = word_probabilities(x, words, has, W)
    E, F = torch.tensor(W["E"]), torch.tensor(W["F"])
    for row, column in np.ndindex(2, 3):
        stem, ending = words[row, column]
        y = torch.tensor(x[row, column])
        of_stem = torch.softmax(E @ y, 0)[stem]
        scores = (F @ (y + D**0.5 * E[stem])).masked_fill(~torch.tensor(has[stem]), -torch.inf)
        assert P[row, column] == pytest.approx(float(of_stem * torch.softmax(scores, 0)[ending]), rel=1e-4)


def test_the_probabilities_of_all_words_add_up_to_1(model):
    x, W, has = model
    words = np.argwhere(has)
    total = sum(word_probabilities(x, np.broadcast_to(word, (2, 3, 2)), has, W) for word in words)
    np.testing.assert_allclose(total, 1, atol=1e-5)


def test_a_threshold_loses_at_most_one_in_twenty_of_the_right_translations():
    right = np.arange(0.01, 1.005, 0.01)  # 100 of them: 0.01 to 1.00
    confidence = np.concatenate([right, [0.001, 0.002]])
    threshold = choose_threshold(confidence, np.arange(102) < 100)
    assert threshold == pytest.approx(0.06)
    assert (right < threshold - 1e-9).sum() == LOST * 100


def test_a_threshold_is_rounded_down_to_whole_percent():
    assert choose_threshold(np.full(10, 0.3099), np.full(10, True)) == 0.30


def test_a_model_that_gets_nothing_right_is_unsure_of_everything():
    assert choose_threshold(np.array([0.2, 0.9]), np.array([False, False])) == 1


def test_shares_are_of_the_wrong_that_are_caught_and_of_the_right_that_are_lost():
    confidence = np.array([0.1, 0.2, 0.5, 0.6, 0.1, 0.7])
    right = np.array([False, False, False, True, True, True])
    assert shares_below(0.5, confidence, right) == pytest.approx((2 / 3, 1 / 3))
    assert shares_below(0, confidence, right) == (0, 0)
    assert shares_below(1, confidence[3:], right[3:]) == (0, 1)
