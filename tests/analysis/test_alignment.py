"""Words that two texts have in common."""

import pytest

from attnviz.analysis.alignment import align


@pytest.mark.parametrize(
    ("words", "others", "pairs"),
    [
        ("I ate an apple", "I ate an apple", [(0, 0), (1, 1), (2, 2), (3, 3)]),
        ("The cat sat", "the black cat sat", [(0, 0), (1, 2), (2, 3)]),
        ("I ate a red apple", "I sold an apple", [(0, 0), (4, 3)]),
        ("a b", "c d", []),
        ("", "a", []),
        ("she saw her dog", "her dog saw she", [(2, 0), (3, 1)]),  # in order: one run, and nothing across it
    ],
)
def test_common_words_are_paired_in_order(words, others, pairs) -> None:
    assert align(words.split(), others.split()) == pairs


def test_frequent_words_are_paired_too() -> None:
    words = ["the"] * 300 + ["end"]
    assert align(words, words) == [(index, index) for index in range(301)]
