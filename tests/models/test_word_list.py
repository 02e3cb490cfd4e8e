"""A text that is given as a list of its words: the model reads it like any text, and the list decides the words."""

import numpy as np
import pytest
import tiny_models
import tiny_tokenizers

import attnviz
from attnviz.attention import Token
from attnviz.errors import InputError
from attnviz.models.word_list import numbered
from attnviz.prompt import Prompt

WORDS = ["Don't", "eat", "apple-pies", "!?"]


def words_of(tokens) -> list[str]:
    """The tokens of each number together."""
    found: dict[int, str] = {}
    for token in tokens:
        if not token.special and token.word is not None:
            found[token.word] = found.get(token.word, "") + token.text
    assert list(found) == sorted(found)
    return list(found.values())


@pytest.mark.parametrize("name", [*tiny_tokenizers.FAST, *tiny_tokenizers.SLOW])
def test_the_model_reads_the_same_ids_as_for_the_text(name):
    from attnviz.models.huggingface.tokenization import TextTokenizer

    text_tokenizer = TextTokenizer(tiny_tokenizers.tokenizer(name))
    words = ["She", "ate", "an", "apple."]
    found, expected = text_tokenizer.encode(words), text_tokenizer.encode(" ".join(words))
    assert found.text == "She ate an apple."
    assert found.inputs == expected.inputs
    if name == "unigram over spaces":  # its tokens cover several words
        return
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])
    for token in found.tokens:
        if token.word is None:
            assert token.special or token.span is None or found.text[slice(*token.span)] == " "
        else:
            assert starts[token.word] <= token.span[0] < token.span[1] < starts[token.word + 1]
    assert {token.word for token in found.tokens} - {None} == {0, 1, 2, 3}


@pytest.mark.parametrize("name", ["bert, cased", "roberta", "bert in Python"])
def test_a_text_split_into_words_gives_the_same_ids(name):
    tokenizer = tiny_tokenizers.tokenizer(name)
    model = tiny_models.build("bert", vocab_size=len(tokenizer))
    trace = attnviz.trace(WORDS, model, tokenizer=tokenizer)
    assert [token.id for token in trace["self"].queries] == tokenizer(WORDS, is_split_into_words=True)["input_ids"]


def test_words_are_merged_as_they_were_given():
    model, tokenizer = tiny_models.build("bert"), tiny_tokenizers.tokenizer("bert, cased")
    trace = attnviz.trace(WORDS, model, tokenizer=tokenizer)
    assert trace.text == "Don't eat apple-pies !?"
    merged = attnviz.trace(WORDS, model, tokenizer=tokenizer, words=True)["self"]
    assert [token.text for token in merged.queries if not token.special] == WORDS
    whole = trace["self"]
    columns = [[i for i, token in enumerate(whole.keys) if token.word == index] for index in range(4)]
    matrix = whole.matrix(0, 0)
    expected = [[matrix[np.ix_(rows, those)].sum(1).mean() for those in columns] for rows in columns]
    own = [i for i, token in enumerate(merged.queries) if not token.special]
    np.testing.assert_allclose(merged.matrix(0, 0)[np.ix_(own, own)], expected, atol=1e-6)


def test_a_decoder_continues_a_list_of_words():
    model, tokenizer = tiny_models.writer("gpt2"), tiny_models.tokenizer()
    trace = attnviz.trace(WORDS, model, tokenizer=tokenizer, generate=3)
    tokens = trace["masked-self"].queries
    prompt = [token for token in tokens if not token.generated]
    assert {token.word for token in prompt} - {None} == {0, 1, 2, 3}
    assert all(token.word is None or token.word > 3 for token in tokens if token.generated)


def test_pairs_and_targets_can_be_lists_of_words():
    tokenizer = tiny_tokenizers.tokenizer("bert, cased")
    pair = attnviz.trace(WORDS, tiny_models.build("bert"), tokenizer=tokenizer, text_pair=["He", "can't"], words=True)
    assert pair.text == "Don't eat apple-pies !?\nHe can't"
    assert [token.text for token in pair["self"].keys if not token.special] == [*WORDS, "He", "can't"]
    with pytest.raises(InputError, match="one of the two texts is a list of words"):
        attnviz.trace(WORDS, tiny_models.build("bert"), tokenizer=tokenizer, text_pair="He")
    read = attnviz.trace(
        WORDS, tiny_models.build("bart"), tokenizer=tiny_models.tokenizer(), target=["Don't", "go"], words=True
    )
    assert read.target == "Don't go"
    assert [token.text for token in read["cross"].queries if not token.special] == ["Don't", "go"]


def test_the_built_in_model_takes_them():
    trace = attnviz.trace(["I", "didn't", "eat-it"], target=["나는", "사과를"])
    same = attnviz.trace("I didn't eat-it", target="나는 사과를")
    assert (trace.text, trace.target) == (same.text, same.target)
    for kind in ("self", "masked-self", "cross"):
        np.testing.assert_array_equal(trace[kind].weights(1), same[kind].weights(1))
    assert words_of(trace["self"].queries) == ["I", "didn't", "eat-it"]
    decomposed = attnviz.trace(["사과를".encode().decode(), "\u1109\u1161\u1100\u116a\u1105\u1173\u11af"])
    assert words_of(decomposed["self"].queries) == ["사과를", "사과를"]


def test_many_lists_are_traced_in_a_row():
    traces = attnviz.load().trace_all([["I", "ate"], Prompt("an apple", ["사과"])])
    assert [trace.text for trace in traces] == ["I ate", "an apple"]


@pytest.mark.parametrize("model", ["builtin", "bert"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "the text is an empty list"),
        (["I", 3], "with 3 in it"),
        (["I", ""], "with '' in it"),
        (["I", None], "with None in it"),
        (["I", ["ate"]], r"with \['ate'\] in it"),
        (["I ate", "an apple"], "'I ate' in it is several words"),
        (["I", "\udcff"], "not UTF-8"),
        (3, "the text is of type int"),
        (b"I ate", "the text is of type bytes"),
        ({"I": 1}, "the text is of type dict"),
    ],
)
def test_an_invalid_list_of_words_is_refused(model, given, message):
    asked = {} if model == "builtin" else {"model": tiny_models.build("bert"), "tokenizer": tiny_models.tokenizer()}
    with pytest.raises(InputError, match=message):
        attnviz.trace(given, **asked)


def test_a_chat_is_one_message():
    with pytest.raises(InputError, match="a chat is one message, and a list of words was given"):
        attnviz.trace(WORDS, tiny_models.build("gpt2"), tokenizer=tiny_models.tokenizer(), chat=True)


def test_tokens_are_numbered_by_where_they_begin():
    spans = [(0, 2), (2, 3), (4, 7), None, (8, 9), (9, 10)]
    tokens = [Token(0, "x", span, 1, special=span is None) for span in spans]
    assert [token.word for token in numbered(tokens, ["abc", "def"])] == [0, 0, 1, None, 3, 3]
