"""Merging the tokens of each word of a trace into one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from attnviz.attention import Attention, Token, Trace
from attnviz.labels import visible
from attnviz.retrace import NotKeptError, Retrace

Words = tuple[Sequence[int], Sequence[int]]
"""The number of each query's word, and of each key's, in order from 0: see `word_numbers`."""
_SPACES = re.compile("(?:[␣ ][₀-₉]*)+")


def by_words(trace: Trace) -> Trace:
    """`trace` with the tokens of each word merged: keys are summed, queries are averaged.

    The columns of a word's tokens are summed, then its rows are averaged (Clark et al. 2019, section 3), so rows still
    sum to 1 minus the mean of what sinks took. White space divides words, and punctuation around a word is separate. In
    Chinese, Japanese, Thai and other scripts without spaces each token is a word, and only the parts of one character
    are merged. Some tokenizers put a token of spaces before a word: it belongs to that word, or at the end of the text
    to the word before. Special tokens and others in no word, such as line breaks, are not merged, because much
    attention can go to them. If every word is one token, nothing changes.
    Raises NotKeptError if rows or columns cover several tokens or are missing.
    """
    merged = tuple(_merged(attention, trace) for attention in trace.attentions)
    if all(new is old for new, old in zip(merged, trace.attentions, strict=True)):
        return trace
    return replace(trace, attentions=merged, provenance={**trace.provenance, "merged": "tokens to words"})


def word_numbers(tokens: Sequence[Token]) -> list[int]:
    """The number of each token's word, counted from 0; a token that is in no word counts as one word."""
    return [number for number, word in enumerate(_words(tokens)) for _ in word]


def merged_tokens(tokens: Sequence[Token], source: str) -> tuple[Token, ...]:
    """A token for each word of `tokens`: its first token, with the word's label and span in the text `source`."""
    return tuple(word[0] if len(word) == 1 else _joined(word, source) for word in _words(tokens))


def merged_predicts(
    tokens: Sequence[Token], merged: Sequence[Token], predicts: Sequence[Token | None]
) -> tuple[Token | None, ...]:
    """What the rows of the `merged` words write: the next word, or None if a word's last token has no known one."""
    lasts = np.cumsum([len(word) for word in _words(tokens)]) - 1
    following = (*merged[1:], predicts[-1])
    return tuple(word if predicts[last] is not None else None for word, last in zip(following, lasts, strict=True))


def _merged(attention: Attention, trace: Trace) -> Attention:
    source = trace.read_by(attention.part)
    rows, columns = _words(attention.queries), _words(attention.keys)
    if len(rows) == len(attention.queries) and len(columns) == len(attention.keys):
        return attention
    if not attention.is_whole:
        retrace = Retrace.of(trace, attention)
        raise NotKeptError("the tokens of this trace were pooled or left out", retrace.command, "--words")
    queries = merged_tokens(attention.queries, source)
    keys = merged_tokens(attention.keys, trace.text if attention.kind == "cross" else source)
    predicts = attention.predicts and merged_predicts(attention.queries, queries, attention.predicts)
    return replace(
        attention,
        queries=queries,
        keys=keys,
        by_layer={layer: _mean(_sum(A, columns, -1), rows, -2) for layer, A in attention.by_layer.items()},
        sink_mass={layer: _mean(mass, rows, -1) for layer, mass in attention.sink_mass.items()},
        predicts=predicts,
        rows=(),
        columns=(),
        value_norms={},  # they weigh the weights of tokens, before these are summed
        projections={},  # they are those of tokens
    )


def _words(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens grouped by word."""
    numbered = ((index, token) for index, token in enumerate(tokens))
    alone = groupby(numbered, key=lambda one: (one[1].word, -1) if _in_word(one[1]) else (None, one[0]))
    words: list[list[Token]] = []
    spaces: list[Token] = []
    for word in ([token for _, token in group] for _, group in alone):
        if _is_space(word[0]):
            spaces += word
            continue
        if not _owns_spaces(word[0], spaces):
            _add_spaces(words, spaces)
            spaces = []
        words.append([*spaces, *word])
        spaces = []
    _add_spaces(words, spaces)
    return words


def _add_spaces(words: list[list[Token]], spaces: list[Token]) -> None:
    """Add `spaces` that no word follows to the last of `words`, or as groups of one if they do not belong to it."""
    if words and _owns_spaces(words[-1][-1], spaces):
        words[-1] += spaces
    else:
        words += [[space] for space in spaces]


def _owns_spaces(token: Token, spaces: Sequence[Token]) -> bool:
    """Whether `token` is in a word, to which `spaces` next to it then belong."""
    return _in_word(token) and all(space.segment == token.segment for space in spaces)


def _in_word(token: Token) -> bool:
    return token.word is not None and not token.special


def _is_space(token: Token) -> bool:
    """Whether the label of `token` is only spaces, as `attnviz.labels` writes them, or parts of one space."""
    return not token.special and _SPACES.fullmatch(token.text) is not None


def _joined(word: Sequence[Token], source: str) -> Token:
    written = [token for token in word if not _is_space(token)] or word
    spans = [token.span for token in written if token.span]
    if len(spans) < len(written):  # one of them is not in the text
        return replace(written[0], text="".join(token.text for token in written), span=None)
    start, end = min(start for start, _ in spans), max(end for _, end in spans)
    return replace(written[0], text=visible(source[start:end]), span=(start, end))


def _sum(values: np.ndarray, words: Sequence[Sequence[Token]], axis: int) -> np.ndarray:
    """`values` with the entries of each word added up along `axis`."""
    starts = np.cumsum([0, *map(len, words[:-1])])
    return np.asarray(np.add.reduceat(values, starts, axis=axis))


def _mean(values: np.ndarray, words: Sequence[Sequence[Token]], axis: int) -> np.ndarray:
    """`values` with the entries of each word averaged along `axis`."""
    counts = np.array([len(word) for word in words], values.dtype)
    return np.asarray(_sum(values, words, axis) / np.expand_dims(counts, tuple(range(axis + 1, 0))))
