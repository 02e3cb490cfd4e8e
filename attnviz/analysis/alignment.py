"""The words that two texts have in common, in order."""

from collections.abc import Sequence
from difflib import SequenceMatcher


def align(words: Sequence[str], others: Sequence[str]) -> list[tuple[int, int]]:
    """The common words of two texts, in order, as pairs of positions; capital letters make no difference.

    They are found by Python's `difflib`: the longest common run of words, then the same to its left and to its right.
    """
    one, other = ([word.casefold() for word in text] for text in (words, others))
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return [(block.a + index, block.b + index) for block in blocks for index in range(block.size)]
