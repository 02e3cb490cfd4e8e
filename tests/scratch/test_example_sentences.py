"""An example of each construction that the built-in model was taught."""

from random import Random

import pytest

from attnviz.scratch import grammar
from attnviz.scratch.corpus import constructions
from attnviz.scratch.example_sentences import NAME, example_meanings, example_sentences
from attnviz.scratch.in_english import in_english
from attnviz.scratch.in_korean import in_korean
from attnviz.scratch.store import shipped
from attnviz.scratch.wording import Wording


@pytest.fixture(scope="module")
def sentences() -> dict[str, tuple[str, str]]:
    return example_sentences(shipped().tokenizer)


def test_every_construction_that_the_grammar_draws_has_an_example_of_it():
    random = Random(0)
    drawn = {name for _ in range(1500) for name in constructions(grammar.draw(random))}
    meanings = example_meanings()
    assert set(meanings) == drawn
    for name, meaning in meanings.items():
        assert name in constructions(meaning)


def test_examples_are_short_and_read_back_to_the_words_of_the_grammar(sentences):
    tokenizer = shipped().tokenizer
    for name, meaning in example_meanings().items():
        for sentence, realise in zip(sentences[name], (in_english, in_korean), strict=True):
            words = [word for word, _ in realise(meaning, Wording()) if word]
            pieces, names = tokenizer.encode_named(sentence)
            assert [tokenizer.vocabulary[piece.id].lower() for piece in pieces] == [word.lower() for word in words]
            assert names == ([NAME] if name == "unknown names and nouns" else [])
            assert len(words) <= 9


def test_examples_are_spelled_as_sentences(sentences):
    assert sentences["plain statements"] == ("I ate an apple.", "나는 사과를 먹었다.")
    assert sentences["yes-no questions"] == ("Did you meet your friend?", "너는 친구를 만났니?")
    assert sentences["unknown names and nouns"] == ("Kevin is a teacher.", "Kevin은 선생님이다.")
