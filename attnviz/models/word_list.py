"""A text that is given as a list of its words, as in data sets of tagged sentences: `["I", "ate", "an", "apple"]`.

The model reads the words joined by spaces, like any text, but the list decides what one word is. Tokenizing each word
alone would lose these spaces in many models (GPT-2, Llama 3, ByT5).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from attnviz.attention import Token
from attnviz.errors import InputError
from attnviz.prompt import TextOrWords, require_text


def joined(text: TextOrWords, what: str = "text") -> str:
    """`text`, or the words of a list joined by spaces; `what` is its name in messages.

    Raises InputError if it is neither, for an empty list, and for a list with something that is not a single word.
    """
    if isinstance(text, str):
        return text
    if not isinstance(text, list | tuple):
        require_text(text, what)  # raises the error
    if not text:
        raise InputError(f"the {what} is an empty list", 'Its words: ["I", "ate", "an", "apple"].')
    for word in text:
        if not isinstance(word, str) or not word.strip():
            raise InputError(f"the {what} is a list with {word!r} in it, which is not a word", "Give it strings.")
        if any(map(str.isspace, word)):
            raise InputError(
                f"the {what} is a list, and {word[:60]!r} in it is several words",
                "Give it single words. Many texts at once: attnviz.load(MODEL).trace_all(TEXTS).",
            )
    return " ".join(text)


def numbered(tokens: Sequence[Token], words: Sequence[str]) -> tuple[Token, ...]:
    """`tokens` of the text of `words`, each with the number of its word; more text can follow the words.

    A token that covers several words belongs to the first, and a space between words to none.
    """
    starts = [0, *accumulate(len(word) + 1 for word in words)]

    def number(token: Token) -> int | None:
        if token.span is None or token.special:
            return None
        index = bisect_right(starts, token.span[0]) - 1
        if index == len(words):
            return token.word if token.word is None else token.word + index
        return index if token.span[0] < starts[index] + len(words[index]) else None

    return tuple(replace(token, word=number(token)) for token in tokens)
