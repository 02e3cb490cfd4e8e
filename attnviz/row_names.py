"""What the rows of a matrix are called: by the words and tokens that they read, or write."""

import re
from dataclasses import dataclass

from attnviz.attention import Attention, Trace
from attnviz.words_in_text import find_words

VERBS = "read", "write"
"""What a decoder's row does with the token left of its arrow, and with the one right of it."""

_ARROW = re.compile(r"(.*?)\s*(?:→|⇒|->|=>)\s*(.*)")
_PLACE = re.compile(r"(.+)#([1-9][0-9]*)")


@dataclass(frozen=True)
class RowNames:
    """What the rows of `attention` are called."""

    trace: Trace
    attention: Attention

    def matching(self, query: str) -> list[tuple[int, ...]]:
        """What `find` finds; or else of that the second, for `an#2`; or else the query of that number."""
        found, number = self.find(query), _PLACE.fullmatch(query)
        if not found and number:
            found = self.find(number[1])[int(number[2]) - 1 :][:1]
        if not found and query.isdecimal() and int(query) < len(self.attention.queries):
            found = [(int(query),)]
        return found

    def find(self, query: str) -> list[tuple[int, ...]]:
        """The queries of each word, or else of each token, that is called so."""
        found = self._called(query, self.verb)
        if found or not (sides := _ARROW.fullmatch(query)):
            return found
        reading, writing = (self._called(name, verb) for name, verb in zip(sides.groups(), VERBS, strict=True))
        if sides[1] and sides[2]:
            return [tuple(sorted(both)) for a in reading for b in writing if (both := {*a} & {*b})]
        return reading if sides[1] else writing

    @property
    def verb(self) -> str:
        """What a row does with the token that it is called by."""
        return "write" if self.attention.kind == "cross" and self.attention.predicts else "read"

    def verb_of(self, query: str) -> str:
        """What a row does with the token that `query` names: where that has one side of an arrow, by the side."""
        place = _PLACE.fullmatch(query)
        sides = _ARROW.fullmatch(place[1] if place else query)
        return VERBS[not sides[1]] if sides and bool(sides[1]) != bool(sides[2]) else self.verb

    def too_few(self, query: str) -> str:
        """How many rows there are where `query` names one of a place after them, `an#3`; or nothing."""
        place, verb = _PLACE.fullmatch(query), self.verb_of(query)
        if not place or not (count := len(self.find(place[1]))):
            return ""
        return f"Only one row {verb}s {place[1]!r}. " if count == 1 else f"Only {count} rows {verb} {place[1]!r}. "

    @property
    def other_verb(self) -> str:
        """What it does with its other token."""
        return "read" if self.verb == "write" else "write"

    def other(self, name: str) -> str:
        """The query that names a row by its other token."""
        return f"{name}→" if self.verb == "write" else f"→{name}"

    def _called(self, name: str, verb: str) -> list[tuple[int, ...]]:
        tokens = list((self.attention.queries if verb == "read" else self.attention.predicts) or ())
        return find_words(tokens, self.trace.read_by(self.attention.part), name)
