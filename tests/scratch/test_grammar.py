"""The grammar that the corpus is written by: right sentences, in both languages, that mean one thing."""

from collections import defaultdict
from itertools import product
from random import Random

import pytest

from attnviz.scratch import grammar
from attnviz.scratch.corpus import text
from attnviz.scratch.grammar import Clause, Meaning, Noun, Verb, lexicon

SUBJECTS = {noun.english: noun for noun in (*lexicon().nouns, *grammar.SUBJECTS)}


def noun(english: str) -> Noun:
    return SUBJECTS[english]


def verb(base: str, stem: str) -> Verb:
    [found] = [v for v in lexicon().verbs if (v.base, v.stem) == (base, stem)]
    return found


def clause(base: str, stem: str, object: str | None = None, **more: object) -> Clause:
    return Clause(verb(base, stem), object and noun(object), **more)


SENTENCES = [
    ("I", True, None, [clause("eat", "먹", "apple")], "I ate an apple", "나는 사과를 먹었다"),
    (
        "she", True, None, [clause("eat", "먹", "apple"), clause("go", "가", place=noun("school"))],
        "she ate an apple and went to school", "그녀는 사과를 먹고 학교에 갔다",
    ),
    ("I", False, None, [clause("eat", "먹", "apple")], "I eat an apple", "나는 사과를 먹는다"),
    ("she", False, None, [clause("drink", "마시", "water")], "she drinks water", "그녀는 물을 마신다"),
    (
        "he", True, ("yesterday", "어제"), [clause("wear", "신", "shoes", adjective=("old", "낡은"))],
        "he wore old shoes yesterday", "그는 어제 낡은 신발을 신었다",
    ),
    (
        "grandmother", True, None, [clause("eat", "먹", "rice")], None, "할머니께서 밥을 드셨다",
    ),
    (
        "grandmother", False, None, [clause("eat", "먹", "rice"), clause("sleep", "자")], None,
        "할머니께서 밥을 드시고 주무신다",
    ),
    (
        "we", True, None, [clause("go", "가", place=noun("home"))], "we went home", "우리는 집에 갔다",
    ),
    (
        "they", True, None, [clause("play", "치", "piano", manner=("well", "잘"))],
        "they played a piano well", "그들은 피아노를 잘 쳤다",
    ),
    (
        "you", True, None, [clause("eat", "먹", "apple", adjective=("red", "빨간"))], "you ate a red apple",
        "너는 빨간 사과를 먹었다",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "is_past", "time", "clauses", "english", "korean"), SENTENCES)
def test_a_meaning_in_both_languages(subject, is_past, time, clauses, english, korean):
    meaning = Meaning(noun(subject), is_past, time, tuple(clauses))
    if english is not None:
        assert text(grammar.english(meaning)) == english
    assert text(grammar.in_korean(meaning)) == korean


def test_every_word_says_which_part_of_the_meaning_it_stands_for():
    meaning = Meaning(noun("she"), True, None, (clause("eat", "먹", "apple"), clause("go", "가", place=noun("school"))))
    assert grammar.english(meaning) == [
        ("she", (0, "subject")),
        ("ate", (0, "verb")),
        ("an", None),
        ("apple", (0, "object")),
        ("and", None),
        ("went", (1, "verb")),
        ("to", None),
        ("school", (1, "place")),
    ]
    assert grammar.in_korean(meaning) == [
        ("그녀는", (0, "subject")),
        ("사과를", (0, "object")),
        ("먹고", (0, "verb")),
        ("학교에", (1, "place")),
        ("갔다", (1, "verb")),
    ]


@pytest.mark.parametrize(
    ("canonical", "korean"),
    [(True, "나는 학교에서 책을 읽었다"), (False, "나는 책을 학교에서 읽었다")],
)
def test_the_object_may_stand_before_the_place_where_korean_is_read(canonical, korean):
    read = clause("read", "읽", "book", place=noun("school"), object_first=True)
    assert text(grammar.in_korean(Meaning(noun("I"), True, None, (read,)), canonical)) == korean


def test_the_everyday_vocabulary_of_a_beginners_course():
    assert len({v.base for v in lexicon().verbs}) >= 60
    assert len({v.stem for v in lexicon().verbs}) >= 60
    assert len({n.english for n in lexicon().nouns}) >= 250
    assert len({n.korean for n in lexicon().nouns}) >= 250


@pytest.mark.parametrize("base", ["wear", "play", "take"])
def test_some_verbs_translate_by_their_object(base):
    assert len({v.stem for v in lexicon().verbs if v.base == base}) >= 4


def test_every_object_that_a_verb_names_is_in_the_lexicon():
    """A misspelt noun or group in verbs.txt would be passed over in silence."""
    known = {n.english for n in lexicon().nouns} | {"#" + n.group for n in lexicon().nouns}
    for *_, objects, _ in grammar._lines("verbs.txt"):
        assert set(objects.split(", ")) - {"-"} <= known


def test_a_verb_without_an_object_has_none_in_the_table_either():
    for v, cells in zip(lexicon().verbs, grammar._lines("verbs.txt"), strict=True):
        assert bool(v.objects) == (cells[4] != "-"), v.base


def ambiguous(found: dict) -> dict:
    return {key: meanings for key, meanings in found.items() if len(meanings) > 1}


def test_no_verb_and_object_could_mean_two_things():
    """Whoever reads the verb's form and its object knows verb, tense and object of the other language."""
    korean_of, english_of, and_then = defaultdict(set), defaultdict(set), defaultdict(set)
    for v in lexicon().verbs:
        for n in v.objects or (None,):
            in_english, in_korean = n and n.english, n and n.korean
            korean_of[v.base, in_english].add((v.stem, in_korean))
            korean_of[v.english_past, in_english].add((v.stem, in_korean))
            for honored, is_past in product((False, True), repeat=2):
                english_of[grammar.verb_form(v, honored, is_past), in_korean].add((v.base, in_english, is_past))
            for honored in (False, True):
                and_then[grammar.and_form(v, honored), in_korean].add((v.base, in_english))
    assert len(korean_of) > 500
    assert [ambiguous(found) for found in (korean_of, english_of, and_then)] == [{}, {}, {}]


@pytest.mark.parametrize("groups", [("place",), ("name", "person", "honored")])
@pytest.mark.parametrize(("mine", "other"), [("english", "korean"), ("korean", "english")])
def test_a_place_or_person_has_one_translation(groups, mine, other):
    translations = defaultdict(set)
    for n in lexicon().of(*groups):
        translations[getattr(n, mine)].add(getattr(n, other))
    assert translations
    assert ambiguous(translations) == {}


def test_an_english_form_is_of_one_verb():
    verbs = defaultdict(set)
    for v in lexicon().verbs:
        for form in grammar.verb_forms(v)[0]:
            verbs[form].add(v.base)
    assert ambiguous(verbs) == {}


def test_what_is_drawn_says_the_same_in_both_languages_and_repeats_with_its_seed():
    drawn = [grammar.draw(random) for random in [Random(7)] for _ in range(3000)]
    assert drawn == [grammar.draw(random) for random in [Random(7)] for _ in range(3000)]
    meanings: dict[str, str] = {}
    for meaning in drawn:
        english, korean = grammar.english(meaning), grammar.in_korean(meaning)
        assert {key for _, key in english if key} == {key for _, key in korean if key}
        assert sorted(grammar.in_korean(meaning, canonical=False)) == sorted(korean)
        assert meanings.setdefault(text(english), text(korean)) == text(korean)
    assert len(meanings) > 2000


@pytest.mark.parametrize(
    ("what", "share"),
    [
        (lambda m: m.is_past, (0.4, 0.9)),
        (lambda m: len(m.clauses) == 2, (0.25, 0.45)),
        (lambda m: m.subject.group == "honored", (0.1, 0.3)),
        (lambda m: m.time is not None, (0.2, 0.4)),
        (lambda m: any(c.adjective for c in m.clauses), (0.05, 0.4)),
        (lambda m: any(c.place for c in m.clauses), (0.2, 0.7)),
        (lambda m: any(c.recipient for c in m.clauses), (0.02, 0.3)),
    ],
)
def test_the_corpus_has_enough_of_everything(what, share):
    random = Random(0)
    found = sum(map(what, (grammar.draw(random) for _ in range(2000)))) / 2000
    assert share[0] <= found <= share[1]


def test_a_sentence_whose_tense_english_hides_is_of_the_past():
    random = Random(1)
    for meaning in (grammar.draw(random) for _ in range(5000)):
        if not meaning.is_past:
            past = Meaning(meaning.subject, True, meaning.time, meaning.clauses)
            assert text(grammar.english(past)) != text(grammar.english(meaning))


@pytest.mark.parametrize(
    ("base", "subject", "form"),
    [
        ("eat", "she", "eats"),
        ("eat", "they", "eat"),
        ("study", "he", "studies"),
        ("go", "she", "goes"),
        ("play", "he", "plays"),
        ("wash", "grandmother", "washes"),
        ("teach", "Minsu", "teaches"),
        ("have", "he", "has"),
        ("have", "I", "have"),
    ],
)
def test_the_english_present(base, subject, form):
    v = next(v for v in lexicon().verbs if v.base == base)
    assert (form, (0, "verb")) in grammar.english(Meaning(noun(subject), False, None, (Clause(v),)))
