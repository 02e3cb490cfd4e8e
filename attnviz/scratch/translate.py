"""A text in, its translation out: the tokenizer and the transformer together."""

from collections.abc import Sequence

import numpy as np

from attnviz.scratch import transformer
from attnviz.scratch.store import Checkpoint
from attnviz.scratch.tokenizer import END, ENGLISH, KOREAN, language


def other_language(text: str) -> int:
    """What a text is translated to: ENGLISH where it is Korean, else KOREAN."""
    return ENGLISH if language(text) == KOREAN else KOREAN


def translate(checkpoint: Checkpoint, ids: Sequence[int], start: int, limit: int) -> list[int]:
    """The ids of the translation of a sentence of words `ids` to the language `start`, its end included if it came.

    Writes at most `limit` words.
    """
    tokenizer, W, h = checkpoint.tokenizer, checkpoint.weights, checkpoint.config.h
    source = tokenizer.parts[np.array([ids])]  # [1, n, 2]
    first = np.array([[[start, 0]]])  # [1, 1, 2]
    real = np.ones(source.shape[:2], np.bool)
    written = transformer.greedy(source, real, first, END, limit, tokenizer.has, W, h, np)
    words = tokenizer.ids(written[0, 1:])
    return words[: words.index(END) + 1] if END in words else words


def translate_text(checkpoint: Checkpoint, text: str) -> str:
    """The translation of one sentence, spelled."""
    pieces, names = checkpoint.tokenizer.encode_named(text)
    written = translate(checkpoint, [piece.id for piece in pieces], other_language(text), 2 * len(pieces) + 8)
    return checkpoint.tokenizer.spell((id for id in written if id != END), names)[0]
