"""The retrieval score: how much of a sentence in the prompt a head copies into the answer."""

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Attention, HeadValues, Range


def copied_share(attention: Attention, layer: int, needle: Range) -> HeadValues:
    """Share of the needle's tokens that each head copies into the answer, `[head]`, from 0 to 1.

    A row copies a token if its largest weight is on that token, the token is in the needle, and the row writes that
    token (Wu et al. 2024, Retrieval Head Mechanistically Explains Long-Context Factuality, section 2: `|g_h ∩ k| /
    |k|`). A token that is copied twice counts once. `needle` is the range of its tokens; only rows that write generated
    tokens count. Raises SelectionError for a layer that was not captured.
    """
    rows, written = _answer(attention)
    keys = np.array([token.id for token in attention.keys])
    start, stop = needle
    tops = attention.weights(layer)[:, rows].argmax(-1)  # [head, row]
    copies = (start <= tops) & (tops < stop) & (keys[tops] == written)
    return np.array([len({*top[copied]}) for top, copied in zip(tops, copies, strict=True)]) / (stop - start)


def chance_of_copying(attention: Attention, needle: Range) -> float:
    """The expected share of a head whose largest weight is on a random key of those that each row may look at.

    `1/|k| Σ_j (1 − Π_i (1 − 1/n_i))`, over the tokens `j` of the needle, and over the rows `i` that write that token
    and see `n_i` keys.
    """
    rows, written = _answer(attention)
    missed = 1 - 1 / np.array([attention.rows[row][1] for row in rows])
    start, stop = needle
    copied = [1 - missed[written == token.id].prod() for token in attention.keys[start:stop]]
    return float(np.mean(copied))


def _answer(attention: Attention) -> tuple[list[int], NDArray[np.int64]]:
    """The rows that write generated tokens, and the ids of these tokens."""
    of_rows = [(attention.predicts or ())[start] for start, _ in attention.rows]
    found = {row: token.id for row, token in enumerate(of_rows) if token is not None and token.generated}
    return list(found), np.array([*found.values()])
