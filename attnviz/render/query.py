"""Whose look is shown by the style that shows one query's: by its word, its token, its number, or by a rule."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from attnviz.analysis import strongest
from attnviz.attention import Attention, Token, Trace
from attnviz.errors import SelectionError
from attnviz.labels import visible
from attnviz.render.flow import running
from attnviz.render.scene import Scene, row_label

LISTED = 60
"""So many rows are listed where one was not found."""
VERBS = "read", "write"
"""What a decoder's row does with the token left of its arrow, and with the one right of it."""


def asked(trace: Trace, attention: Attention, query: str) -> tuple[int, ...]:
    """The rows of `attention` that `query` names: by a word or token as it is written, or else by their number.

    That is the token that a row reads; in cross-attention the one that it writes, since alignment is of what is
    written. `is→` names the row that reads "is", `→Paris` the one that writes "Paris", `is→Paris` the one that does
    both; `an#2` is the second that is called "an". A word of several tokens has several rows. Capital letters make a
    difference only where both are there. Raises SelectionError where nothing, or more than one thing, is called that,
    or its rows are not kept by themselves; the hint lists what there is.
    """
    names, query = _Names(trace, attention), query.strip()
    row_of = {start: row for row, (start, stop) in enumerate(attention.rows) if stop - start == 1}
    found, number = names.find(query), re.fullmatch(r"(.+)#([1-9][0-9]*)", query)
    if not found and number:
        found = names.find(number[1])[int(number[2]) - 1 :][:1]
    if not found and query.isdecimal() and int(query) < len(attention.queries):
        found = [(int(query),)]
    if len(found) == 1 and all(token in row_of for token in found[0]):
        return tuple(row_of[token] for token in found[0])
    if found and not any(token in row_of for tokens in found for token in tokens):
        numbers = ",".join(str(token) for tokens in found for token in tokens)
        hint = f"Trace the text again, with --rows {numbers}."
        raise SelectionError(f"the row that {names.verb}s {query!r} is not kept by itself", hint)
    if found:
        one_by_one = [f"{query}#{at + 1} ({names.row(tokens[0])})" for at, tokens in enumerate(found)]
        raise SelectionError(f"{len(found)} rows {names.verb} {query!r}", f"Name one: {_listed(one_by_one)}.")
    other = names.find(f"{query}→") or names.find(f"→{query}")
    elsewhere = f"One {names.other_verb}s it: {names.other(query)}. " if other else ""
    rows = _listed([names.row(token) for token in row_of])
    raise SelectionError(f"no row {names.verb}s {query!r}", f"{elsewhere}Rows: {rows}.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f", … {len(names)} in all" if len(names) > LISTED else "")


@dataclass(frozen=True)
class _Names:
    """What the rows of `attention` are called."""

    trace: Trace
    attention: Attention

    def find(self, query: str) -> list[tuple[int, ...]]:
        """The queries of each word, or else of each token, that is called so."""
        found = self._called(query, self.verb)
        if found or not (sides := re.fullmatch(r"(.*?)\s*(?:→|⇒|->|=>)\s*(.*)", query)):
            return found
        reading, writing = (self._called(name, verb) for name, verb in zip(sides.groups(), VERBS, strict=True))
        if sides[1] and sides[2]:
            return [tuple(sorted(both)) for a in reading for b in writing if (both := {*a} & {*b})]
        return reading if sides[1] else writing

    @property
    def verb(self) -> str:
        """What a row does with the token that it is called by."""
        return "write" if self.attention.kind == "cross" and self.attention.predicts else "read"

    @property
    def other_verb(self) -> str:
        """What it does with its other token."""
        return "read" if self.verb == "write" else "write"

    def other(self, name: str) -> str:
        """The query that names a row by its other token."""
        return f"{name}→" if self.verb == "write" else f"→{name}"

    def row(self, query: int) -> str:
        """The row of a query by its number and its label."""
        a = self.attention
        return f"{query} {row_label(a.queries[query], a.predicts[query] if a.predicts else None)}"

    def _called(self, name: str, verb: str) -> list[tuple[int, ...]]:
        tokens = list((self.attention.queries if verb == "read" else self.attention.predicts) or ())
        by_word = groupby(range(len(tokens)), key=lambda at: (token := tokens[at]) and token.word)
        words = [tuple(group) for word, group in by_word if word is not None]
        names = [(word, self._written([tokens[at] for at in word])) for word in words]
        names += [
            ((at,), text) for at, token in enumerate(tokens) if token for text in (token.text, visible(token.text))
        ]
        exact = [at for at, text in names if text == name]
        named = exact or [at for at, text in names if text and text.casefold() == name.casefold()]
        return [at for at in dict.fromkeys(named) if not any(set(at) < set(other) for other in named)]

    def _written(self, word: Sequence[Token | None]) -> str | None:
        """A word as it stands in the text."""
        text, spans = self.trace.read_by(self.attention.part), [token and token.span for token in word]
        return text[spans[0][0] : spans[-1][1]].strip() if spans[0] and spans[-1] else None


def looking(scene: Scene) -> tuple[int, ...]:
    """The rows that are shown: those asked for, or the query of the strongest link between two content words.

    That link is sought in all heads of the scene; a text without one shows the row of the largest weight to another
    token.
    """
    if scene.queries:
        return scene.queries
    pairs = [pair for head in scene.heads if (pair := strongest(scene.attention, *head))]
    if pairs:
        return (max(pairs, key=lambda pair: pair.weight).query,)
    weights = scene.matrices.max(0)
    if scene.attention.kind != "cross":
        weights = np.where(np.array(scene.attention.rows)[:, :1] == np.array(scene.attention.columns)[:, 0], 0, weights)
    return (int(weights.max(-1).argmax()),)


def query_label(scene: Scene, rows: tuple[int, ...]) -> str:
    """Those rows in words: `ate`; in a decoder `reads "ate" · writes "an"`; in cross-attention what it writes first."""
    a, tokens = scene.attention, [scene.attention.rows[row][0] for row in rows]
    read = running([a.queries[at] for at in tokens])
    written = [token for at in tokens if a.predicts and (token := a.predicts[at])]
    if not written:
        return read if a.predicts is None else f'reads "{read}"'
    writes = "generates" if all(token.generated for token in written) else "writes"
    both = f'reads "{read}"', f'{writes} "{running(written)}"'
    return " · ".join(reversed(both) if a.kind == "cross" else both)


def gaze(scene: Scene, at: int, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """How much those rows of head `at` look at each key, on average, and bool which keys any of them may look at."""
    return scene.matrices[at, list(rows)].mean(0), np.any(scene.reachable[list(rows)], 0)
