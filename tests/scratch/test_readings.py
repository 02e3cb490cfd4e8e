"""What a sentence means besides: verbs with a form in common."""

from dataclasses import replace

import pytest

from attnviz.scratch.corpus import Example, accepted, examples
from attnviz.scratch.lexicon import SUBJECTS, Verb, lexicon
from attnviz.scratch.meaning import Clause, Meaning, Phrase
from attnviz.scratch.readings import other_readings
from attnviz.scratch.tokenizer import ENGLISH, KOREAN


def verb(base: str, korean: str) -> Verb:
    return next(v for v in lexicon().verbs if base in v.english and korean in v.korean)


def clause(verb: Verb, thing: str | None, **more: str) -> Clause:
    return Clause(0, Phrase(SUBJECTS[2]), verb, Phrase(lexicon().noun(thing)) if thing else None, **more)


def example(language: int, verb: Verb, thing: str | None, **more: str) -> Example:
    return next(one for one in examples([Meaning(clause(verb, thing, **more))]) if one.language == language)


def readings(one: Example) -> set[str]:
    return {m.clause.predicate.english[0] for m in other_readings(one.meaning, one.source, one.source_keys)}


@pytest.mark.parametrize(
    ("base", "korean", "thing", "tense", "others"),
    [
        ("know", "알다", "Minsu", "present", {"hug"}),  # 안다
        ("know", "알다", "Minsu", "past", set()),  # 알았다, 안았다
        ("hear", "듣다", "news", "past", set()),
        ("see", "보다", "star", "past", set()),
        ("sit down", "앉다", None, "past", {"sit"}),
        ("walk", "걷다", None, "past", set()),  # 걸었다: what is hung is said
        ("eat", "먹다", "dinner", "past", {"have"}),
        ("rain", "비가 오다", None, "past", set()),  # it came is another word
    ],
)
def test_a_korean_verb_is_also_another_that_is_written_alike_and_has_the_same_object(
    base, korean, thing, tense, others
):
    assert readings(example(ENGLISH, verb(base, korean), thing, tense=tense)) == others


def test_of_what_korean_does_not_name_any_verb_may_be_said():
    it = replace(clause(verb("use", "쓰다"), None, tense="past"), object=Phrase(SUBJECTS[6]))
    [back] = [one for one in examples([Meaning(it)]) if one.language == ENGLISH]
    assert readings(back) == {"wear", "write", "spend"}
    [there] = [one for one in examples([Meaning(it)]) if one.language == KOREAN]
    assert readings(there) == set()


def test_an_english_verb_is_not_its_other_korean_verb_that_has_other_objects():
    assert readings(example(KOREAN, verb("leave", "두다"), "umbrella", tense="past")) == set()
    assert readings(example(KOREAN, verb("wear", "입다"), "coat", tense="past")) == set()


def test_what_a_source_means_besides_is_accepted():
    one = example(ENGLISH, verb("know", "알다"), "Minsu")
    assert one.source == ("그는", "민수를", "안다")
    assert set(accepted(one)) == {("he", "knows", "Minsu"), ("he", "hugs", "Minsu")}
