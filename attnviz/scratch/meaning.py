"""What a sentence of the corpus means, before it is put into words: in_english.py and in_korean.py do that."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from attnviz.scratch.lexicon import Adjective, Adverb, Noun, Verb


@dataclass(frozen=True)
class Phrase:
    """A noun with what is said of it. `count` 0 says no number; `many` is plural without one."""

    noun: Noun
    owner: "Phrase | None" = None
    pointed: str = ""  # "this" or "that"
    adjective: Adjective | None = None
    count: int = 0
    many: bool = False
    plenty: bool = False  # many, much
    joined: "Phrase | None" = None  # a second one: apples and milk
    relative: "Clause | None" = None

    @property
    def is_plural(self) -> bool:
        """Whether English gives its verb no -s."""
        return self.count > 1 or self.many or self.plenty or (self.noun.is_plural and not self.count)


@dataclass(frozen=True)
class Place:
    """A place: in the park; on the desk, where `position` says on which side; from, to."""

    phrase: Phrase
    position: Adverb | None = None


@dataclass(frozen=True)
class Clause:
    """What is said of a subject.

    `predicate` is a verb, an adjective, a noun, or "there" (there is), "have", "at" (the cat is under the chair) or
    "price".
    `adverbials` are by role: recipient, with, tool, vehicle, source, goal, in, where, about, than, time, hour, until,
    manner, frequency, also, degree. `asked` is the role that a question asks for; `gap` what a relative clause leaves
    out.
    """

    number: int
    subject: Phrase | None
    predicate: "Verb | Adjective | Phrase | str"
    object: Phrase | None = None
    adverbials: "tuple[tuple[str, Phrase | Place | Adverb | int], ...]" = ()
    tense: str = "present"  # past, present, future
    progressive: bool = False
    modal: str = ""  # can, want, must, may, like
    negative: bool = False
    mood: str = "statement"  # question, order, proposal
    asked: str = ""
    gap: str = ""

    def adverbial(self, role: str) -> "Phrase | Place | Adverb | int | None":
        """What stands in a role, or None."""
        return self.fillers.get(role)

    @cached_property
    def fillers(self) -> "dict[str, Phrase | Place | Adverb | int]":
        """The adverbials by their roles."""
        return dict(self.adverbials)


@dataclass(frozen=True)
class Meaning:
    """One sentence: a main clause, perhaps another that is linked to it, or a set phrase.

    `other` comes first in Korean. `link` is and, but, because, when, while, if, before, after, to (what for) or that.
    `opening` is a set phrase that is said before: hello, yes.
    """

    clause: Clause | None
    link: str = ""
    other: Clause | None = None
    greeting: Adverb | None = None
    opening: Adverb | None = None

    @property
    def clauses(self) -> Iterator[Clause]:
        """All clauses, those in noun phrases among them."""
        for clause in (self.clause, self.other):
            if clause:
                yield clause
                yield from _inner(clause)

    @property
    def is_only_read(self) -> bool:
        """Whether English says it with a verb that Korean's is not translated by: to have breakfast."""
        return any(isinstance(c.predicate, Verb) and "read" in c.predicate.notes for c in self.clauses)

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """The verb-object pairs, as (Korean and English verb, English object)."""
        return {
            (clause.predicate.sense, clause.object.noun.english[0])
            for clause in self.clauses
            if isinstance(clause.predicate, Verb) and clause.object
        }


def _inner(clause: Clause) -> Iterator[Clause]:
    for phrase in (clause.subject, clause.object, clause.predicate):
        if isinstance(phrase, Phrase) and phrase.relative:
            yield phrase.relative
