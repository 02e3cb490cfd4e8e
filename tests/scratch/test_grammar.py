"""The grammar that the corpus is written by: right sentences, in both languages, that mean one thing."""

from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from attnviz.scratch import grammar, lexicon
from attnviz.scratch.corpus import constructions, text
from attnviz.scratch.in_english import in_english
from attnviz.scratch.in_korean import in_korean
from attnviz.scratch.lexicon import SUBJECTS, Adverb, Noun
from attnviz.scratch.meaning import Clause, Meaning, Phrase, Place
from attnviz.scratch.wording import AnyWording, Wording, every_wording

WORDS = lexicon.lexicon()
ROLES = ("goal", "where", "time", "in_", "than", "degree", "recipient", "with_", "vehicle")
PEOPLE = {noun.english[0]: noun for noun in SUBJECTS}


def noun(english: str) -> Noun:
    return PEOPLE.get(english) or WORDS.noun(english)


def verb(base: str, korean: str) -> lexicon.Verb:
    [found] = [v for v in WORDS.verbs if base in v.english and korean in v.korean]
    return found


def adjective(english: str, kind: str) -> lexicon.Adjective:
    return next(a for a in WORDS.adjectives[kind] if english in a.english)


def adverb(english: str) -> Adverb:
    return next(a for kind in WORDS.adverbs.values() for a in kind if english in a.english)


def clause(subject: str | None, predicate, object: str | Phrase | None = None, number: int = 0, **more) -> Clause:
    thing = Phrase(noun(object)) if isinstance(object, str) else object
    roles = tuple((name.rstrip("_"), more.pop(name)) for name in ROLES if name in more)
    return Clause(number, Phrase(noun(subject)) if subject else None, predicate, thing, roles, **more)


def place(english: str) -> Place:
    return Place(Phrase(WORDS.noun(english)))


EAT, GO, WEAR_SHOES = verb("eat", "먹다"), verb("go", "가다"), verb("wear", "신다")
ATE = clause("I", EAT, "apple", tense="past")
SENTENCES = [
    (ATE, "I ate an apple", "나는 사과를 먹었다"),
    (clause("she", EAT, "apple", tense="future"), "she will eat an apple", "그녀는 사과를 먹을 것이다"),
    (clause("she", WEAR_SHOES, "shoes", tense="past"), "she wore shoes", "그녀는 신발을 신었다"),
    (clause("I", Phrase(noun("student"))), "I am a student", "나는 학생이다"),
    (clause("he", adjective("tall", "person")), "he is tall", "그는 키가 크다"),
    (clause("he", Phrase(noun("doctor")), negative=True), "he is not a doctor", "그는 의사가 아니다"),
    (clause("I", EAT, "apple", negative=True), "I do not eat an apple", "나는 사과를 먹지 않는다"),
    (clause("you", EAT, "apple", tense="past", mood="question"), "did you eat an apple ?", "너는 사과를 먹었니 ?"),
    (clause("you", EAT, "apple", tense="past", mood="question", asked="object"), "what did you eat ?",
     "너는 무엇을 먹었니 ?"),
    (clause("she", EAT, "apple", tense="past", mood="question", asked="subject"), "who ate an apple ?",
     "누가 사과를 먹었니 ?"),
    (clause("you", GO, goal=place("school"), mood="question", asked="goal"), "where do you go ?", "너는 어디에 가니 ?"),
    (clause("I", EAT, "apple", modal="can"), "I can eat an apple", "나는 사과를 먹을 수 있다"),
    (clause("I", EAT, "apple", modal="can", negative=True), "I can not eat an apple", "나는 사과를 먹을 수 없다"),
    (clause("I", EAT, "apple", modal="want"), "I want to eat an apple", "나는 사과를 먹고 싶다"),
    (clause("he", EAT, "apple", modal="want"), "he wants to eat an apple", "그는 사과를 먹고 싶어 한다"),
    (clause("we", GO, goal=place("home"), modal="must"), "we must go home", "우리는 집에 가야 한다"),
    (clause("you", EAT, "apple", modal="may", negative=True), "you must not eat an apple",
     "너는 사과를 먹으면 안 된다"),
    (clause("he", EAT, "apple", progressive=True), "he is eating an apple", "그는 사과를 먹고 있다"),
    (clause("you", EAT, "apple", mood="order"), "eat an apple", "사과를 먹어라"),
    (clause("you", EAT, "apple", mood="order", negative=True), "do not eat an apple", "사과를 먹지 마라"),
    (clause("we", GO, goal=place("school"), mood="proposal"), "let 's go to school", "학교에 가자"),
    (clause("I", EAT, Phrase(noun("apple"), count=3), tense="past"), "I ate three apples", "나는 사과 세 개를 먹었다"),
    (clause("I", verb("drink", "마시다"), Phrase(noun("coffee"), count=2), tense="past"), "I drank two cups of coffee",
     "나는 커피 두 잔을 마셨다"),
    (clause("I", "have", "book"), "I have a book", "나는 책이 있다"),
    (clause("book", "there", in_=Place(Phrase(noun("desk")), adverb("on"))), "there is a book on the desk",
     "책상 위에 책이 있다"),
    (clause("milk", "there", negative=True), "there is no milk", "우유가 없다"),
    (clause("cat", "at", in_=Place(Phrase(noun("chair")), adverb("under"))), "the cat is under the chair",
     "고양이는 의자 아래에 있다"),
    (clause("he", adjective("tall", "person"), than=Phrase(noun("I"))), "he is taller than me",
     "그는 나보다 키가 크다"),
    (clause("she", GO, goal=place("school"), with_=Phrase(noun("friend")), tense="past"),
     "she went with her friend to school", "그녀는 친구와 학교에 갔다"),
    (clause("she", GO, goal=place("school"), vehicle=Phrase(noun("bus"))), "she goes to school by bus",
     "그녀는 버스로 학교에 간다"),
    (clause("this", Phrase(noun("book"), relative=clause("I", verb("buy", "사다"), "book", 2, tense="past",
     gap="object", time=adverb("yesterday")))), "this is the book that I bought yesterday",
     "이것은 내가 어제 산 책이다"),
    (clause(None, verb("rain", "비가 오다"), tense="past"), "it rained", "비가 왔다"),
    (replace(ATE, adverbials=(("also", Adverb(("also",), ("도",))),)), "I also ate an apple", "나도 사과를 먹었다"),
    (clause("I", EAT, Phrase(noun("apple"), joined=Phrase(noun("bread"))), tense="past"), "I ate an apple and bread",
     "나는 사과와 빵을 먹었다"),
    (clause("I", EAT, Phrase(noun("apple"), plenty=True), tense="past"), "I ate many apples",
     "나는 많은 사과를 먹었다"),
    (clause("she", verb("become", "되다"), "singer", modal="want"), "she wants to become a singer",
     "그녀는 가수가 되고 싶어 한다"),
    (clause("he", Phrase(noun("American"))), "he is American", "그는 미국 사람이다"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "english", "korean"), SENTENCES, ids=[english for _, english, _ in SENTENCES])
def test_a_clause_in_both_languages(said, english, korean):
    assert text(in_english(Meaning(said), Wording())) == english
    assert text(in_korean(Meaning(said), Wording())) == korean


WENT = clause("she", GO, goal=place("school"), tense="past")
OTHER = clause("she", EAT, "apple", 1, tense="past")
RAIN = clause(None, verb("rain", "비가 오다"), number=1, tense="past")


@pytest.mark.parametrize(
    ("link", "main", "other", "english", "korean"),
    [
        ("and", WENT, OTHER, "she ate an apple and went to school", "그녀는 사과를 먹고 학교에 갔다"),
        ("because", WENT, RAIN, "she went to school because it rained", "비가 와서 그녀는 학교에 갔다"),
        ("when", WENT, RAIN, "she went to school when it rained", "비가 왔을 때 그녀는 학교에 갔다"),
        ("before", WENT, OTHER, "she went to school before she ate an apple", "그녀는 사과를 먹기 전에 학교에 갔다"),
        ("after", WENT, OTHER, "she went to school after she ate an apple", "그녀는 사과를 먹은 후에 학교에 갔다"),
        ("but", replace(WENT, negative=True), OTHER, "she ate an apple but she did not go to school",
         "그녀는 사과를 먹었지만 학교에 가지 않았다"),
        ("while", WENT, replace(OTHER, progressive=True), "she went to school while she was eating an apple",
         "그녀는 사과를 먹으면서 학교에 갔다"),
        ("to", WENT, OTHER, "she went to school to eat an apple", "그녀는 사과를 먹으러 학교에 갔다"),
        ("that", clause("I", verb("think", "생각하다")), clause("he", adjective("kind", "person"), number=1),
         "I think that he is kind", "나는 그가 친절하다고 생각한다"),
        ("that", clause("she", verb("say", "말하다"), tense="past"),
         clause("she", adjective("busy", "person"), number=1, tense="past"), "she said that she was busy",
         "그녀는 그녀가 바쁘다고 말했다"),
    ],
)  # fmt: skip
def test_two_clauses_in_both_languages(link, main, other, english, korean):
    meaning = Meaning(main, link, other)
    assert text(in_english(meaning, Wording())) == english
    assert text(in_korean(meaning, Wording())) == korean


def test_every_word_says_which_part_of_the_meaning_it_stands_for():
    meaning = Meaning(WENT, "and", OTHER)
    assert in_english(meaning, Wording()) == [
        *(("she", (1, "subject")), ("ate", (1, "verb")), ("an", None), ("apple", (1, "object"))),
        *(("and", None), ("went", (0, "verb")), ("to", None), ("school", (0, "goal"))),
    ]
    assert [key for _, key in in_korean(meaning, Wording())] == [
        *((0, "subject"), (1, "object"), (1, "verb"), (0, "goal"), (0, "verb")),
    ]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (ATE, {"나는 사과를 먹었어요", "저는 사과를 먹었습니다", "사과를 나는 먹었다", "사과를 먹었어요"}),
        (clause("I", EAT, "apple", negative=True), {"나는 사과를 안 먹는다", "나는 사과를 먹지 않아요"}),
        (clause("I", EAT, "apple", modal="can", negative=True), {"나는 사과를 못 먹는다", "나는 사과를 먹지 못한다"}),
        (clause("mother", EAT, "rice", tense="past"), {"어머니께서 밥을 드셨다", "어머니는 밥을 먹었어요"}),
        (clause("you", GO, goal=place("school"), mood="order"), {"학교에 가라", "학교에 가세요", "학교에 가십시오"}),
    ],
)  # fmt: skip
def test_korean_is_read_in_every_speech_level_and_order(said, read):
    random = Random(0)
    assert read <= {text(in_korean(Meaning(said), AnyWording(random, scrambled=0.5))) for _ in range(3000)}


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (clause("he", verb("give", "주다"), "present", tense="past", recipient=Phrase(noun("I"))),
         {"he gave a present to me", "he gave me a present"}),
        (clause("we", GO, goal=place("home"), modal="must"), {"we have to go home", "we should go home"}),
        (clause("she", EAT, "apple", tense="future"), {"she will eat an apple", "she is going to eat an apple"}),
        (clause("I", EAT, "apple", modal="want"), {"I want to eat an apple", "I would like to eat an apple"}),
        (clause("I", EAT, "apple", modal="like"), {"I like to eat an apple", "I like eating an apple"}),
        (clause("I", "have", "money", negative=True), {"I do not have money", "I have no money"}),
        (replace(ATE, adverbials=(("also", Adverb(("also",), ("도",))),)), {"I ate an apple too"}),
    ],
)  # fmt: skip
def test_english_is_read_in_other_words_too(said, read):
    random = Random(0)
    assert read <= {text(in_english(Meaning(said), AnyWording(random))) for _ in range(1000)}


def test_something_may_be_said_before():
    hello, how = (next(g for g in WORDS.greetings if word in g.english) for word in ("hello", "how are you ?"))
    assert text(in_english(Meaning(None, greeting=how, opening=hello), Wording())) == "hello how are you ?"
    assert text(in_korean(Meaning(None, greeting=how, opening=hello), Wording())) == "안녕 어떻게 지내니 ?"
    assert text(in_english(Meaning(ATE, opening=hello), Wording())) == "hello I ate an apple"


def test_english_is_read_without_its_articles_and_written_with_them():
    random = Random(0)
    read = {text(in_english(Meaning(ATE), AnyWording(random))) for _ in range(200)}
    assert read == {"I ate an apple", "I ate apple", "I ate the apple"}


def test_every_right_wording_is_accepted_once():
    said = [
        text(in_english(Meaning(replace(ATE, adverbials=(("time", adverb("yesterday")),))), w)) for w in every_wording()
    ]
    assert said[0] == "I ate an apple yesterday"
    assert {*said} == {"I ate an apple yesterday", "yesterday I ate an apple", "I ate the apple yesterday",
                       "yesterday I ate the apple"}  # fmt: skip


def test_wordings_are_counted_as_an_odometer_does():
    seen = [(w.either("a", "b"), w.either(1, 2, 3), w.loose("x", "y")) for w in every_wording()]
    assert seen == [(letter, number, "x") for letter in "ab" for number in (1, 2, 3)]
    assert len([w.either(*range(9)) for w in every_wording(limit=4)]) == 4


def test_drawing_gives_every_construction_and_the_same_for_the_same_seed():
    def meanings(seed):
        random = Random(seed)
        return [grammar.draw(random) for _ in range(3000)]

    one = meanings(1)
    assert [text(in_korean(m, Wording())) for m in one] == [text(in_korean(m, Wording())) for m in meanings(1)]
    found = [name for meaning in one for name in constructions(meaning)]
    assert {name for name in found if found.count(name) >= 20} == set(found)
    assert len(set(found)) == 21


def test_the_words_of_a_two_years_course():
    content = {n.english[0] for n in WORDS.nouns} | {v.english[0] for v in WORDS.verbs}
    content |= {a.english[0] for kind in (*WORDS.adjectives.values(), *WORDS.adverbs.values()) for a in kind}
    assert len(content) >= 900
    assert len({v.korean[0] for v in WORDS.verbs}) >= 130


@pytest.mark.parametrize("base", ["wear", "play", "take"])
def test_some_verbs_translate_by_their_object(base):
    assert len({v.korean[0] for v in WORDS.verbs if v.english[0] == base}) >= 4


def test_every_object_that_a_verb_names_is_in_the_lexicon():
    """A misspelt noun or group in verbs.txt would be passed over in silence."""
    known = {name for n in WORDS.nouns for name in n.english} | {f"#{n.group}" for n in WORDS.nouns}
    for *_, objects, _ in lexicon._lines("verbs.txt"):
        assert set(objects.split(", ")) - {"-"} <= known


def test_an_english_sentence_and_a_korean_one_are_each_other_s_translation():
    """What is written in one language tells what is written in the other: else no model could learn it."""
    random, of = Random(3), {}
    for meaning in islice(iter(lambda: grammar.draw(random), None), 4000):
        if not meaning.is_only_read and not meaning.greeting:
            english, korean = text(in_english(meaning, Wording())), text(in_korean(meaning, Wording()))
            of.setdefault(korean, set()).add(english)
    several = {korean: found for korean, found in of.items() if len(found) > 1}
    assert len(several) / len(of) < 0.01, several
