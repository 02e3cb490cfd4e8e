import pytest

from attnviz.attention import Token
from attnviz.labels import offsets_by_decoding, tokens_from_offsets, visible, word_spans


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
        ("\ud800", "⟨U+D800⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("a\u200db", "a⟨ZWJ⟩b"),
        ("\u200d", "⟨ZWJ⟩"),
        ("\ufe0f", "⟨U+FE0F⟩"),
    ],
)
def test_what_is_unseen_becomes_visible(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    ["사과를", "漢字かな", "👨\u200d👩\u200d👧", "❤️", "e\u0301", "हिन्दी", "क्\u200dष", "می\u200cخواهم", "$x^2$", "«»"],
)
def test_letters_emoji_and_marks_stay_as_they_are(text):
    assert visible(text) == text


def test_words_are_divided_by_white_space_and_their_outer_punctuation_is_apart():
    text = '"Don\'t," she said.  사과를 먹고…'
    assert [text[a:b] for a, b in word_spans(text)] == ['"', "Don't", ',"', "she", "said", ".", "사과를", "먹고", "…"]
    assert word_spans("...") == [(0, 3)]
    assert word_spans("") == []


def test_a_token_shows_what_it_covers_without_the_space_before_it():
    text = "I ate apples."
    tokens = by_offsets(text, [(0, 1), (1, 5), (5, 11), (11, 12), (12, 13)])
    assert [t.text for t in tokens] == ["I", "ate", "apple", "s", "."]
    assert [t.span for t in tokens] == [(0, 1), (2, 5), (6, 11), (11, 12), (12, 13)]
    assert [t.word for t in tokens] == [0, 1, 2, 2, 3]


def test_tokens_that_are_white_space_are_shown_and_are_in_no_word():
    tokens = by_offsets("a  b\n", [(0, 1), (1, 2), (2, 4), (4, 5)])
    assert [(t.text, t.word) for t in tokens] == [("a", 0), ("␣", None), ("b", 1), ("⏎", None)]


def test_tokens_that_share_a_character_show_it_with_the_numbers_of_its_parts():
    tokens = by_offsets("그녀는", [(0, 2), (1, 2), (1, 3)])
    assert [t.text for t in tokens] == ["그녀₁", "녀₂", "녀₃는"]
    twelve = by_offsets("🙂", [(0, 1)] * 12)
    assert twelve[-1].text == "🙂₁₂"


def test_a_mark_that_begins_a_token_stands_on_a_dotted_circle():
    assert [t.text for t in by_offsets("हि", [(0, 1), (1, 2)])] == ["ह", "◌ि"]


def test_a_token_that_is_not_in_the_text_goes_by_its_own_name():
    tokens = by_offsets("hi", [(0, 0), (0, 2), (0, 0), (2, 2)], [True, False, True, False], ["[CLS]", "", "\x1b]", " "])
    assert tokens[0] == Token(0, "[CLS]", special=True)
    assert tokens[2].text == "␛]"
    assert tokens[3] == Token(3, "␣")


def _bytes(text, sizes):
    """A tokenizer that cuts the bytes of `text` into pieces of those sizes: its ids, and its decoder."""
    data, pieces = text.encode(), []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    assert not data
    return list(range(len(pieces))), lambda ids: b"".join(pieces[i] for i in ids).decode(errors="replace")


def test_offsets_are_found_by_decoding_where_the_tokenizer_keeps_none():
    ids, decode = _bytes("a 녀는🙂!", [1, 2, 2, 4, 2, 2])
    text, offsets = offsets_by_decoding(ids, [False] * 6, decode)
    assert text == "a 녀는🙂!"
    assert offsets == [(0, 1), (1, 3), (2, 3), (3, 5), (4, 5), (4, 6)]
    labels = [t.text for t in tokens_from_offsets(text, ids, offsets, [False] * 6, [""] * 6)]
    assert labels == ["a", "녀₁", "녀₂", "는🙂₁", "🙂₂", "🙂₃!"]


def test_special_tokens_are_passed_over_in_decoding():
    pieces = {0: "<s>", 1: "I", 2: " ate", 3: "</s>"}
    decode = lambda ids: "".join(pieces[i] for i in ids).lstrip()  # noqa: E731
    text, offsets = offsets_by_decoding([0, 1, 2, 3], [True, False, False, True], decode)
    assert (text, offsets) == ("I ate", [(0, 0), (0, 1), (1, 5), (0, 0)])


def test_bytes_that_are_no_character_do_not_stop_the_rest():
    _, decode = _bytes("ab", [1, 1])
    broken = lambda some: "".join("\ufffd" if i == 9 else decode([i]) for i in some)  # noqa: E731
    text, offsets = offsets_by_decoding([0, 9, 1], [False] * 3, broken)
    tokens = tokens_from_offsets(text, [0, 9, 1], offsets, [False] * 3, [""] * 3)
    assert "\ufffd" not in "".join(t.text for t in tokens)
    assert tokens[0].text == "a"
    assert tokens[2].text.endswith("b")
