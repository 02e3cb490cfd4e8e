"""A grammar that says the same thing in English and in Korean: the corpus of the built-in model.

A sentence is drawn as a meaning (who, when, and one or two clauses) and written out in both languages. Every word
carries the part of the meaning that it stands for, so that what a head ought to find is known: which word is a verb's
object, and which source word a translated word comes from. Only the measures use that; training is told no more than
which words are verbs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from random import Random

from attnviz.scratch import korean

Key = tuple[int, str] | None  # clause number and role; None for a word that the other language does not have
Words = list[tuple[str, Key]]


@dataclass(frozen=True)
class Noun:
    """A noun, and how English determines it: `a`, `my`, `the`, or for places the preposition of "where"."""

    english: str
    korean: str
    group: str
    adjectives: str
    determiner: str


@dataclass(frozen=True)
class Verb:
    """One sense of a verb: English verbs whose Korean depends on the object have several."""

    base: str
    english_past: str
    stem: str
    past: str
    honorific: str
    objects: tuple[Noun, ...]
    notes: frozenset[str]

    @property
    def sense(self) -> str:
        """What tells this sense from the verb's others: 쓰/wear."""
        return f"{self.stem}/{self.base}"


@dataclass(frozen=True)
class Clause:
    """What is said of the subject."""

    verb: Verb
    object: Noun | None = None
    adjective: tuple[str, str] | None = None
    recipient: Noun | None = None
    place: Noun | None = None
    manner: tuple[str, str] | None = None
    object_first: bool = False  # Korean may put the object before the place and the recipient


@dataclass(frozen=True)
class Meaning:
    """One sentence before it is put into words."""

    subject: Noun
    is_past: bool
    time: tuple[str, str] | None
    clauses: tuple[Clause, ...]

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """The verb-object pairs, as (Korean and English verb, English object)."""
        return {(c.verb.sense, c.object.english) for c in self.clauses if c.object}


@dataclass(frozen=True)
class Lexicon:
    """All words of the corpus, from the tables in `lexicon/`."""

    nouns: tuple[Noun, ...]
    verbs: tuple[Verb, ...]
    adjectives: dict[str, tuple[tuple[str, str], ...]]
    times: tuple[tuple[str, str], ...]
    past_times: tuple[tuple[str, str], ...]
    manners: tuple[tuple[str, str], ...]

    def of(self, *groups: str) -> tuple[Noun, ...]:
        """The nouns of some groups."""
        return tuple(noun for noun in self.nouns if noun.group in groups)


PRONOUNS = {"I": ("나", "me"), "you": ("너", "you"), "he": ("그", "him"), "she": ("그녀", "her")}
PRONOUNS |= {"we": ("우리", "us"), "they": ("그들", "them")}
SUBJECTS = tuple(Noun(english, word, "pronoun", "-", "-") for english, (word, _) in PRONOUNS.items())


def _lines(table: str) -> Iterator[list[str]]:
    text = (files("attnviz.scratch") / "lexicon" / table).read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("|")]


def _pairs(cell: str) -> tuple[tuple[str, str], ...]:
    return tuple((pair.split("=")[0], pair.split("=")[1]) for pair in cell.split(", "))


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once."""
    nouns = tuple(
        Noun(english, word, group, adjectives, determiner)
        for group, adjectives, determiner, words in _lines("nouns.txt")
        for english, word in _pairs(words)
    )
    phrases = {head: _pairs(words) for head, words in _lines("phrases.txt")}
    return Lexicon(
        nouns=nouns,
        verbs=tuple(_verb(cells, nouns) for cells in _lines("verbs.txt")),
        adjectives={head.split()[1]: pairs for head, pairs in phrases.items() if head.startswith("adjective")},
        times=phrases["time"],
        past_times=phrases["time past"],
        manners=phrases["manner"],
    )


def _verb(cells: list[str], nouns: tuple[Noun, ...]) -> Verb:
    base, english_past, dictionary_form, past, objects, notes = cells
    stem = dictionary_form.removesuffix("다")
    wanted = objects.split(", ")
    named = dict(note.split("=") for note in notes.split() if "=" in note)
    return Verb(
        base=base,
        english_past=english_past,
        stem=stem,
        past=past,
        honorific=named.get("honored") or korean.honorific(stem),
        objects=tuple(n for n in nouns if n.group != "place" and {n.english, "#" + n.group} & set(wanted)),
        notes=frozenset(note for note in notes.split() if "=" not in note),
    )


def draw(random: Random) -> Meaning:
    """One meaning at random: a third have two clauses, two thirds are of the past."""
    words = lexicon()
    subjects = random.choices((SUBJECTS, words.of("name"), words.of("person"), words.of("honored")), (5, 2, 2, 2))[0]
    subject = random.choice(subjects)
    clauses = tuple(_draw_clause(random, subject) for _ in range(1 + (random.random() < 0.35)))
    # "I read" may be either: a verb whose past is its base form is of the past, unless the subject tells.
    is_past = random.random() < 0.65 or any(_present(c.verb, subject) == c.verb.english_past for c in clauses)
    times = words.times + words.past_times if is_past else words.times
    return Meaning(subject, is_past, random.choice(times) if random.random() < 0.3 else None, clauses)


def _draw_clause(random: Random, subject: Noun) -> Clause:
    words = lexicon()
    verb = random.choice(words.verbs)
    clause = Clause(verb, object_first=random.random() < 0.5)
    if verb.objects:
        choices = [noun for noun in verb.objects if noun != subject]
        if {"person", "name"} & {noun.group for noun in verb.objects} and random.random() < 0.3:
            choices = [noun for noun in SUBJECTS if noun != subject]
        clause = replace(clause, object=random.choice(choices))
    if clause.object and clause.object.adjectives in words.adjectives and random.random() < 0.25:
        clause = replace(clause, adjective=random.choice(words.adjectives[clause.object.adjectives]))
    if "to" in verb.notes and random.random() < 0.5:
        people = [noun for noun in words.of("name", "person", "honored") if noun not in (subject, clause.object)]
        clause = replace(clause, recipient=random.choice(people))
    if {"goal", "at"} & verb.notes or random.random() < (0.7 if "where" in verb.notes else 0.2):
        clause = replace(clause, place=random.choice(words.of("place")))
    if not {"goal", "at"} & verb.notes and random.random() < 0.2:
        clause = replace(clause, manner=random.choice(words.manners))
    return clause


def english(meaning: Meaning) -> Words:
    """The words of a meaning in English, each with its key."""
    words: Words = [*_phrase(meaning.subject, (0, "subject"))]
    for number, clause in enumerate(meaning.clauses):
        if number:
            words.append(("and", None))
        verb = clause.verb.english_past if meaning.is_past else _present(clause.verb, meaning.subject)
        words.append((verb, (number, "verb")))
        if clause.object:
            words += _phrase(clause.object, (number, "object"), clause.adjective, (number, "adjective"))
        if clause.recipient:
            words += [("to", None), *_phrase(clause.recipient, (number, "recipient"))]
        if clause.manner:
            words.append((clause.manner[0], (number, "manner")))
        if clause.place:
            words += _place(clause.place, "goal" in clause.verb.notes, (number, "place"))
        if meaning.time and not number:
            *little, word = meaning.time[0].split()
            words += [(w, (0, "time") if w == "last" else None) for w in little] + [(word, (0, "time"))]
    return words


def _present(verb: Verb, subject: Noun) -> str:
    """I eat, she eats; I study, she studies; I go, she goes."""
    base = verb.base
    if subject.english in ("I", "you", "we", "they", "police"):
        return base
    if base == "have":
        return "has"
    if base[-1] == "y" and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s")


def _phrase(noun: Noun, key: Key, adjective: tuple[str, str] | None = None, adjective_key: Key = None) -> Words:
    """`a red apple`: determiner, adjective, noun."""
    if noun.group == "pronoun":
        return [(noun.english if key and key[1] == "subject" else PRONOUNS[noun.english][1], key)]
    words: Words = [(adjective[0], adjective_key)] if adjective else []
    words.append((noun.english, key))
    if noun.determiner in ("a", "an"):
        first = words[0][0]
        return [("an" if first[0] in "aeiou" and not first.startswith("uni") else "a", None), *words]
    return words if noun.determiner == "-" else [(noun.determiner, None), *words]


def _place(place: Noun, goal: bool, key: Key) -> Words:
    """`in the park`, or as a goal `to the park`; one goes `home`, without a preposition."""
    little = place.determiner.split()
    if goal:
        little = [] if place.english == "home" else ["to", *little[1:]]
    return [*((word, None) for word in little), (place.english, key)]


def in_korean(meaning: Meaning, canonical: bool = True) -> Words:
    """The words (eojeols) of a meaning in Korean, each with its key.

    Where `canonical`, the object stands after place and recipient; else where the meaning says.
    """
    honored = meaning.subject.group == "honored"
    words: Words = [
        (korean.with_particle(meaning.subject.korean, "honored topic" if honored else "topic"), (0, "subject"))
    ]
    if meaning.time:
        words.append((meaning.time[1], (0, "time")))
    for number, clause in enumerate(meaning.clauses):
        last = number == len(meaning.clauses) - 1
        what, where = _object(clause, number), _where(clause, number)
        words += what + where if clause.object_first and not canonical else where + what
        if clause.manner:
            words.append((clause.manner[1], (number, "manner")))
        form = verb_form(clause.verb, honored, meaning.is_past) if last else and_form(clause.verb, honored)
        words.append((form, (number, "verb")))
    return words


def _object(clause: Clause, number: int) -> Words:
    words: Words = [(clause.adjective[1], (number, "adjective"))] if clause.adjective else []
    if clause.object:
        words.append((korean.with_particle(clause.object.korean, "object"), (number, "object")))
    return words


def _where(clause: Clause, number: int) -> Words:
    words: Words = []
    if clause.place:
        role = "goal" if {"goal", "at"} & clause.verb.notes else "where"
        words.append((korean.with_particle(clause.place.korean, role), (number, "place")))
    if clause.recipient:
        role = "honored to" if clause.recipient.group == "honored" else "to"
        words.append((korean.with_particle(clause.recipient.korean, role), (number, "recipient")))
    return words


def verb_form(verb: Verb, honored: bool, is_past: bool) -> str:
    """The last verb of a sentence: 먹었다, 먹는다, 드셨다, 드신다."""
    if is_past:
        return korean.past(korean.honored_past_stem(verb.honorific) if honored else verb.past)
    return korean.present(verb.honorific if honored else verb.stem)


def and_form(verb: Verb, honored: bool) -> str:
    """A verb before the last: 먹고, 드시고."""
    return korean.and_then(verb.honorific if honored else verb.stem)


def verb_forms(verb: Verb) -> tuple[set[str], set[str]]:
    """Every form of a verb, in English and in Korean."""
    english_forms = {verb.english_past, *(_present(verb, subject) for subject in SUBJECTS)}
    korean_forms = {and_form(verb, honored) for honored in (False, True)}
    return english_forms, korean_forms | {verb_form(verb, h, past) for h in (False, True) for past in (False, True)}


def roles(noun: Noun) -> tuple[str, ...]:
    """The roles that a noun can have in a sentence, each with its own particle."""
    if noun.group == "place":
        return "goal", "where"
    if noun.group in ("name", "person", "pronoun"):
        return "topic", "object", "to"
    if noun.group == "honored":
        return "honored topic", "object", "honored to"
    return ("object",)
