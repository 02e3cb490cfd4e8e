"""Words, their stems and endings, words that are passed on, and back."""

import numpy as np
import pytest

from attnviz.scratch.tokenizer import ENGLISH, KOREAN, SPECIALS, UNKNOWN, Tokenizer, language
from attnviz.scratch.vocabulary import make_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer()


def pieces(tokenizer: Tokenizer, text: str) -> list[tuple[str, str, int]]:
    """Each token of `text`: its spelling, what it covers, and its word."""
    return [(tokenizer.vocabulary[p.id], text[p.start : p.end], p.word) for p in tokenizer.encode(text)]


def analysis(tokenizer: Tokenizer, word: str) -> tuple[str, str]:
    stem, ending = tokenizer.parts[tokenizer.id(word)]
    return tokenizer.stems[stem], tokenizer.endings[ending]


def test_one_word_is_one_token(tokenizer):
    read = pieces(tokenizer, "I ate an apple")
    assert read == [("I", "I", 0), ("ate", "ate", 1), ("an", "an", 2), ("apple", "apple", 3)]
    read = pieces(tokenizer, "그녀는 사과를 먹었니?")
    assert read == [("그녀는", "그녀는", 0), ("사과를", "사과를", 1), ("먹었니", "먹었니", 2), ("?", "?", 3)]


@pytest.mark.parametrize(
    ("word", "stem", "ending"),
    [
        *(("ate", "eat", "-ed"), ("eats", "eat", "-s"), ("eating", "eat", "-ing"), ("children", "child", "-s")),
        *(("사과를", "사과", "를"), ("책을", "책", "를"), ("먹었니", "먹다", "었니"), ("갑니다", "가다", "습니다")),
        *(
            ("학생이다", "학생", "이다"),
            ("의사다", "의사", "이다"),
            ("주무셨다", "자다", "시었다"),
            ("주었다", "주다", "었다"),
        ),
    ],
)
def test_a_word_is_its_stem_and_its_ending(word, stem, ending, tokenizer):
    assert analysis(tokenizer, word) == (stem, ending)


@pytest.mark.parametrize("word", ["들었다", "산", "read"])
def test_a_form_that_two_words_have_is_a_stem_of_its_own(word, tokenizer):
    assert analysis(tokenizer, word) == (word, "")


def test_a_stem_and_an_ending_make_the_word_that_has_them(tokenizer):
    for text in ("ate", "먹었니", "사과를", "의사이다"):
        id = tokenizer.id(text)
        assert tokenizer.ids(tokenizer.parts[[id]]) == [id]
    assert tokenizer.ids(tokenizer.parts[[tokenizer.id("의사다")]]) == [
        tokenizer.id("의사이다")
    ]  # the first is written
    stem, _ = tokenizer.parts[tokenizer.id("먹었니")]
    assert tokenizer.has[stem].sum() > 40
    assert not tokenizer.has[stem, tokenizer.endings.index("-ed")]


@pytest.mark.parametrize("text", ["I ate an apple.", "i ATE An aPPle", "  I  ate\tan\napple . ", "I ate, an apple!"])
def test_case_white_space_commas_and_stops_make_no_difference(text, tokenizer):
    assert [p.id for p in tokenizer.encode(text)] == [p.id for p in tokenizer.encode("I ate an apple")]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        *(("don't", "do not"), ("I'm", "I am"), ("can't", "can not"), ("cannot", "can not"), ("won't", "will not")),
        *(("he's", "he is"), ("they're", "they are"), ("I'll", "I will"), ("Im", "I am"), ("dont", "do not")),
        *(("didn’t", "did not"), ("isnt", "is not"), ("what's", "what is")),
    ],
)
def test_a_contraction_is_the_words_that_it_stands_for(short, long, tokenizer):
    found = tokenizer.encode(short)
    assert [piece.id for piece in found] == [piece.id for piece in tokenizer.encode(long)]
    assert "".join(short[piece.start : piece.end] for piece in found) == short
    assert {piece.word for piece in found} == {0}


def test_whose_a_thing_is_stays_apart_from_is(tokenizer):
    assert pieces(tokenizer, "my friend's bag")[1:3] == [("friend", "friend", 1), ("'s", "'s", 1)]


@pytest.mark.parametrize(
    ("text", "tokens", "names"),
    [
        ("Kevin met Xavier", ["<name1>", "met", "<name2>"], ["Kevin", "Xavier"]),
        ("지훈은 철수를 만났다", ["<name1>은", "<name2>을", "만났다"], ["지훈", "철수"]),
        ("Kevin met Kevin", ["<name1>", "met", "<name1>"], ["Kevin"]),
        ("지훈이에요", ["<name1>이에요"], ["지훈"]),
    ],
)
def test_a_word_outside_the_vocabulary_is_passed_on_with_its_ending(text, tokens, names, tokenizer):
    read, found = tokenizer.encode_named(text)
    assert [tokenizer.vocabulary[piece.id] for piece in read] == tokens
    assert found == names
    assert [tokenizer.is_unknown(piece.id) for piece in read] == [token.startswith("<") for token in tokens]


@pytest.mark.parametrize(
    ("source", "tokens", "spelled"),
    [
        ("Kevin ate", ["<name1>은", "먹었다"], "Kevin은 먹었다."),
        ("Anna met Sophia", ["안나는", "<name1>을", "만났다"], "안나는 Sophia를 만났다."),
        ("지훈은 먹었다", ["<name1>", "ate"], "Jihun ate."),
        ("철수의 책이다", ["this", "is", "<name1>", "'s", "book"], "This is Cheolsu's book."),
    ],
)
def test_what_is_passed_on_is_spelled_as_the_other_language_does(source, tokens, spelled, tokenizer):
    _, names = tokenizer.encode_named(source)
    target, spans = tokenizer.spell(map(tokenizer.id, tokens), names)
    assert target == spelled
    read, _ = tokenizer.encode_named(target, names)
    assert [tokenizer.vocabulary[piece.id] for piece in read] == tokens
    assert [(piece.start, piece.end) for piece in read] == spans


def test_when_too_many_words_are_unknown_they_fall_to_characters(tokenizer):
    read = tokenizer.encode("aaaq bbbq cccq ddq")
    assert [tokenizer.vocabulary[p.id] for p in read] == ["<name1>", "<name2>", "<name3>", "d", "##d", "##q"]
    assert [p.word for p in read] == [0, 1, 2, 3, 3, 3]


@pytest.mark.parametrize(
    "text",
    ["我", "😀", "\x1b[31m", "\u202e", "עולם", "İstanbul", "e\u0301", "_", "<s>", "𝒳", "x" * 5000, ".", "'s", "n't"],
)
def test_any_text_has_tokens_that_stand_where_they_say(text, tokenizer):
    found = tokenizer.encode(text)
    assert found
    assert all(0 <= piece.start < piece.end <= len(text) for piece in found)
    assert [piece.start for piece in found] == sorted(piece.start for piece in found)


def test_a_sign_outside_the_vocabulary_is_unknown(tokenizer):
    assert [piece.id for piece in tokenizer.encode("😀")] == [UNKNOWN]
    assert tokenizer.encode("") == tokenizer.encode("  \n") == []


@pytest.mark.parametrize("name", [*SPECIALS, "<name1>"])
def test_a_special_token_cannot_be_written_by_a_user(name, tokenizer):
    assert not {piece.id for piece in tokenizer.encode(name)} & (set(range(len(SPECIALS))) - {UNKNOWN})
    assert tokenizer.encode_named(name)[1] in ([], [name.strip("<>/")])


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
    ("tokens", "text"),
    [
        *((["ate", "an", "apple"], "Ate an apple."), (["did", "you", "eat", "?"], "Did you eat?"), ([], "")),
        *((["you", "can", "not", "go"], "You cannot go."), (["let", "'s", "go"], "Let's go.")),
        *((["he", "may", "come", "in", "may"], "He may come in May."), (["it", "is", "new"], "It is new.")),
        *((["I", "saw", "New", "York"], "I saw New York."), (["그는", "누구니", "?"], "그는 누구니?")),
    ],
)
def test_tokens_are_spelled_as_a_sentence_and_stand_where_they_say(tokens, text, tokenizer):
    spelled, spans = tokenizer.spell(map(tokenizer.id, tokens))
    assert spelled == text
    assert [spelled[start:end].lower() for start, end in spans] == [token.lower() for token in tokens]


def test_the_vocabulary_is_the_same_each_time_and_begins_with_the_special_tokens(tokenizer):
    again = make_tokenizer()
    assert again.vocabulary == tokenizer.vocabulary
    assert (again.parts == tokenizer.parts).all()
    assert tokenizer.vocabulary[: len(SPECIALS)] == tokenizer.stems[: len(SPECIALS)] == SPECIALS
    with pytest.raises(KeyError):
        tokenizer.id("frobnicate")


@pytest.mark.parametrize("word", ["new", "may"])
def test_of_two_words_that_differ_in_their_capital_the_one_in_lower_case_is_written(word, tokenizer):
    [written] = tokenizer.ids(np.array(tokenizer.pairs([word.capitalize()])))
    assert tokenizer.vocabulary[written] == word
