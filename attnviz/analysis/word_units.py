"""The tokens of a text grouped into given words, such as those of a treebank."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Attention, Range, Token

Unit = tuple[int, ...]
"""The numbers of the tokens that form one unit."""


@dataclass(frozen=True)
class WordUnits:
    """Units of tokens in the order of the text, and for each word the number of its unit: None if it has no token.

    Words that share a token are one unit, because the model reads them as one. A token outside all words is its own
    unit. Special tokens are in no unit.
    """

    units: tuple[Unit, ...]
    of_word: tuple[int | None, ...]


def units_of_words(words: Sequence[Range], tokens: Sequence[Token], text: str) -> WordUnits:
    """The units that `tokens` form for the `words` of `text`, each a range of characters.

    A token of only white space, which some tokenizers put before a word, belongs to the next word.
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
    """The words of `tokens` as units, except that each of `apart` is a unit."""
    is_apart = {index for unit in apart for index in unit}
    left = (index for index, token in enumerate(tokens) if not token.special and index not in is_apart)
    words = groupby(left, key=lambda index: (tokens[index].word, -1 if tokens[index].word is not None else index))
    return tuple(sorted([*(tuple(word) for _, word in words), *apart]))


def unit_weights(
    attention: Attention, layer: int, rows: Sequence[Unit], columns: Sequence[Unit]
) -> NDArray[np.float64]:
    """The weights from units of queries to units of keys, `[head, row, column]`; the matrix has to have every token.

    Weights to a unit are summed over its columns, and weights from a unit are the mean over its rows (Clark et al.
    2019, section 3).
    """
    weights = attention.weights(layer).astype(np.float64)
    before = attention.covered[0] if attention.covered else 0  # keys of a prefix have no rows
    summed = weights @ _members(columns, weights.shape[2])  # [head, query, column]
    members = _members([tuple(index - before for index in row) for row in rows], weights.shape[1])
    mean: NDArray[np.float64] = (members / members.sum(0)).T @ summed
    return mean


def _members(units: Sequence[Unit], tokens: int) -> NDArray[np.float64]:
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
