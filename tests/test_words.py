"""Tokens merged to words, worked out by hand and with a real model."""

from dataclasses import replace

import numpy as np
import pytest
from command_line import run
from handmade_traces import encoder_decoder

import attnviz
from attnviz.attention import Attention, Token, Trace
from attnviz.words import by_words, merged_tokens

TEXT = "un apple"
TOKENS = (
    Token(1, "[CLS]", special=True),
    Token(2, "un", (0, 2), 0),
    Token(3, "app", (3, 6), 1),
    Token(4, "le", (6, 8), 1),
)
A = np.array(
    [[[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.0, 0.5, 0.25, 0.25], [0.5, 0.25, 0.0, 0.25]]], dtype=np.float32
)


def trace(**changes) -> Trace:
    attention = Attention("self", "encoder", TOKENS, TOKENS, {2: A}, {2: (5,)})
    return Trace("tiny", TEXT, (replace(attention, **changes),), provenance={"dtype": "float32"})


def test_columns_are_summed_and_rows_averaged():
    merged = by_words(trace())["self"]
    assert [(t.text, t.span, t.word, t.special) for t in merged.queries] == [
        ("[CLS]", None, None, True),
        ("un", (0, 2), 0, False),
        ("apple", (3, 8), 1, False),
    ]
    assert merged.keys == merged.queries
    assert (merged.layers, merged.heads(2)) == ((2,), (5,))
    # The last row is the mean of [0, .5, .5] and [.5, .25, .25].
    np.testing.assert_allclose(
        merged.weights(2)[0], [[0.4, 0.3, 0.3], [0.1, 0.2, 0.7], [0.25, 0.375, 0.375]], rtol=1e-6
    )
    assert merged.weights(2).dtype == np.float32
    assert by_words(trace()).provenance == {"dtype": "float32", "merged": "tokens to words"}


def test_the_mass_of_a_sink_is_averaged_like_its_rows():
    sink = np.array([[0.5, 0.5, 0.2, 0.6]], np.float32)
    merged = by_words(trace(by_layer={2: A * (1 - sink[..., None])}, sink_mass={2: sink}))["self"]
    np.testing.assert_allclose(merged.sink_mass[2], [[0.5, 0.5, 0.4]], rtol=1e-6)
    merged.check()


def test_the_norms_of_values_are_not_kept_for_words():
    """What a head adds for a word is the sum over its tokens of weight × norm, which no norm of a word can give."""
    norms = {2: np.ones((1, 4), np.float32)}
    assert by_words(trace(value_norms=norms))["self"].value_norms == {}


def test_a_word_of_a_decoder_writes_the_next_word():
    written = Token(9, "</s>", special=True)
    causal = np.tril(np.ones((4, 4), np.float32)) / np.arange(1, 5, dtype=np.float32)[:, None]
    decoder = {"kind": "masked-self", "part": "decoder", "predicts": (*TOKENS[1:], written)}
    merged = by_words(trace(**decoder, by_layer={2: causal[None]}))["masked-self"]
    assert [token.text for token in merged.predicts] == ["un", "apple", "</s>"]
    np.testing.assert_allclose(merged.weights(2)[0, 1], [0.5, 0.5, 0], rtol=1e-6)
    merged.check()


def test_the_parts_of_one_character_become_that_character():
    parts = (Token(1, "녀₁", (0, 1), 0), Token(2, "녀₂", (0, 1), 0))
    only = Attention("self", "encoder", parts, parts, {0: np.full((1, 2, 2), 0.5, np.float32)}, {0: (0,)})
    merged = by_words(Trace("m", "녀", (only,)))["self"]
    assert [token.text for token in merged.queries] == ["녀"]
    assert merged.weights(0).tolist() == [[[1.0]]]


def spaced(*texts: str) -> tuple[list[str], np.ndarray]:
    """The words and weights of tokens with these names, where `␣` is a space and `</s>` is special."""
    source = "".join(text.replace("␣", " ") for text in texts if text != "</s>")
    tokens, end = [], 0
    for index, text in enumerate(texts):
        start, end = end, end + len(text) * (text != "</s>")
        span = None if text == "</s>" else (start, end)
        in_word = text not in ("␣", "⏎", "</s>")
        tokens.append(Token(index, text, span, index if in_word else None, special=text == "</s>"))
    n = len(tokens)
    only = Attention("self", "encoder", tuple(tokens), tuple(tokens), {0: np.full((1, n, n), 1 / n, "f4")}, {0: (0,)})
    merged = by_words(Trace("m", source, (only,)))["self"]
    merged.check()
    return [token.text for token in merged.queries], merged.weights(0)[0]


def test_a_token_of_a_space_belongs_to_the_word_after_it():
    texts, weights = spaced("␣", "그녀는", "␣", "먹었다", "</s>")
    assert texts == ["그녀는", "먹었다", "</s>"]
    np.testing.assert_allclose(weights, [[0.4, 0.4, 0.2]] * 3, rtol=1e-6)


def test_a_space_at_the_end_belongs_to_the_word_before_it():
    assert spaced("a", "␣", "</s>")[0] == ["a", "</s>"]
    assert spaced("a", "␣")[0] == ["a"]
    assert spaced("␣", "</s>")[0] == ["␣", "</s>"]
    assert spaced("a", "⏎", "␣", "␣", "b")[0] == ["a", "⏎", "b"]


def test_parts_of_one_space_belong_to_the_word_after_them() -> None:
    texts = ["a", "␣₁", "␣₂", "b"]
    spans = [(0, 1), (1, 2), (1, 2), (2, 3)]
    tokens = [Token(index, text, span, 0 if text == "a" else 1 if text == "b" else None)
              for index, (text, span) in enumerate(zip(texts, spans, strict=True))]  # fmt: skip
    assert [token.text for token in merged_tokens(tokens, "a\u2002b")] == ["a", "b"]


def test_nothing_changes_if_every_word_is_one_token():
    whole = encoder_decoder()
    assert by_words(whole) is whole


@pytest.mark.parametrize("text", ["그녀는 사과를 먹고 학교에 갔다.", "unbelievably, tokenizers split words"])
def test_the_words_of_a_real_model_have_summed_and_averaged_weights(text, minilm_folder):
    tokens, words = (attnviz.trace(text, minilm_folder, layers=[1, 4], words=flag) for flag in (False, True))
    assert len(words["self"].queries) < len(tokens["self"].queries)
    shown = [token.text for token in words["self"].queries if not token.special]
    assert "".join(shown) == text.replace(" ", "")
    for layer in (1, 4):
        np.testing.assert_allclose(words["self"].weights(layer).sum(-1), 1, atol=1e-5)


def test_the_option_words_merges_tokens_in_a_command(minilm_folder, tmp_path):
    saved = tmp_path / "saved.safetensors"
    attnviz.trace("그녀는 사과를", minilm_folder, layers=2).save(saved)
    apart, merged = (run("plot", saved, "--layer", 2, "--head", 3, *more).out for more in ((), ("--words",)))
    assert "녀₁" in apart
    assert "그녀는" in merged.splitlines()[2]
    assert "₁" not in merged
