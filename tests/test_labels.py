import unicodedata

import pytest

from attnviz.attention import Token
from attnviz.labels import tokens_from_offsets, visible, word_spans


def by_offsets(text, offsets, special=None, names=None):
    count = len(offsets)
    return tokens_from_offsets(text, range(count), offsets, special or [False] * count, names or [""] * count)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("apple", "apple"),
        (" ", "␣"),
        ("   ", "␣␣␣"),
        ("\u3000", "␣"),
        ("a b", "a b"),
        ("\n", "⏎"),
        ("\t", "⇥"),
        ("\r\n", "␍⏎"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x00\x7f\x9b", "␀␡⟨U+009B⟩"),
        ("a\u200bb", "a⟨ZWSP⟩b"),
        ("\u202eevil\u202c", "⟨RLO⟩evil⟨PDF⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("\ufeff", "⟨BOM⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("\ufffd", "⟨U+FFFD⟩"),
        ("\uffff\U0001fffe\ufdd0", "⟨U+FFFF⟩⟨U+1FFFE⟩⟨U+FDD0⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\U000e0041\U000e007f", "⟨TAG A⟩⟨TAG END⟩"),
        ("\U000e0001", "⟨U+E0001⟩"),
        ("\ue000", "⟨U+E000⟩"),
        ("a\u200db", "a⟨ZWJ⟩b"),
        ("\u200d", "⟨ZWJ⟩"),
        ("\ufe0f", "⟨VS16⟩"),
        ("\U000e0100", "⟨VS17⟩"),
        ("\u2003\u202f", "␣␣"),
        (" \n    ", "␣⏎␣␣␣␣"),
        ("\u0301", "◌\u0301"),
        ("ि", "◌ि"),
        ("\u11ab", "◌\u11ab"),
        ("◌\u0301", "◌\u0301"),
    ],
)
def test_invisible_characters_become_visible(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    ["사과를", "漢字かな", "👨\u200d👩\u200d👧", "❤️", "e\u0301", "हिन्दी", "क्\u200dष", "می\u200cخواهم", "$x^2$", "«»"],
)
def test_letters_emoji_and_marks_do_not_change(text):
    assert visible(text) == text


def test_white_space_divides_words_and_outer_punctuation_is_a_separate_word():
    text = '"Don\'t," she said.  사과를 먹고…'
    assert [text[a:b] for a, b in word_spans(text)] == ['"', "Don't", ',"', "she", "said", ".", "사과를", "먹고", "…"]
    assert word_spans("...") == [(0, 3)]
    assert word_spans("") == []


def test_a_label_is_the_covered_text_without_the_space_before_it():
    text = "I ate apples."
    tokens = by_offsets(text, [(0, 1), (1, 5), (5, 11), (11, 12), (12, 13)])
    assert [t.text for t in tokens] == ["I", "ate", "apple", "s", "."]
    assert [t.span for t in tokens] == [(0, 1), (2, 5), (6, 11), (11, 12), (12, 13)]
    assert [t.word for t in tokens] == [0, 1, 2, 2, 3]


def test_tokens_of_white_space_are_visible_and_in_no_word():
    tokens = by_offsets("a  b\n", [(0, 1), (1, 2), (2, 4), (4, 5)])
    assert [(t.text, t.word) for t in tokens] == [("a", 0), ("␣", None), ("b", 1), ("⏎", None)]


def test_tokens_that_share_a_character_show_it_with_numbered_parts():
    tokens = by_offsets("그녀는", [(0, 2), (1, 2), (1, 3)])
    assert [t.text for t in tokens] == ["그녀₁", "녀₂", "녀₃는"]
    twelve = by_offsets("🙂", [(0, 1)] * 12)
    assert twelve[-1].text == "🙂₁₂"


def test_several_characters_shared_by_the_same_tokens_have_one_number():
    tokens = by_offsets("ab cd", [(0, 5), (0, 5)])
    assert [t.text for t in tokens] == ["ab cd₁", "ab cd₂"]


def test_a_decomposed_hangul_syllable_counts_as_one_character():
    text = unicodedata.normalize("NFD", "한가") + "\u11a8"  # 한 and 각, in three letters each
    tokens = by_offsets(text, [(0, 1), (1, 3), (3, 4), (4, 6)])
    assert [unicodedata.normalize("NFC", t.text) for t in tokens] == ["한₁", "한₂", "각₁", "각₂"]
    assert [t.span for t in tokens] == [(0, 3), (0, 3), (3, 6), (3, 6)]
    assert [t.word for t in tokens] == [0, 0, 0, 0]
    composed = by_offsets("가\u11a8", [(0, 1), (1, 2)])
    assert [unicodedata.normalize("NFC", t.text) for t in composed] == ["각₁", "각₂"]


def test_a_mark_without_a_token_is_added_to_the_token_before_it():
    tokens = by_offsets("cafe\u0301 ｶﾞ", [(0, 3), (3, 4), (6, 7)])
    assert [t.text for t in tokens] == ["caf", "e\u0301", "ｶﾞ"]
    assert [t.text for t in by_offsets("e\u0301", [(0, 1), (1, 2)])] == ["e", "◌\u0301"]


def test_spaces_of_every_width_are_left_out_beside_a_word():
    tokens = by_offsets("\u3000a\u00a0 \tb\n", [(0, 3), (3, 6), (6, 7)])
    assert [(t.text, t.span) for t in tokens] == [("a", (1, 2)), ("⇥b", (4, 6)), ("⏎", (6, 7))]


def test_in_scripts_without_spaces_a_token_is_a_word():
    tokens = by_offsets("我们吃apple了", [(0, 2), (2, 3), (3, 5), (5, 8), (8, 9)])
    assert [t.word for t in tokens] == [0, 1, 2, 2, 3]
    shared = by_offsets("食食", [(0, 1), (0, 2), (1, 2)])
    assert [t.word for t in shared] == [0, 0, 0]
    assert [t.word for t in by_offsets("ที่", [(0, 1), (1, 2), (2, 3)])] == [0, 0, 0]


def test_special_tokens_are_in_no_word_and_end_a_word():
    tokens = by_offsets("a</s>b c", [(0, 1), (1, 5), (5, 6), (7, 8)], [False, True, False, False])
    assert [t.word for t in tokens] == [0, None, 1, 2]


def test_a_mark_at_the_start_of_a_label_gets_a_dotted_circle():
    assert [t.text for t in by_offsets("हि", [(0, 1), (1, 2)])] == ["ह", "◌ि"]


def test_a_token_that_covers_no_characters_is_shown_by_its_name():
    tokens = by_offsets("hi", [(0, 0), (0, 2), (0, 0), (2, 2)], [True, False, True, False], ["[CLS]", "", "\x1b]", " "])
    assert tokens[0] == Token(0, "[CLS]", special=True)
    assert tokens[2].text == "␛]"
    assert tokens[3] == Token(3, "␣")
