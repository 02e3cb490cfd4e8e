"""The tokens of a text as words that someone else has told apart, such as those of a treebank."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from attnviz.attention import Attention, HeadMatrices, Range, Token

Unit = tuple[int, ...]
"""The tokens, by number, that count as one."""


@dataclass(frozen=True)
class WordUnits:
    """Units of tokens, in the order of the text, and for each word the unit that it is in: None where it has no token.

    Words that share a token are one unit: a model that reads them as one cannot tell them apart. A token of no word is
    a unit by itself. Special tokens are in none.
    """

    units: tuple[Unit, ...]
    of_word: tuple[int | None, ...]


def units_of_words(words: Sequence[Range], tokens: Sequence[Token], text: str) -> WordUnits:
    """The units of `tokens` that the `words` of `text`, each by its characters, are read as.

    A token of nothing but spaces, which some tokenizers put before a word, belongs to the word after it.
    """
    spans = np.array([_span(token, text) for token in tokens], int).reshape(-1, 2)
    starts, ends = np.array(words, int).reshape(-1, 2).T
    covers = (spans[:, :1] < ends) & (starts < spans[:, 1:])  # [token, word]
    unit_of = np.arange(len(words))
    for covered in covers[covers.sum(1) > 1]:
        unit_of[np.isin(unit_of, unit_of[covered])] = unit_of[covered].min()
    inside: dict[int, list[int]] = {}
    for index, token in enumerate(tokens):
        if not token.special:
            covered = covers[index]
            inside.setdefault(int(unit_of[covered][0]) if covered.any() else -1 - index, []).append(index)
    order = sorted(inside, key=inside.__getitem__)
    places = {unit: place for place, unit in enumerate(order)}
    return WordUnits(tuple(tuple(inside[unit]) for unit in order), tuple(places.get(int(unit)) for unit in unit_of))


def units_of_tokens(tokens: Sequence[Token], *apart: Unit) -> tuple[Unit, ...]:
    """The words of `tokens` as the trace numbers them, but that the tokens of each of `apart` are a unit."""
    taken = {index for unit in apart for index in unit}
    left = (index for index, token in enumerate(tokens) if not token.special and index not in taken)
    words = groupby(left, key=lambda index: (tokens[index].word, -1 if tokens[index].word is not None else index))
    return tuple(sorted([*(tuple(word) for _, word in words), *apart]))


def unit_weights(attention: Attention, layer: int, rows: Sequence[Unit], columns: Sequence[Unit]) -> HeadMatrices:
    """The weights from units of queries to units of keys, `[head, row, column]`, of a matrix that has every token.

    The columns of a unit are summed, and then the mean of its rows is taken (Clark et al. 2019, section 3).
    """
    weights = attention.weights(layer).astype(np.float64)
    before = attention.covered[0] if attention.covered else 0  # keys of a prefix have no rows
    summed = weights @ _members(columns, weights.shape[2])  # [head, query, column]
    members = _members([tuple(index - before for index in row) for row in rows], weights.shape[1])
    mean: HeadMatrices = (members / members.sum(0)).T @ summed
    return mean


def _members(units: Sequence[Unit], tokens: int) -> np.ndarray:
    """1 where a token is in a unit, `[token, unit]`."""
    members = np.zeros((tokens, len(units)))
    for index, unit in enumerate(units):
        members[list(unit), index] = 1
    return members


def _span(token: Token, text: str) -> Range:
    if token.special or token.span is None:
        return 0, 0
    start, end = token.span
    return (start, end + 1) if text[start:end].isspace() else (start, end)
