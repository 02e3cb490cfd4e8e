"""Which keys a query may look at."""

import numpy as np

from attnviz.attention import Attention, CellFlags


def allowed_pairs(attention: Attention) -> CellFlags:
    """Bool `[row, column]`: true where a query of the row may look at a key of the column.

    In masked self-attention a query sees itself and what came before; elsewhere it sees every key. A sliding window,
    which some models use to narrow this further, is not known here.
    """
    if attention.kind != "masked-self":
        return np.ones((len(attention.rows), len(attention.columns)), bool)
    last = np.array([stop - 1 for _, stop in attention.rows], int)
    first = np.array([start for start, _ in attention.columns], int)
    return np.asarray(first <= last[:, None])


def without_first_key(attention: Attention) -> CellFlags:
    """Bool `[column]`: false for the first key in masked self-attention, where every query sees it.

    Many heads put their unused attention there (Xiao et al. 2023, Efficient Streaming Language Models with Attention
    Sinks; Gu et al. 2024, When Attention Sink Emerges). In the other kinds all are true.
    """
    return np.array([start > 0 or attention.kind != "masked-self" for start, _ in attention.columns], bool)


def is_one_sequence(attention: Attention) -> bool:
    """True where queries and keys are the same tokens, so that their positions can be compared."""
    return attention.kind != "cross"
