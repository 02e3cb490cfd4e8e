"""An example of each construction that the model was taught, as the grammar words it."""

from attnviz.scratch.corpus import mission, text
from attnviz.scratch.in_english import in_english
from attnviz.scratch.in_korean import in_korean
from attnviz.scratch.lexicon import SUBJECTS, Adjective, Adverb, Noun, Verb, lexicon, open_name
from attnviz.scratch.meaning import Clause, Meaning, Phrase, Place
from attnviz.scratch.tokenizer import Tokenizer
from attnviz.scratch.wording import Wording, Words

NAME = "Kevin"
"""The word of the examples that the model does not know."""


def example_meanings() -> dict[str, Meaning]:
    """By the names of `corpus.constructions`, a short meaning that is an example of each."""
    i, you, he, she, we = map(Phrase, SUBJECTS[:5])
    ate, ate_and_went = mission()
    book, friend, home = (_noun(word) for word in ("book", "friend", "home"))
    kevin = Phrase(Noun((open_name(1),), (open_name(1),), "name"))
    that_he_wrote = Clause(1, he, _verb("write"), book, tense="past", gap="object")
    of_that = Phrase(book.noun, relative=that_he_wrote)
    on_monday = ("time", _adverb("time", "on Monday"))
    clauses = {
        "plain statements": ate.clause,
        "be: noun": Clause(0, i, _noun("student")),
        "be: adjective": Clause(0, she, _adjective("kind")),
        "there is, have, be somewhere": Clause(0, book, "there", adverbials=(("in", _on_the_desk()),)),
        "negation": Clause(0, he, _verb("drink"), _noun("coffee"), negative=True),
        "yes-no questions": Clause(0, you, _verb("meet"), friend, tense="past", mood="question"),
        "who, what, where, when, why, how": Clause(
            0, you, _verb("buy"), book, tense="past", mood="question", asked="object"
        ),
        "modals and wishes": Clause(0, i, _verb("go"), adverbials=(("goal", Place(home)),), modal="want"),
        "progressive": Clause(0, she, _verb("read"), book, progressive=True),
        "future": Clause(0, we, _verb("meet"), _noun("teacher"), tense="future"),
        "orders, let's": Clause(0, you, _verb("open"), _noun("door"), mood="order"),
        "numbers and counters": Clause(0, i, _verb("buy"), Phrase(_noun("apple").noun, count=3), tense="past"),
        "possessives": Clause(0, she, _verb("find"), Phrase(_noun("cat").noun, owner=friend), tense="past"),
        "times, days, hours": Clause(0, i, _verb("work"), adverbials=(on_monday,), tense="past"),
        "with, from, to, by, about, than": Clause(0, i, _verb("study"), adverbials=(("with", friend),), tense="past"),
        "relative clauses": Clause(0, i, _verb("read"), of_that, tense="past"),
        "unknown names and nouns": Clause(0, kevin, _noun("teacher")),
    }
    slept, tired = Clause(0, i, _verb("sleep"), tense="past"), Clause(1, i, _adjective("tired"), tense="past")
    thinks, busy = Clause(0, she, _verb("think")), Clause(1, he, _adjective("busy"))
    return {name: Meaning(clause) for name, clause in clauses.items()} | {
        "and, but": ate_and_went,
        "because, when, if, before, after, to": Meaning(slept, "because", tired),
        "that-clauses": Meaning(thinks, "that", busy),
        "greetings and set phrases": Meaning(None, greeting=lexicon().greetings[0]),
    }


def example_sentences(tokenizer: Tokenizer) -> dict[str, tuple[str, str]]:
    """The examples in English and Korean, spelled as the model writes them."""
    return {
        name: (_spelled(in_english(meaning, Wording()), tokenizer), _spelled(in_korean(meaning, Wording()), tokenizer))
        for name, meaning in example_meanings().items()
    }


def _spelled(words: Words, tokenizer: Tokenizer) -> str:
    return tokenizer.spell([tokenizer.id(word) for word in text(words).split()], [NAME])[0]


def _noun(word: str) -> Phrase:
    return Phrase(lexicon().noun(word))


def _verb(word: str) -> Verb:
    return next(verb for verb in lexicon().verbs if verb.english[0] == word)


def _adjective(word: str) -> Adjective:
    return next(one for kind in lexicon().adjectives.values() for one in kind if word in one.english)


def _adverb(kind: str, word: str) -> Adverb:
    return next(adverb for adverb in lexicon().adverbs[kind] if word in adverb.english)


def _on_the_desk() -> Place:
    return Place(_noun("desk"), _adverb("position", "on"))
