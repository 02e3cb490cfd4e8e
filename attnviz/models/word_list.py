"""A text that comes as a list of its words, as data sets of tagged sentences have it: `["I", "ate", "an", "apple"]`.

The model reads them as any text, with a space between them; but what is one word, the list says. Given to tokenizers
one by one they would lose those spaces in many models (GPT-2, Llama 3, ByT5).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from attnviz.attention import Token
from attnviz.errors import InputError
from attnviz.prompt import TextOrWords, require_text


def joined(text: TextOrWords, what: str = "text") -> str:
    """`text`, which is called `what` in messages; of a list of words the text that they make, a space between two.

    Raises InputError for what is neither, for a list that is empty, and for one that has something else in it.
    """
    if isinstance(text, str):
        return text
    if not isinstance(text, list | tuple):
        require_text(text, what)  # which refuses it
    if not text:
        raise InputError(f"the {what} is an empty list", 'Its words: ["I", "ate", "an", "apple"].')
    for word in text:
        if not isinstance(word, str) or not word.strip():
            raise InputError(f"the {what} is a list with {word!r} in it, which is no word", "Give it strings.")
        if any(map(str.isspace, word)):
            raise InputError(
                f"the {what} is a list, and {word[:60]!r} in it is several words",
                "Give it single words. Many texts at once: attnviz.load(MODEL).trace_all(TEXTS).",
            )
    return " ".join(text)


def numbered(tokens: Sequence[Token], words: Sequence[str]) -> tuple[Token, ...]:
    """`tokens` of the text that `words` make, each with the number of its word; more words may follow in the text.

    A token that covers several is of the first, and the space between two of none.
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
