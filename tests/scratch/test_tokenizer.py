"""Words, pieces, and back."""

import pytest

from attnviz.scratch.tokenizer import (
    END,
    ENGLISH,
    KOREAN,
    PUNCTUATION,
    SPECIALS,
    UNKNOWN,
    Tokenizer,
    language,
    vocabulary,
)  # fmt: skip

WORDS = ["I", "ate", "an", "apple", "apples", "school", "Monday", "don't", "사과를", "먹었다", "그녀는"]
TOKENIZER = Tokenizer(vocabulary(WORDS, ["사과", "학교"], ["를", "에", "는"]))


def pieces(text: str) -> list[tuple[str, str, int]]:
    """Each token of `text`: its spelling, what it covers, and its word."""
    return [(TOKENIZER.vocabulary[p.id], text[p.start : p.end], p.word) for p in TOKENIZER.encode(text)]


def ids(text: str) -> list[int]:
    return [piece.id for piece in TOKENIZER.encode(text)]


def test_one_word_is_one_token():
    assert pieces("I ate an apple") == [("I", "I", 0), ("ate", "ate", 1), ("an", "an", 2), ("apple", "apple", 3)]
    assert pieces("그녀는 사과를") == [("그녀는", "그녀는", 0), ("사과를", "사과를", 1)]


@pytest.mark.parametrize("text", ["I ate an apple.", "i ATE An aPPle", "  I  ate\tan\napple . "])
def test_case_white_space_and_the_final_stop_make_no_difference(text):
    assert ids(text) == ids("I ate an apple")


@pytest.mark.parametrize(("text", "words"), [("I, apple?", ["I", ",", "apple", "?"]), ("I. ate", ["I", ".", "ate"])])
def test_punctuation_stands_apart_and_only_the_last_stop_is_dropped(text, words):
    assert [spelling for spelling, _, _ in pieces(text)] == words


def test_a_stop_alone_is_a_token():
    assert [spelling for spelling, _, _ in pieces(".")] == ["."]
    assert ids("") == ids("  \n") == []


def test_an_apostrophe_stays_in_its_word():
    assert pieces("Don't") == [("don't", "Don't", 0)]


def test_a_word_outside_the_vocabulary_falls_to_its_longest_pieces():
    assert pieces("학교에") == [("학교", "학교", 0), ("##에", "에", 0)]
    assert [(spelling, covered) for spelling, covered, _ in pieces("cat")] == [("c", "c"), ("##a", "a"), ("##t", "t")]
    assert [word for _, _, word in pieces("I cat")] == [0, 1, 1, 1]


def test_a_word_that_may_not_be_whole_is_in_pieces():
    assert [TOKENIZER.vocabulary[id] for id, _, _ in TOKENIZER.split("사과를", whole=False)] == ["사과", "##를"]
    assert [TOKENIZER.vocabulary[id] for id, _, _ in TOKENIZER.split("사과를", whole=True)] == ["사과를"]


@pytest.mark.parametrize(
    "text", ["我", "😀", "\x1b[31m", "\u202e", "עולם", "İstanbul", "e\u0301", "_", "<s>", "𝒳", "x" * 5000]
)
def test_any_text_has_tokens_that_stand_where_they_say(text):
    found = TOKENIZER.encode(text)
    assert found
    assert all(0 <= piece.start < piece.end <= len(text) for piece in found)
    assert [piece.start for piece in found] == sorted(piece.start for piece in found)


@pytest.mark.parametrize("text", ["我", "😀"])
def test_a_character_outside_the_vocabulary_is_unknown(text):
    assert ids(text) == [UNKNOWN]


@pytest.mark.parametrize("name", SPECIALS)
def test_a_special_token_cannot_be_written_by_a_user(name):
    assert not set(ids(name)) & (set(range(len(SPECIALS))) - {UNKNOWN})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("나는", KOREAN), ("I ate 사과를", KOREAN), ("ㅋㅋ", KOREAN), ("\u1102\u1161", KOREAN)),
        *(("I ate", ENGLISH), ("我吃", ENGLISH), ("123", ENGLISH), ("", ENGLISH)),
    ],
)
def test_the_language_follows_from_the_script(text, expected):
    assert language(text) == expected


@pytest.mark.parametrize(
    ("tokens", "text", "covered"),
    [
        (["ate", "an", "apple"], "Ate an apple.", ["Ate", "an", "apple"]),
        (["I", ",", "apple", "?"], "I, apple?", ["I", ",", "apple", "?"]),
        (["사과", "##를", "먹었다"], "사과를 먹었다.", ["사과", "를", "먹었다"]),
        (["apple", "Monday"], "Apple Monday.", ["Apple", "Monday"]),
        ([], "", []),
    ],
)
def test_tokens_are_spelt_as_a_sentence_and_stand_where_they_say(tokens, text, covered):
    spelt, spans = TOKENIZER.spell(map(TOKENIZER.id, tokens))
    assert spelt == text
    assert [spelt[start:end] for start, end in spans] == covered


def test_spelling_and_encoding_undo_each_other():
    spelt, _ = TOKENIZER.spell(ids("그녀는 사과를 먹었다"))
    assert ids(spelt) == ids("그녀는 사과를 먹었다")


def test_ids_are_the_order_of_the_vocabulary_with_the_special_tokens_first():
    assert TOKENIZER.vocabulary[: len(SPECIALS)] == SPECIALS
    assert TOKENIZER.vocabulary[END] == "</s>"
    assert TOKENIZER.id("APPLE") == TOKENIZER.vocabulary.index("apple")
    with pytest.raises(KeyError):
        TOKENIZER.id("pear")


def test_the_vocabulary_has_each_token_once_in_any_case_and_is_the_same_each_time():
    words = vocabulary(reversed(WORDS), ["학교", "사과"], ["는", "에", "를"])
    assert len({word.lower() for word in words}) == len(words)
    assert set(words) == set(TOKENIZER.vocabulary)
    assert {*SPECIALS, *PUNCTUATION, *WORDS, "사과", "##를", "q", "##q", "7"} <= set(words)
    assert "I" in words
    assert "i" not in words
