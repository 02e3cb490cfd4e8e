"""The words that two texts have in common, in order."""

from collections.abc import Sequence
from difflib import SequenceMatcher


def align(words: Sequence[str], others: Sequence[str]) -> list[tuple[int, int]]:
    """The positions in both of the words that both have, in order; capital letters make no difference.

    They are those of Python's `difflib`: the longest run that both have, then the same to its left and right.
    """
    one, other = ([word.casefold() for word in text] for text in (words, others))
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return [(block.a + index, block.b + index) for block in blocks for index in range(block.size)]
