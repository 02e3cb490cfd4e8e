"""Noun phrases and places at random. Read after meaning.py."""

from dataclasses import replace
from random import Random

from attnviz.scratch.lexicon import SUBJECTS, Noun, lexicon, open_name
from attnviz.scratch.meaning import Phrase, Place


def chance(random: Random, p: float) -> bool:
    """Whether something happens that has the probability `p`."""
    return random.random() < p


def someone(random: Random, *without: Phrase | None) -> Phrase:
    """A person: a pronoun, a name, known or not, or a noun."""
    words = lexicon()
    groups = ((*SUBJECTS[:6],), words.of("name"), words.of("kin"), words.of("elder"), words.of("person"))
    while True:
        noun = random.choice(random.choices(groups, (52, 12, 10, 8, 18))[0])
        if noun.group == "name" and chance(random, 0.3):
            noun = open_noun("name", random)
        person = Phrase(noun)
        if noun.group == "person":
            person = described(random, person, 0.2)
            person = replace(person, many=chance(random, 0.15))
            if not person.many and chance(random, 0.12):
                person = replace(person, pointed=random.choice(("this", "that")))
        elif noun.group == "kin" and chance(random, 0.25):
            person = replace(person, owner=owner(random))
        if all(other is None or other.noun.english != noun.english for other in without):
            return person


def open_noun(group: str, random: Random) -> Noun:
    """An unknown word, to be passed on."""
    name = open_name(random.randint(1, 3))
    return Noun((name,), (name,), group, pronoun="it")


def owner(random: Random) -> Phrase:
    """Whose: a pronoun, a name, a friend."""
    words = lexicon()
    if chance(random, 0.7):
        return Phrase(random.choice(SUBJECTS[:6]))
    return Phrase(random.choice(random.choice((words.of("name"), words.of("kin"), words.of("elder", "person")))))


def described(random: Random, phrase: Phrase, p: float) -> Phrase:
    """The phrase, with the probability `p` with an adjective that goes with its noun."""
    adjectives = lexicon().adjectives.get(phrase.noun.adjectives, ())
    return replace(phrase, adjective=random.choice(adjectives)) if adjectives and chance(random, p) else phrase


def something(random: Random, noun: Noun, p: float = 1.0) -> Phrase:
    """A noun with what may be said of it: red, this, my, three; `p` scales how often."""
    phrase = Phrase(noun)
    if noun.group in ("pronoun", "name", "open", "thing pronoun"):
        return phrase
    if noun.is_human:
        return someone_of(random, noun)
    phrase = described(random, phrase, 0.22 * p)
    kind = random.random() / p if p else 1.0
    if kind > 0.97 and noun.counter != "-" and not noun.measure:
        return replace(phrase, plenty=True)
    counted = noun.counter != "-"
    if kind < 0.12 and counted:
        return replace(phrase, count=random.choices(range(1, 11), (1, 5, 5, 3, 3, 1, 1, 1, 1, 1))[0])
    if kind < 0.2:
        return replace(phrase, pointed=random.choice(("this", "that")))
    if kind < 0.3:
        return replace(phrase, owner=owner(random))
    return phrase


def someone_of(random: Random, noun: Noun) -> Phrase:
    """A known person as an object."""
    phrase = described(random, Phrase(noun), 0.1 if noun.group == "person" else 0)
    return replace(phrase, owner=owner(random)) if noun.group == "kin" and chance(random, 0.2) else phrase


def other_pronoun(random: Random, subject: Phrase | None) -> Phrase:
    """A pronoun that is not the subject itself."""
    same = {"I": ("I", "we"), "we": ("I", "we"), "you": ("you",)}.get(subject.noun.english[0] if subject else "", ())
    return Phrase(random.choice([noun for noun in SUBJECTS[:6] if noun.english[0] not in same]))


def place(random: Random, countries: bool = True, at: bool = False) -> Place:
    """A place; `at` is one where things stand: on the desk."""
    words = lexicon()
    if at and chance(random, 0.6):
        things = words.of("surface", "container", "bag", "chair", "tree", "car", "house", "room", "building", "door")
        return Place(Phrase(random.choice(things)), random.choice(words.adverbs["position"]))
    if chance(random, 0.05):
        return Place(Phrase(open_noun("open place", random)))
    noun = random.choice(words.of("country") if countries and chance(random, 0.2) else words.of("place"))
    phrase = Phrase(noun)
    if noun.group == "place" and chance(random, 0.1):
        phrase = replace(phrase, owner=owner(random)) if chance(random, 0.5) else replace(phrase, pointed="this")
    return Place(phrase)
