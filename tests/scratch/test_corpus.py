"""The corpus: the same each time, in parts that share nothing, with pairs that training never sees."""

import pytest

from attnviz.scratch import grammar
from attnviz.scratch.corpus import Corpus, corpus_vocabulary, draw_corpus, examples, mission, text
from attnviz.scratch.tokenizer import ENGLISH, KOREAN, UNKNOWN, Tokenizer

PARTS = ("train", "dev", "test", "unseen")
MISSION = {
    *("I ate an apple", "나는 사과를 먹었다"),
    *("she ate an apple and went to school", "그녀는 사과를 먹고 학교에 갔다"),
}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return draw_corpus(size=6000, held_out=300)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(corpus_vocabulary())


def sentences(corpus: Corpus, part: str) -> set[str]:
    return {" ".join(words) for e in examples(getattr(corpus, part)) for words in (e.source, e.target)}


def test_the_same_seed_gives_the_same_corpus_and_another_seed_another():
    one, again, other = (draw_corpus(200, 20, seed) for seed in (1, 1, 2))
    assert one == again
    assert one.train != other.train


def test_parts_are_as_large_as_was_asked_and_no_sentence_is_in_two(corpus):
    assert [len(getattr(corpus, part)) for part in PARTS] == [6000, 300, 300, 300]
    for side in (grammar.english, grammar.in_korean):
        said = [text(side(meaning)) for part in PARTS for meaning in getattr(corpus, part)]
        assert len(said) == len(set(said))


def test_unseen_pairs_are_nowhere_else(corpus):
    known = set().union(*(m.pairs for part in ("train", "dev", "test") for m in getattr(corpus, part)))
    drawn = grammar.lexicon().verbs
    senses = {f"{v.stem}/{v.base}" for v in drawn if len(v.objects) >= 6}
    for meaning in corpus.unseen:
        assert meaning.pairs - known
        assert {sense for sense, _ in meaning.pairs - known} & senses
    assert len({sense for m in corpus.unseen for sense, _ in m.pairs - known}) > len(senses) / 2


def test_an_unseen_pair_has_parts_that_training_has_seen(corpus):
    seen = [pair for meaning in corpus.train for pair in meaning.pairs]
    verbs, objects = {verb for verb, _ in seen}, {object for _, object in seen}
    pairs = set().union(*(meaning.pairs for meaning in corpus.unseen)) - set(seen)
    assert sum(verb in verbs and object in objects for verb, object in pairs) / len(pairs) > 0.9


def test_the_sentences_of_the_mission_are_kept_out():
    """Of the corpus as it is trained on: `train` draws it with nothing but its defaults."""
    whole = draw_corpus()
    said = set().union(*(sentences(whole, part) for part in PARTS))
    assert len(said) > 80_000
    assert not said & MISSION


def test_the_sentences_of_the_mission_are_these():
    assert {text(side(m)) for m in mission() for side in (grammar.english, grammar.in_korean)} == MISSION


def test_an_example_goes_each_way(corpus):
    there, back = examples(corpus.train[:1])
    assert (there.language, back.language) == (KOREAN, ENGLISH)
    meaning = corpus.train[0]
    assert there.source == back.target == tuple(word for word, _ in grammar.english(meaning))
    assert there.target == tuple(word for word, _ in grammar.in_korean(meaning))
    assert sorted(back.source) == sorted(there.target)
    assert len(there.source) == len(there.source_keys)
    assert len(there.target) == len(there.target_keys)


def test_korean_is_written_in_one_order_and_read_in_two(corpus):
    free, canonical = examples(corpus.train), examples(corpus.train, canonical=True)
    assert [e.target for e in free] == [e.target for e in canonical]
    assert [e.source for e in free] != [e.source for e in canonical]
    assert all(back.source == there.target for there, back in zip(canonical[::2], canonical[1::2], strict=True))


def test_objects_says_where_verbs_and_their_objects_stand(corpus):
    found = 0
    for meaning in corpus.dev:
        for example in examples([meaning]):
            pairs = [(example.source[verb], example.source[object]) for verb, object in example.objects]
            clauses = [c for c in meaning.clauses if c.object]
            assert len(pairs) == len(clauses)
            for (_, object), clause in zip(pairs, clauses, strict=True):
                noun = clause.object
                spoken = {noun.english, grammar.PRONOUNS.get(noun.english, ("", ""))[1]}
                assert object in spoken if example.language == KOREAN else object.startswith(noun.korean)
            found += len(pairs)
    assert found > 300


def test_the_vocabulary_has_every_word_of_the_corpus(corpus, tokenizer):
    for part in PARTS:
        for sentence in sentences(corpus, part):
            assert len(tokenizer.encode(sentence)) == len(sentence.split()), sentence


@pytest.mark.parametrize("word", ["xyzzy", "사과나무에게서", "b4"])
def test_the_vocabulary_has_pieces_for_other_words(word, tokenizer):
    found = tokenizer.encode(word)
    assert len(found) > 1
    assert UNKNOWN not in [piece.id for piece in found]


def test_the_vocabulary_is_the_same_each_time_and_no_word_of_it_is_never_written(tokenizer):
    assert tuple(corpus_vocabulary()) == tokenizer.vocabulary
    assert len(tokenizer.vocabulary) == len({token.lower() for token in tokenizer.vocabulary})
