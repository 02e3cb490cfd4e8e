"""The corpus: drawn afresh, with meanings and verb-object pairs that training never sees."""

from itertools import islice
from random import Random

import pytest

from attnviz.scratch import corpus as corpora
from attnviz.scratch.corpus import (
    Corpus,
    accepted,
    constructions,
    draw_corpus,
    examples,
    mission,
    part_of,
    text,
    training_examples,
)
from attnviz.scratch.in_english import in_english
from attnviz.scratch.in_korean import in_korean
from attnviz.scratch.lexicon import SUBJECTS, Noun, lexicon
from attnviz.scratch.meaning import Clause, Meaning, Phrase
from attnviz.scratch.tokenizer import ENGLISH, KOREAN
from attnviz.scratch.vocabulary import make_tokenizer
from attnviz.scratch.wording import Wording

PARTS = ("dev", "test", "unseen")
MISSION = {
    "I ate an apple": "나는 사과를 먹었다",
    "she ate an apple and went to school": "그녀는 사과를 먹고 학교에 갔다",
}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return draw_corpus(100)


@pytest.fixture(scope="module")
def trained() -> list:
    return list(islice(training_examples(Random(4)), 6000))


def said(meaning: Meaning) -> str:
    return text(in_korean(meaning, Wording()))


def test_the_same_seed_gives_the_same_corpus_and_another_seed_another():
    one, again, other = (draw_corpus(10, seed) for seed in (1, 1, 2))
    assert one == again
    assert one.test != other.test


def test_parts_are_as_large_as_was_asked_and_no_sentence_is_in_two(corpus):
    assert [len(getattr(corpus, part)) for part in PARTS] == [100, 100, 100]
    every = [said(meaning) for part in PARTS for meaning in getattr(corpus, part)]
    assert len(every) == len(set(every))


def test_training_sees_no_meaning_that_is_held_out(corpus, trained):
    held_out = {said(meaning) for part in PARTS for meaning in getattr(corpus, part)}
    assert not held_out & {said(example.meaning) for example in trained}
    assert {part_of(example.meaning) for example in trained} == {"train"}


def test_training_sees_no_pair_that_is_held_out(corpus, trained):
    pairs = set().union(*(example.meaning.pairs for example in trained))
    unseen = [meaning.pairs - pairs for meaning in corpus.unseen]
    assert all(unseen)
    verbs, objects = {verb for verb, _ in pairs}, {noun for _, noun in pairs}
    new = set().union(*unseen)
    assert sum(verb in verbs and noun in objects for verb, noun in new) / len(new) > 0.8


def test_the_sentences_of_the_mission_are_kept_out():
    found = {text(in_english(m, Wording())): said(m) for m in mission()}
    assert found == MISSION
    assert [part_of(m) for m in mission()] == ["none", "none"]


def test_an_example_goes_each_way():
    there, back = examples(mission()[:1])
    assert (there.language, back.language) == (KOREAN, ENGLISH)
    assert there.source == back.target == ("I", "ate", "an", "apple")
    assert there.target == back.source == ("나는", "사과를", "먹었다")
    assert there.objects == [(1, 3)]
    assert back.objects == [(2, 1)]


def test_a_verb_that_is_only_read_is_never_written():
    breakfast = next(v for v in lexicon().verbs if "read" in v.notes and v.english[0] == "have")
    meaning = Meaning(Clause(0, Phrase(SUBJECTS[0]), breakfast, Phrase(lexicon().noun("breakfast")), tense="past"))
    [only] = examples([meaning])
    assert (only.source, only.target) == (("I", "had", "breakfast"), ("나는", "아침을", "먹었다"))


def test_targets_are_worded_as_they_are_written_and_sources_at_random(trained):
    written = {said(example.meaning) for example in trained}
    known = [example for example in trained if not example.unknown]
    assert all(" ".join(example.target) in written for example in known if example.language == KOREAN)
    sources = [" ".join(example.source) for example in trained if example.language == ENGLISH]
    assert 0.3 < sum(source not in written for source in sources) / len(sources) < 0.9


def test_unknown_words_are_numbered_in_the_order_of_the_source():
    met = next(v for v in lexicon().verbs if v.english[0] == "meet")
    names = [Phrase(Noun((f"<name{n}>",), (f"<name{n}>",), "name")) for n in (3, 1)]
    meaning = Meaning(Clause(0, names[0], met, names[1], tense="past"))
    there, back = examples([meaning])
    assert there.source == ("<name1>", "met", "<name2>")
    assert there.target == ("<name1>은", "<name2>을", "만났다")
    assert back.target in set(accepted(back))
    scrambled = {(e.source, e.target) for _ in range(60) for e in examples([meaning], Random(_), scrambled=1.0)}
    assert (("<name1>을", "<name2>은", "만났다"), ("<name2>", "met", "<name1>")) in scrambled


def test_what_is_accepted_begins_with_what_is_written(trained):
    for example in trained[:300]:
        found = list(accepted(example))
        assert found[0] == example.target
        assert len(found) <= 500


def test_both_articles_are_accepted_where_korean_has_none():
    [back] = [e for e in examples(mission()[:1]) if e.language == ENGLISH]
    assert set(accepted(back)) == {("I", "ate", "an", "apple"), ("I", "ate", "the", "apple")}


def test_a_meaning_is_an_example_of_its_constructions():
    assert constructions(mission()[0]) == {"plain statements"}
    assert constructions(mission()[1]) == {"and, but"}
    assert constructions(Meaning(None, greeting=lexicon().greetings[0])) == {"greetings and set phrases"}


def test_the_vocabulary_has_every_word_of_the_corpus(trained):
    tokenizer = make_tokenizer()
    for example in trained:
        tokenizer.pairs((*example.source, *example.target))  # raises KeyError for a word that it has not


def test_a_part_is_chosen_by_what_is_said_alone(monkeypatch):
    meaning = draw_corpus(5).dev[0]
    assert part_of(meaning) == "dev"
    monkeypatch.setattr(corpora, "_hash", lambda said: corpora.HELD_OUT - 1)
    assert part_of(meaning) == "train"
