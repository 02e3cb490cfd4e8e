"""The words of the corpus by topic."""

from attnviz.scratch.lexicon import lexicon
from attnviz.scratch.topics import NOUNS, PHRASES, words_by_topic


def test_every_group_of_nouns_and_every_kind_of_phrases_has_one_topic():
    for topics, of_lexicon in ((NOUNS, [noun.group for noun in lexicon().nouns]), (PHRASES, lexicon().adverbs)):
        groups = [group for of_topic in topics.values() for group in of_topic]
        assert sorted(groups) == sorted(set(of_lexicon))


def test_every_word_of_the_lexicon_is_listed_with_what_it_is_in_korean():
    words = lexicon()
    listed = {
        (one, other)
        for some in words_by_topic().values()
        for in_english, in_korean in some
        for one in in_english.split("/")
        for other in in_korean.split("/")
    }
    adjectives = [one for kind in words.adjectives.values() for one in kind]
    adverbs = [one for kind in words.adverbs.values() for one in kind]
    for entry in (*words.nouns, *words.verbs, *adjectives, *adverbs):
        assert {(one, other) for one in entry.english for other in entry.korean} <= listed
    assert {(said.english[0].replace(" ?", "?"), said.korean[0]) for said in words.greetings} <= listed


def test_a_word_comes_once_in_a_topic_with_all_that_it_can_be():
    verbs = dict(words_by_topic()["what people do"])
    assert verbs["eat"] == "먹다"
    assert verbs["wear"].split("/")[:3] == ["입다", "신다", "쓰다"]
    for some in words_by_topic().values():
        assert len({in_english for in_english, _ in some}) == len(some) > 1
