"""What the page is told of two traces: which tokens are the same, by the numbers of both."""

import numpy as np
from handmade_traces import attention, decoder_only

from attnviz.attention import Attention, Token, Trace
from attnviz.pooling import reduce_attention
from attnviz.render.page.command import Side
from attnviz.render.page.pair import pair_of


def of(*texts: str) -> Side:
    """A side whose one head looks everywhere alike."""
    n = len(texts)
    return Side(Trace("by hand", " ".join(texts), (a := attention([np.full((n, n), 1 / n)], texts),)), a)


def test_the_same_tokens_are_paired_in_order_and_the_others_are_named():
    found = pair_of(of("I", "ate", "an", "apple"), of("I", "ate", "a", "red", "apple"))["tokens"]
    assert found["rows"] == found["columns"] == [[0, 0], [1, 1], [3, 4]]
    assert found["labels"] == ["I", "ate", "apple"]
    assert found["alone"] == [["an"], ["a", "red"]]


def test_a_row_names_what_it_writes_only_where_both_write_it():
    a, b = (Side(trace, trace["masked-self"]) for trace in (decoder_only("abc"), decoder_only("abd")))
    assert pair_of(a, b)["tokens"]["labels"] == ["a → b", "b"]


def test_words_are_paired_by_their_first_tokens():
    spans, words = [(0, 2), (2, 7), (8, 12)], [0, 0, 1]
    read = tuple(
        Token(i, "unhappy cats"[x:y], (x, y), w) for i, ((x, y), w) in enumerate(zip(spans, words, strict=True))
    )
    weights = np.full((1, 3, 3), 1 / 3, np.float32)
    a = Attention("self", "encoder", read, read, {0: weights}, {0: (0,)})
    found = pair_of(Side(Trace("by hand", "unhappy cats", (a,)), a), of("so", "unhappy", "cats"))
    assert found["tokens"]["rows"] == [[2, 2]]
    assert found["words"]["rows"] == found["words"]["columns"] == [[0, 1], [2, 2]]
    assert pair_of(of("a"), of("a"))["words"] is None


def test_cells_of_several_tokens_are_not_paired():
    one = of("a", "b")
    pooled = reduce_attention(one.attention, [(0, 2)], [(0, 2)])
    assert pair_of(Side(one.trace, pooled), one)["tokens"] is None
