"""Which tokens belong to content words, the words that a reader would point at."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs, is_one_sequence
from attnviz.analysis.offset import separate_cells
from attnviz.attention import Attention, CellFlags, Range, Token

_ENGLISH = """
i me my mine myself you your yours yourself he him his himself she her hers herself it its itself we us our ours they
them their theirs this that these those who whom whose which what there here
a an the some any no not never
am is are was were be been being do does did done have has had will would shall should can could may might must
i'm you're he's she's it's we're they're that's don't doesn't didn't isn't aren't wasn't weren't can't won't
of in on at by to from for with without into onto over under about after before between through during as than
and or but nor so if because when while then too also very just
"""
_KOREAN = """
나 나는 난 내 내가 나를 나에게 저 저는 제 제가 저를 너 너는 넌 네 네가 너를 당신 당신은 당신이 당신을
그 그는 그가 그를 그녀 그녀는 그녀가 그녀를 우리 우리는 우리가 우리를 그들 그들은 그들이 그들을
이것 이것은 그것 그것은 저것
이 가 은 는 을 를 에 에서 에게 와 과 로 으로 도 의 만 그리고 그러나 하지만 또는 그래서 아주 매우 안 못
"""
_PART_NUMBER = re.compile("[₀-₉]+")
FUNCTION_WORDS = frozenset((_ENGLISH + _KOREAN).split())
"""Pronouns, articles, auxiliaries, prepositions, particles, conjunctions: words whose links say little to a reader."""


def content_words(tokens: Sequence[Token]) -> tuple[str | None, ...]:
    """For each token, the content word that it is part of, in lower case, or None.

    A content word has a letter, is not special, and is not a function word. Tokens with the same `Token.word` are
    judged together, as the word that they form; a token without a word number is judged alone.
    """
    return _content_words(tuple(tokens))


@lru_cache(maxsize=16)  # the measures of every layer ask for the same words
def _content_words(tokens: tuple[Token, ...]) -> tuple[str | None, ...]:
    parts: dict[int, list[Token]] = {}
    for token in tokens:
        if token.word is not None and not token.special:
            parts.setdefault(token.word, []).append(token)
    whole = {word: _content(_spelled(pieces)) for word, pieces in parts.items()}
    return tuple(
        None if token.special else _content(token.text) if token.word is None else whole[token.word] for token in tokens
    )


def _spelled(tokens: Sequence[Token]) -> str:
    """The word that `tokens` form. A character that several tokens share, shown as `녀₁ 녀₂`, appears in it once."""
    letters: dict[int, str] = {}
    for token in tokens:
        shown = _PART_NUMBER.sub("", token.text) if token.span else token.text
        start, stop = token.span or (0, 0)
        if len(shown) != stop - start:  # the label does not show one letter for each character
            return "".join(token.text.strip() for token in tokens)
        letters |= zip(range(start, stop), shown, strict=True)
    return "".join(letters[index] for index in sorted(letters))


def _content(word: str) -> str | None:
    word = word.strip().casefold().replace("’", "'")
    while word and not word[0].isalnum():
        word = word[1:]
    while word and not word[-1].isalnum():
        word = word[:-1]
    return word if any(map(str.isalpha, word)) and word not in FUNCTION_WORDS else None


def words_of_rows(attention: Attention) -> tuple[str | None, ...]:
    """The content word of each row: of the token read, or in cross-attention of the token written.

    A row of cross-attention aligns with the token that it writes. Where that token is not known, as in the last row,
    there is no word.
    """
    if attention.kind != "cross" or attention.predicts is None:
        return content_words(attention.queries)
    written = [token for token in attention.predicts if token is not None]
    words = iter(content_words(written))
    return tuple(None if token is None else next(words) for token in attention.predicts)


def content_pairs(attention: Attention) -> CellFlags:
    """Bool `[row, column]`: true where query and key are different content words and the query may look at the key.

    A repeated word is the same word. In cross-attention, words of the two sequences always differ. A cell of several
    tokens counts as a content word if one of its tokens is one. Two such cells differ only if they neither overlap nor
    touch; otherwise the largest weight may be from a word to itself or to its neighbour.
    """
    numbers: dict[str | None, int] = {None: 0}
    rows = _word_numbers(words_of_rows(attention), attention.rows, numbers)
    columns = _word_numbers(content_words(attention.keys), attention.columns, numbers)
    pairs: CellFlags = allowed_pairs(attention) & (rows != 0)[:, None] & (columns != 0)
    if not is_one_sequence(attention):
        return pairs
    pairs &= separate_cells(attention) & ((rows[:, None] != columns) | (rows[:, None] == _SEVERAL))
    return pairs


_SEVERAL = -1


def _word_numbers(words: Sequence[str | None], cells: Sequence[Range], numbers: dict[str | None, int]) -> np.ndarray:
    """The word number of each cell: 0 without a content word, `_SEVERAL` for a cell of several tokens with one."""
    single = np.array([numbers.setdefault(word, len(numbers)) for word in words], int)
    return np.array(
        [single[start] if stop - start == 1 else _SEVERAL * bool(single[start:stop].any()) for start, stop in cells],
        int,
    )
