"""Text that runs from right to left: UAX #9, with examples worked out by hand, where capitals are Hebrew letters."""

from itertools import pairwise

import pytest

from attnviz.attention import Token
from attnviz.render.bidi import base_level, levels, visual_order
from attnviz.render.text_layout import directed, flow, follows_without_space

MIRRORED = str.maketrans("()[]", ")(][")


def hebrew(text: str) -> str:
    """`text` with a Hebrew letter for every capital."""
    return "".join(chr(ord("א") + ord(char) - ord("A")) if "A" <= char <= "Z" else char for char in text)


def shown(text: str, base: int) -> str:
    """`text` as it is seen from left to right."""
    found = levels(hebrew(text), base)
    return "".join(text[at].translate(MIRRORED) if found[at] % 2 else text[at] for at in visual_order(found))


@pytest.mark.parametrize(
    ("text", "base", "seen"),
    [
        ("ABC DEF", 1, "FED CBA"),
        ("ABC DEF", 0, "FED CBA"),
        ("he said ABC DEF to me", 0, "he said FED CBA to me"),
        ("ABC at one DEF.", 1, ".FED at one CBA"),
        ("ABC 12.5 DEF", 1, "FED 12.5 CBA"),
        ("ABC 50% DEF", 1, "FED 50% CBA"),
        ("ABC 12, 13 DEF", 1, "FED 13 ,12 CBA"),
        ("ABC (DEF) GHI", 1, "IHG (FED) CBA"),
        ("ABC (one) DEF", 1, "FED (one) CBA"),
        ("ABC one (two) DEF", 1, "FED one (two) CBA"),
        ("one (ABC) two", 0, "one (CBA) two"),
        ("ABC!?", 1, "?!CBA"),
        ("ABC!?", 0, "CBA!?"),
        ("ABC one-two", 1, "one-two CBA"),
        ("1 ABC", 0, "1 CBA"),
        ("ABC 1", 0, "1 CBA"),
    ],
)
def test_a_line_has_the_visual_order_of_the_unicode_algorithm(text: str, base: int, seen: str) -> None:
    assert shown(text, base) == seen


def test_numbers_after_arabic_letters_are_arabic_numbers_and_keep_their_order() -> None:
    assert levels("ب 12", 1) == [1, 1, 2, 2]
    assert levels("ب1-2", 1) == [1, 2, 1, 2]  # a hyphen joins European numbers only
    assert levels("א1-2", 1) == [1, 2, 2, 2]
    assert levels("ب\u064b.", 1) == [1, 1, 1]


def test_the_first_letter_decides_the_direction_of_a_paragraph() -> None:
    assert base_level(["12. ", "שלום abc"]) == 1
    assert base_level(["abc שלום"]) == 0
    assert base_level(["12.", "؟"]) == 1  # the Arabic question mark is one of its letters
    assert base_level(["12"]) is None


def placed(words: list[str], limit: float = 100.0, special: tuple[int, ...] = ()) -> tuple[list[str], list[str]]:
    """The words of each line from left to right, and the labels, where each word is one wide and a space is too."""
    tokens, at = [], 0
    for i, word in enumerate(words):
        tokens.append(Token(0, word, None if i in special else (at, at + len(word)), special=i in special))
        at += len(word) + 1
    widths = [1.0] * len(words)
    places, labels = directed(flow(widths, follows_without_space(tokens), limit, 1.0), widths, tokens, words)
    lines = sorted({line for line, _ in places})
    rows = [sorted((x, word) for (row, x), word in zip(places, words, strict=True) if row == line) for line in lines]
    assert all(b[0] - a[0] == 2.0 for row in rows for a, b in pairwise(row))
    return [" ".join(word for _, word in row) for row in rows], labels


def test_words_of_a_line_run_from_the_right() -> None:
    words = hebrew("A B 12 C").split()
    assert placed(words)[0] == [" ".join(reversed(words))]
    assert placed(["one", *words])[0] == [" ".join(["one", *reversed(words)])]
    assert placed(["[CLS]", *words, "[SEP]"], special=(0, 5))[0] == [" ".join(["[SEP]", *reversed(words), "[CLS]"])]
    assert placed(["one", "two", "(", "three", ")"]) == (["one two ( three )"], ["one", "two", "(", "three", ")"])


def test_a_short_line_is_aligned_to_the_right() -> None:
    words = hebrew("A B C D E").split()
    tokens = [Token(0, word, (2 * at, 2 * at + 1)) for at, word in enumerate(words)]
    widths = [1.0] * 5
    places, _ = directed(flow(widths, follows_without_space(tokens), 5.0, 1.0), widths, tokens, words)
    assert places == [(0, 4.0), (0, 2.0), (0, 0.0), (1, 4.0), (1, 2.0)]


def test_each_paragraph_has_its_own_direction() -> None:
    words = hebrew("A B one two").split()
    tokens = [Token(0, word, (at, at + 1)) for at, word in enumerate(words)]
    widths = [1.0] * 4
    places, _ = directed(flow(widths, [False] * 4, 9.0, 1.0, [0, 0, 1, 0]), widths, tokens, words, [0, 0, 1, 0])
    assert places == [(0, 2.0), (0, 0.0), (1, 0.0), (1, 2.0)]


def test_brackets_among_right_to_left_words_are_mirrored() -> None:
    _, labels = placed(hebrew("A ( B ) ! one").split())
    assert labels == [hebrew("A"), "\u200f(", hebrew("B"), "\u200f)", "\u200f!", "one"]


def test_names_of_invisible_characters_follow_the_direction_of_the_text() -> None:
    words = [f"{hebrew('B')}₁", f"{hebrew('B')}₂", "-", "20", "👨₁", "⟨ZWJ⟩", "👩"]
    assert placed(words)[0] == [" ".join(reversed(words))]
    assert placed(["one", "👨₁", "⟨ZWJ⟩", "👩", hebrew("A")])[0] == [f"one 👨₁ ⟨ZWJ⟩ 👩 {hebrew('A')}"]
