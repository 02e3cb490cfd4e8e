"""Clauses at random: mostly a verb with its object, else what draw_states.py draws; and relative clauses."""

from dataclasses import replace
from functools import cache
from random import Random

from attnviz.scratch.draw_details import asking, tells_itself, tensed, with_adverbials
from attnviz.scratch.draw_phrases import chance, open_noun, other_pronoun, someone, something
from attnviz.scratch.draw_states import adjectival, existential, nominal
from attnviz.scratch.lexicon import SUBJECTS, Adverb, Noun, Verb, lexicon
from attnviz.scratch.meaning import Clause, Phrase

LIVELY = {"eat", "sleep", "run", "jump", "play", "swim", "walk", "drink"}  # what animals do too


def draw_clause(
    random: Random, number: int, subject: Phrase | None = None, mood: str = "", simple: bool = False
) -> Clause:
    """One clause: mostly with a verb, else with what somebody is, is like, or has."""
    if not mood:
        mood = random.choices(("statement", "question", "order", "proposal"), (66, 22, 8, 4))[0]
    kind = random.choices(("verb", "adjective", "noun", "there", "have", "at"), (66, 13, 8, 4, 5, 4))[0]
    if mood in ("order", "proposal") or (simple and kind == "there"):
        kind = "verb"
    make = {"verb": verbal, "adjective": adjectival, "noun": nominal}.get(kind)
    return _owned(make(random, number, mood, subject) if make else existential(random, number, kind, mood, subject))


def _owned(c: Clause) -> Clause:
    """The clause, without an owner that goes without saying: my friend is mine, and she meets her own."""

    def disown(phrase: Phrase | None, owner: str) -> Phrase | None:
        own = phrase and phrase.owner and phrase.noun.determiner == "my" and phrase.owner.noun.english[0] == owner
        return replace(phrase, owner=None) if phrase and own else phrase

    if c.subject is None:
        return c
    who = c.subject.noun.english[0]
    fillers = tuple(
        (role, disown(filler, who) if isinstance(filler, Phrase) else filler) for role, filler in c.adverbials
    )
    return replace(c, subject=disown(c.subject, "I"), object=disown(c.object, who), adverbials=fillers)  # type: ignore[arg-type]


def verbal(random: Random, number: int, mood: str, subject: Phrase | None) -> Clause:
    """I ate an apple: a verb, with what it may have; sometimes what was eaten has a clause of its own."""
    banned = {"state", "event", "thing", "flower", "animal", "weather"} if mood in ("order", "proposal") else set[str]()
    if subject:
        banned = banned | {"thing", "flower", "animal", "weather"}
    verb = _draw_verb(random, frozenset(banned))
    subject = _subject_of(random, verb, subject, mood)
    c = Clause(number, subject, verb, mood=mood)
    if verb.objects:
        c = replace(c, object=_object(random, verb, subject))
    c = tensed(random, c, verb)
    c = with_adverbials(random, c, 1.0)
    plain = c.object and not (c.object.noun.is_human or c.object.count or c.object.owner or c.object.joined)
    if c.object and plain and chance(random, 0.06):
        inner = relative(random, c.object.noun, number + 2)
        if inner and inner.subject != c.subject:
            c = replace(c, object=replace(c.object, relative=inner, pointed=""))
    if mood == "question" and chance(random, 0.55):
        c = asking(random, c, verb)
    return c if number or mood != "statement" or not chance(random, 0.03) else also(c)


def also(c: Clause) -> Clause:
    """She, too."""
    if c.subject is None or c.adverbial("frequency") or c.negative:
        return c
    return replace(c, adverbials=(*c.adverbials, ("also", Adverb(("also",), ("도",)))))


@cache
def _allowed(banned: frozenset[str]) -> tuple[tuple[Verb, ...], tuple[float, ...]]:
    """The verbs without some notes, and how often each is drawn: one without an object stands for many sentences."""
    verbs = tuple(verb for verb in lexicon().verbs if not banned & verb.notes)
    common = {"go": 8.0, "come": 4.0, "eat": 4.0, "live": 2.5, "study": 2.0, "like": 2.0, "buy": 2.5, "read": 2.0}
    return verbs, tuple(common.get(verb.english[0], 1.4 if not verb.objects else 1.0) for verb in verbs)


def _draw_verb(random: Random, banned: frozenset[str]) -> Verb:
    verbs, weights = _allowed(banned)
    return random.choices(verbs, weights)[0]


def _subject_of(random: Random, verb: Verb, subject: Phrase | None, mood: str) -> Phrase | None:
    words = lexicon()
    if mood == "order":
        return Phrase(SUBJECTS[1])
    if mood == "proposal":
        return Phrase(SUBJECTS[4])
    if subject:
        return subject
    if "weather" in verb.notes:
        return None
    groups = {"thing": ("lesson", "show", "match", "event"), "flower": ("flower",), "animal": ("pet",)}
    for note, of in groups.items():
        if note in verb.notes:
            return something(random, random.choice(words.of(*of)), 0.4)
    if verb.english[0] in LIVELY and chance(random, 0.1):
        return something(random, random.choice(words.of("pet", "wild")), 0.5)
    if mood == "question" and chance(random, 0.5):
        return Phrase(SUBJECTS[1])
    return someone(random)


def _object(random: Random, verb: Verb, subject: Phrase | None) -> Phrase:
    noun = random.choice(verb.objects)
    if noun.is_human:
        if "general" not in verb.notes and verb.takes != "가" and chance(random, 0.35):
            return other_pronoun(random, subject)
        if noun.group == "name" and chance(random, 0.3) and (tells_itself(verb) or verb.takes != "를"):
            return Phrase(open_noun("name", random))
    elif chance(random, 0.05) and noun.determiner in ("a", "-") and tells_itself(verb):
        return Phrase(open_noun("open", random))
    elif chance(random, 0.04) and tells_itself(verb) and not noun.is_human:
        return Phrase(random.choice(SUBJECTS[6:9]))
    if verb.takes == "가":
        return Phrase(noun)
    if "general" in verb.notes:
        return something(random, noun, 0.4)
    phrase = something(random, noun)
    second = random.choice(verb.objects)
    if not phrase.noun.is_human and not second.is_human and second != noun and chance(random, 0.05):
        return replace(phrase, joined=something(random, second, 0.5))
    return phrase if subject is None or phrase.noun != subject.noun else Phrase(noun)


@cache
def _verbs_with(noun: Noun) -> tuple[Verb, ...]:
    """The verbs that may have this noun as their object."""
    verbs = [verb for verb in lexicon().verbs if verb.takes == "를" and noun in verb.objects]
    return tuple(verb for verb in verbs if "general" not in verb.notes or verb.english[0] == "like")


def relative(random: Random, noun: Noun, number: int) -> Clause | None:
    """What is said of a noun in a clause: that I bought yesterday, who lives in Seoul."""
    tense = random.choices(("past", "present"), (6, 4))[0]
    if noun.is_human:
        c = draw_clause(random, number, Phrase(noun), "statement", simple=True)
        if not isinstance(c.predicate, Verb) or c.modal or c.progressive:
            return None
        return replace(c, gap="subject", tense="past" if c.tense == "future" else c.tense, negative=False)
    verbs = _verbs_with(noun)
    if not verbs:
        return None
    verb = random.choice(verbs)
    if "state" in verb.notes:
        tense = "present"
    c = Clause(number, someone(random), verb, Phrase(noun), (), tense, gap="object")
    return with_adverbials(random, c, 0.5)
