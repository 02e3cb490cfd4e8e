"""The names of the rows of a matrix: the words and tokens that they read or write."""

import re
from dataclasses import dataclass

from attnviz.attention import Attention, Trace
from attnviz.words_in_text import NUMBERED, find_words

VERBS = "read", "write"
"""What a row of a decoder does with the token on the left of its arrow, and with the one on the right."""

_ARROW = re.compile(r"(.*?)\s*(?:→|⇒|->|=>)\s*(.*)")


@dataclass(frozen=True)
class RowNames:
    """The names of the rows of `attention`, a part of `trace`."""

    trace: Trace
    attention: Attention

    def matching(self, query: str) -> list[tuple[int, ...]]:
        """What `find` finds; if nothing, the second row of that name for `an#2`; if nothing, the row of that number."""
        found, number = self.find(query), NUMBERED.fullmatch(query)
        if not found and number:
            found = self.find(number[1])[int(number[2]) - 1 :][:1]
        if not found and query.isdecimal() and int(query) < len(self.attention.queries):
            found = [(int(query),)]
        return found

    def find(self, query: str) -> list[tuple[int, ...]]:
        """The queries of each word with the name `query`, or, if there is none, of each token."""
        found = self._find_by(self.verb, query)
        if found or not (sides := _ARROW.fullmatch(query)):
            return found
        reading, writing = (self._find_by(verb, name) for name, verb in zip(sides.groups(), VERBS, strict=True))
        if sides[1] and sides[2]:
            return [tuple(sorted(both)) for a in reading for b in writing if (both := {*a} & {*b})]
        return reading if sides[1] else writing

    @property
    def verb(self) -> str:
        """What a row does with the token that names it: `read` or `write`."""
        return "write" if self.attention.kind == "cross" and self.attention.predicts else "read"

    def verb_of(self, query: str) -> str:
        """What a row does with the token that `query` names; `→name` and `name→` say it by the side of the arrow."""
        numbered = NUMBERED.fullmatch(query)
        sides = _ARROW.fullmatch(numbered[1] if numbered else query)
        return VERBS[not sides[1]] if sides and bool(sides[1]) != bool(sides[2]) else self.verb

    def too_few(self, query: str) -> str:
        """A sentence for a number that is too high, as in `an#3`: how many rows have the name; empty if none has."""
        numbered, verb = NUMBERED.fullmatch(query), self.verb_of(query)
        if not numbered or not (count := len(self.find(numbered[1]))):
            return ""
        name = repr(numbered[1])
        return f"Only one row {verb}s {name}. " if count == 1 else f"Only {count} rows {verb} {name}. "

    @property
    def other_verb(self) -> str:
        """What a row does with its other token."""
        return "read" if self.verb == "write" else "write"

    def other(self, name: str) -> str:
        """The query that names a row by its other token, with an arrow."""
        return f"{name}→" if self.verb == "write" else f"→{name}"

    def _find_by(self, verb: str, name: str) -> list[tuple[int, ...]]:
        tokens = list((self.attention.queries if verb == "read" else self.attention.predicts) or ())
        return find_words(tokens, self.trace.read_by(self.attention.part), name)
