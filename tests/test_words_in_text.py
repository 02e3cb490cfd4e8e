"""Words and phrases of a text, found by name."""

import pytest

from attnviz.attention import Token
from attnviz.words_in_text import find_parts, find_words

TEXT = "The cat ate the red apple, the apple."
PIECES = ["The", "cat", "ate", "the", "red", "app", "le", ",", "the", "app", "le", "."]
WORDS = [0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9]


def tokens() -> list[Token]:
    found, end = [Token(0, "[CLS]", special=True)], 0
    for piece, word in zip(PIECES, WORDS, strict=True):
        start = TEXT.index(piece, end)
        end = start + len(piece)
        found.append(Token(1, piece, (start, end), word))
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat", [(2,)]),
        ("apple", [(6, 7), (10, 11)]),
        ("apple#2", [(10, 11)]),
        ("apple#3", []),
        ("the", [(4,), (9,)]),
        ("The", [(1,)]),
        ("CAT", [(2,)]),
        ("app", [(6,), (10,)]),
        ("red apple", [(5, 6, 7)]),
        ("the  red", [(4, 5)]),
        ("the apple#1", [(9, 10, 11)]),
        ("[CLS]", [(0,)]),
        ("3", [(3,)]),
        ("13", []),
        ("chars:16-25", [(5, 6, 7)]),
        ("chars:5-6", [(2,)]),
        ("chars:90-99", []),
        ("dog", []),
        ("ed apple", []),
    ],
)
def test_a_name_finds_words_phrases_and_characters(name: str, expected: list[tuple[int, ...]]) -> None:
    assert find_parts(tokens(), TEXT, name) == expected


def test_a_row_whose_written_token_is_unknown_is_no_word() -> None:
    assert find_words([*tokens(), None], TEXT, "cat") == [(2,)]
    assert find_parts([*tokens(), None], TEXT, "13") == []
