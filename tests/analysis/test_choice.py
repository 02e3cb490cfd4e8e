"""Content words, the strongest pair, and the head that is shown to someone who named none."""

from dataclasses import replace

import numpy as np
import pytest
from traces import attention, decoder_only, encoder_decoder, labelled

from attnviz.analysis import choose, content_pairs, content_peak, content_words, strongest
from attnviz.attention import Token, Trace
from attnviz.errors import SelectionError

ATE = ["I", "ate", "an", "apple"]


def trace(*heads: object, texts: list[str] = ATE) -> Trace:
    return Trace("by hand", " ".join(texts), (attention(heads, texts),))


def looks(pairs: dict[tuple[int, int], float], n: int = 4) -> np.ndarray:
    """A matrix with these weights; what is left of each row goes to key 0, which is no content word."""
    matrix = np.zeros((n, n))
    for at, weight in pairs.items():
        matrix[at] = weight
    matrix[:, 0] += 1 - matrix.sum(-1)
    return matrix


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("I", None),
        ("She", None),
        ("ate", "ate"),
        ("Apple,", "apple"),
        ("an", None),
        (".", None),
        ("20", None),
        ("그녀는", None),
        ("나는", None),
        ("사과를", "사과를"),
        ("먹고", "먹고"),
        ("don’t", None),
        ("3D", "3d"),
    ],
)
def test_content_words(text: str, content: str | None) -> None:
    assert content_words([Token(0, text)]) == (content,)


def test_pieces_of_a_word_are_judged_together() -> None:
    pieces = [
        Token(0, "under", word=0),
        Token(1, "stand", word=0),
        Token(2, "the", word=1),
        Token(3, "[SEP]", special=True),
    ]
    assert content_words(pieces) == ("understand", "understand", None, None)
    assert not content_pairs(attention([np.eye(2)])).diagonal().any()


def test_a_word_met_again_is_not_another() -> None:
    assert not content_pairs(attention([np.eye(2)], ["Apple", "apple"])).any()
    assert content_pairs(attention([np.eye(2)], ["Apple", "apple"], kind="cross")).all()


def test_strongest() -> None:
    one = attention([looks({(1, 3): 0.6, (3, 1): 0.5, (2, 3): 0.9})], ATE)
    found = strongest(one, 0, 0)
    assert found is not None
    assert (found.query, found.key, found.weight) == (1, 3, pytest.approx(0.6))
    assert strongest(attention([np.eye(2)], ["I", "an"]), 0, 0) is None


def test_in_cross_attention_the_row_is_the_word_written() -> None:
    cross = encoder_decoder()["cross"]
    pairs = content_pairs(cross)
    assert pairs.tolist() == [[False] * 4, [False, True, False, True], [False, True, False, True], [False] * 4]


def test_content_peak() -> None:
    one = attention([looks({(1, 3): 0.6, (3, 1): 0.4})], ATE)
    assert content_peak(one, 0) == pytest.approx([0.5])


def test_choose_takes_the_largest_mean_and_says_by_what_number() -> None:
    choice = choose(trace(looks({(1, 3): 0.4}), looks({(1, 3): 0.9, (3, 1): 0.5}), looks({(1, 3): 0.9})))
    assert (choice.kind, choice.layer, choice.head) == ("self", 0, 1)
    assert choice.value == pytest.approx(0.7)
    assert "L0H1" in choice.reason
    assert "0.70" in choice.reason
    assert choose(encoder_decoder()).reason.startswith("L1H1 of self-attention")


def test_heads_of_one_fixed_offset_are_left_out() -> None:
    texts = ["cat", "dog", "owl", "fox"]
    following = np.roll(np.eye(4), 1, 1)  # every word at the next: the offset 1 in 3 of 4 rows
    modest = np.array([[0, 0, 0.6, 0.4], [0.6, 0, 0, 0.4], [0.5, 0, 0.3, 0.2], [0.4, 0.3, 0.3, 0]])
    assert choose(trace(following, modest, texts=texts)).head == 1
    alone = choose(trace(following, texts=texts))
    assert alone.head == 0
    assert "of 1 heads, all" in alone.reason


def test_a_text_without_content_words_is_judged_by_other_links() -> None:
    assert choose(trace([[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.9], [0.9, 0.1]], texts=["I", "an"])).head == 1
    assert choose(labelled(["I"])).head == 0


def test_choose_by_kind() -> None:
    trace = encoder_decoder()
    assert choose(trace, "cross").kind == "cross"
    assert choose(decoder_only()).kind == "masked-self"
    assert choose(replace(trace, attentions=trace.attentions[::-1])).kind == "self"
    with pytest.raises(SelectionError, match="no cross-attention"):
        choose(decoder_only(), "cross")


def test_a_function_word_in_parts_of_characters_is_one_still():
    pieces = [
        Token(1, "그녀₁", (0, 2), 0),
        Token(2, "녀₂는", (1, 3), 0),
        Token(3, "사과₁", (4, 6), 1),
        Token(4, "과₂를", (5, 7), 1),
    ]
    assert content_words(pieces) == (None, None, "사과를", "사과를")
    assert content_words([Token(1, "H₂", (0, 2), 0), Token(2, "O", (2, 3), 0)]) == ("h₂o", "h₂o")
