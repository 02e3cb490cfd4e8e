"""Meanings at random: what the corpus of the built-in model talks about. Read after meaning.py.

The files draw_*.py draw the parts: noun phrases, clauses, and what is said beside a verb.
"""

from dataclasses import replace
from random import Random

from attnviz.scratch.draw_clauses import draw_clause
from attnviz.scratch.draw_details import PROGRESS_EXCLUDES, tensed
from attnviz.scratch.draw_phrases import chance, place, someone
from attnviz.scratch.lexicon import SUBJECTS, Adverb, Verb, lexicon
from attnviz.scratch.meaning import Clause, Meaning, Phrase, Place

LINKS = ("and", "but", "because", "when", "if", "before", "after", "while", "to", "that")
OPENINGS = ("hello", "good morning", "thank you", "I am sorry", "excuse me", "yes", "no", "of course")


def draw(random: Random) -> Meaning:
    """One meaning at random."""
    words = lexicon()
    kind = random.random()
    if kind < 0.03:
        return _opened(Meaning(None, greeting=random.choice(words.greetings)), 0.3, random)
    if kind < 0.70:
        return _opened(Meaning(draw_clause(random, 0)), 0.02, random)
    return _linked(random)


def _opened(meaning: Meaning, p: float, random: Random) -> Meaning:
    """With the probability `p` something is said before: hello, yes."""
    openings = [
        phrase for phrase in lexicon().greetings if phrase.english[0] in OPENINGS and phrase != meaning.greeting
    ]
    return replace(meaning, opening=random.choice(openings)) if chance(random, p) else meaning


def _linked(random: Random) -> Meaning:
    link = random.choices(LINKS, (28, 14, 16, 10, 10, 7, 7, 3, 5, 12))[0]
    special = {"that": _reported, "to": _for_what, "while": _at_once}.get(link)
    if special:
        return special(random)
    subject = someone(random)
    mood = "statement"
    if link in ("if", "when", "before", "after") and chance(random, 0.3):
        mood, subject = "order", Phrase(SUBJECTS[1])
    same = chance(random, 0.55)
    if same and link != "and" and subject.noun.group != "pronoun":
        subject = Phrase(random.choice(SUBJECTS[:6]))
    main = _part(random, 0, subject if same or mood == "order" else someone(random, subject), mood)
    other = _part(random, 1, subject, "statement")
    while link in ("before", "after") and not isinstance(other.predicate, Verb):
        other = _part(random, 1, subject, "statement")
    return Meaning(_matched(main, link, random), link, _matched_other(main, other, link, random))


def _part(random: Random, number: int, subject: Phrase, mood: str) -> Clause:
    """A clause of two: said shortly, and of a subject that is given."""
    while True:
        c = draw_clause(random, number, subject, mood, simple=True)
        if c.subject and len(c.adverbials) <= 2 and "than" not in dict(c.adverbials) and not c.asked:
            return c


def _matched(main: Clause, link: str, random: Random) -> Clause:
    if link == "if" and main.mood == "statement" and not main.modal:
        return replace(main, tense="future", progressive=False, adverbials=_timeless(main))
    if link == "after" and main.tense == "present" and main.mood == "statement" and not main.modal:
        return replace(main, tense="past", adverbials=_timeless(main), progressive=False)
    return main


def _timeless(c: Clause) -> "tuple[tuple[str, Phrase | Place | Adverb | int], ...]":
    return tuple(pair for pair in c.adverbials if pair[0] not in ("time", "frequency"))


def _matched_other(main: Clause, other: Clause, link: str, random: Random) -> Clause:
    """The other clause, with the tense that its link asks for: 먹고 says none, so that it is the main clause's."""
    other = replace(other, adverbials=_timeless(other))
    if link == "but":
        return replace(other, tense="present" if other.tense == "future" else other.tense)
    other = replace(other, modal="", progressive=False)
    if link in ("and", "because"):
        return replace(
            other,
            negative=other.negative and (link == "because" or not main.modal),
            tense=main.tense if main.mood != "order" else "present",
        )
    if link == "if":
        return replace(other, tense="present")
    if link == "when":
        return replace(other, tense="past" if main.tense == "past" else "present", negative=False)
    tense = "past" if main.tense == "past" else "present"
    return replace(other, tense=tense, negative=False)


def _reported(random: Random) -> Meaning:
    """I think that he is kind; she said that she was busy."""
    words = lexicon()
    subject = someone(random) if chance(random, 0.5) else Phrase(random.choice(SUBJECTS[:6]))
    said = random.choice(("think", "say", "think", "say", "believe", "hear"))
    verb = next(verb for verb in words.verbs if verb.english[0] == said)
    tense = random.choices(("past", "present"), (5, 5))[0] if verb.english[0] not in ("say", "hear") else "past"
    main = Clause(0, subject, verb, None, (), tense)
    same = chance(random, 0.25) and subject.noun.group == "pronoun"
    other = _part(random, 1, subject if same else someone(random, subject), "statement")
    if tense == "past" and other.tense != "past":
        other = replace(other, tense="past", adverbials=_timeless(other))
    return Meaning(main, "that", other)


def _for_what(random: Random) -> Meaning:
    """I went to the market to buy fish."""
    name = random.choice(("go", "go", "come"))
    verb = next(verb for verb in lexicon().verbs if verb.english[0] == name)
    subject = someone(random)
    goal = (("goal", place(random)),) if chance(random, 0.7) else ()
    main = tensed(random, Clause(0, subject, verb, None, goal), verb)
    main = replace(main, modal="" if main.modal in ("may", "like") else main.modal, negative=False, progressive=False)
    return Meaning(main, "to", _doing(random, subject, main.tense))


def _at_once(random: Random) -> Meaning:
    """He read a book while he was eating an apple."""
    subject = Phrase(random.choice(SUBJECTS[:6]))
    tense = random.choice(("past", "past", "present"))
    main = replace(_doing(random, subject, tense), number=0)
    return Meaning(main, "while", replace(_doing(random, subject, tense), progressive=True))


def _doing(random: Random, subject: Phrase, tense: str) -> Clause:
    """What somebody does: a verb of action, and its object."""
    while True:
        c = draw_clause(random, 1, subject, "statement", simple=True)
        if (
            isinstance(c.predicate, Verb)
            and not PROGRESS_EXCLUDES & c.predicate.notes
            and "goal!" not in c.predicate.notes
        ):
            return Clause(1, subject, c.predicate, c.object, (), tense)
