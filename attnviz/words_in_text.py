"""The tokens of a word or phrase, found by its text."""

import re
from collections.abc import Sequence
from itertools import groupby

from attnviz.attention import Token
from attnviz.labels import visible

NUMBERED = re.compile(r"(.+)#([1-9][0-9]*)")
"""A name and a number, counted from 1: `an#2` is the second "an"."""
_CHARACTERS = re.compile(r"chars:([0-9]+)-([0-9]+)")

Tokens = tuple[int, ...]
"""The numbers of tokens, in order."""


def find_words(tokens: Sequence[Token | None], text: str, name: str) -> list[Tokens]:
    """The tokens of each word in `tokens` that is written `name`, or, if there is none, each token with that label.

    `text` is the text of the tokens. Upper and lower case matter only if the text has the exact spelling of `name`.
    """
    by_word = groupby(range(len(tokens)), key=lambda index: (token := tokens[index]) and token.word)
    words = [tuple(group) for word, group in by_word if word is not None]
    names = [(word, _written(text, [tokens[index] for index in word])) for word in words]
    names += [
        ((index,), label) for index, token in enumerate(tokens) if token for label in (token.text, visible(token.text))
    ]
    exact = [index for index, label in names if label == name]
    named = exact or [index for index, label in names if label and label.casefold() == name.casefold()]
    return [index for index in dict.fromkeys(named) if not any(set(index) < set(other) for other in named)]


def find_parts(tokens: Sequence[Token | None], text: str, name: str) -> list[Tokens]:
    """What `find_words` finds, or, if nothing, what another form of `name` means.

    `red apple` means these words next to each other, `an#2` the second "an", `chars:3-12` the tokens that cover
    characters 3 to 11, and `5` token 5.
    """
    if found := find_words(tokens, text, name) or _find_phrase(tokens, text, name):
        return found
    if numbered := NUMBERED.fullmatch(name):
        return find_parts(tokens, text, numbered[1])[int(numbered[2]) - 1 :][:1]
    if characters := _CHARACTERS.fullmatch(name):
        first, last = int(characters[1]), int(characters[2])
        covering = [i for i, t in enumerate(tokens) if t and t.span and t.span[0] < last and first < t.span[1]]
        return [tuple(covering)] if covering else []
    return [(int(name),)] if name.isdecimal() and int(name) < len(tokens) and tokens[int(name)] else []


def _find_phrase(tokens: Sequence[Token | None], text: str, name: str) -> list[Tokens]:
    """The tokens of each place in `text` where the words of `name` stand next to each other."""
    if not any(map(str.isspace, name.strip())):
        return []
    pattern = r"\s+".join(map(re.escape, name.split()))
    found = []
    for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE):
        start, end = match.span()
        inside = [i for i, t in enumerate(tokens) if t and t.span and t.span[0] < end and start < t.span[1]]
        found += [tuple(inside)] * bool(inside)
    return found


def _written(text: str, word: Sequence[Token | None]) -> str | None:
    """The text of a word, or None if one of its ends is not in the text."""
    spans = [token and token.span for token in word]
    return text[spans[0][0] : spans[-1][1]].strip() if spans[0] and spans[-1] else None
