"""Content words, the strongest link, and the head that is shown where the user names none."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, decoder_only, encoder_decoder, labelled

from attnviz.analysis import choose_head, content_pairs, content_peak, content_words, find_strongest_link
from attnviz.analysis.fixed_key import key_share
from attnviz.analysis.head_choice import choose_common_head
from attnviz.analysis.head_scores import score_heads
from attnviz.attention import Token, Trace
from attnviz.errors import SelectionError
from attnviz.measured_roles import MeasuredRole, to_provenance
from attnviz.selection import Selection

ATE = ["I", "ate", "an", "apple"]


def trace(*heads: object, texts: list[str] = ATE) -> Trace:
    return Trace("by hand", " ".join(texts), (attention(heads, texts),))


def looks(pairs: dict[tuple[int, int], float], n: int = 4) -> np.ndarray:
    """A matrix with these weights; what is left of each row goes to key 0, which is no content word."""
    matrix = np.zeros((n, n))
    for pair, weight in pairs.items():
        matrix[pair] = weight
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


def test_a_repeated_word_is_the_same_word() -> None:
    assert not content_pairs(attention([np.eye(2)], ["Apple", "apple"])).any()
    assert content_pairs(attention([np.eye(2)], ["Apple", "apple"], kind="cross")).all()


def test_the_strongest_link_is_between_two_content_words() -> None:
    one = attention([looks({(1, 3): 0.6, (3, 1): 0.5, (2, 3): 0.9})], ATE)
    found = find_strongest_link(one, 0, 0)
    assert found is not None
    assert (found.row, found.column, found.weight) == (1, 3, pytest.approx(0.6))
    assert find_strongest_link(attention([np.eye(2)], ["I", "an"]), 0, 0) is None


def test_in_cross_attention_the_row_is_the_word_written() -> None:
    cross = encoder_decoder()["cross"]
    pairs = content_pairs(cross)
    assert pairs.tolist() == [[False] * 4, [False, True, False, True], [False, True, False, True], [False] * 4]


def test_the_content_peak_is_the_mean_of_the_largest_weights_that_are_on_another_content_word() -> None:
    one = attention([looks({(1, 3): 0.6, (3, 1): 0.4}), looks({(1, 3): 0.6, (3, 1): 0.8})], ATE)
    assert content_peak(one, 0) == pytest.approx([0.6 / 2, 1.4 / 2])  # "apple" looks at "I" most in the first: .6


def test_a_row_that_looks_most_at_a_special_token_does_not_count() -> None:
    tokens = (Token(0, "[CLS]", special=True), Token(1, "Tom"), Token(2, "ate"), Token(3, "apple"))
    parked = np.array([[1, 0, 0, 0], [0.6, 0, 0.4, 0], [0.6, 0.4, 0, 0], [0.6, 0, 0.4, 0]], np.float32)
    modest = np.array([[1, 0, 0, 0], [0.3, 0.3, 0.4, 0], [0.3, 0.35, 0, 0.35], [0.6, 0, 0.4, 0]], np.float32)
    one = replace(attention([parked, modest]), queries=tokens, keys=tokens)
    assert content_peak(one, 0) == pytest.approx([0, (0.4 + 0.35) / 3])
    assert choose_head(Trace("by hand", "Tom ate apple", (one,))).head == 1


def test_the_head_with_the_largest_mean_is_chosen_and_the_number_is_shown() -> None:
    choice = choose_head(trace(looks({(1, 3): 0.4}), looks({(1, 3): 0.9, (3, 1): 0.52}), looks({(1, 3): 0.9})))
    assert (choice.kind, choice.layer, choice.head) == ("self", 0, 1)
    assert choice.value == pytest.approx(0.71)
    assert "L0H1" in choice.reason
    assert "0.71" in choice.reason
    assert choose_head(encoder_decoder()).reason.startswith("L1H1 of self-attention")


def test_heads_of_one_fixed_offset_are_left_out() -> None:
    texts = ["cat", "dog", "owl", "fox"]
    following = np.roll(np.eye(4), 1, 1)  # every word looks at the next one: offset 1 in 3 of 4 rows
    modest = np.array([[0, 0, 0.6, 0.4], [0.6, 0, 0, 0.4], [0.5, 0, 0.3, 0.2], [0.4, 0.3, 0.3, 0]])
    assert choose_head(trace(following, modest, texts=texts)).head == 1
    alone = choose_head(trace(following, texts=texts))
    assert alone.head == 0
    assert "of 1 head, all" in alone.reason
    assert (alone.heads, alone.left_out, alone.is_sure) == (1, 1, False)
    assert alone.reason.endswith("Not sure: no head stands out")


def test_weight_on_the_first_key_of_a_decoder_does_not_count() -> None:
    texts = ["cats", "dogs", "owls", "hens"]
    parked = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0.9, 0.1, 0, 0]])
    links = np.array([[1, 0, 0, 0], [0.6, 0.4, 0, 0], [0.2, 0.7, 0.1, 0], [0.2, 0.5, 0.1, 0.2]])
    decoder = choose_head(Trace("m", "t", (attention([parked, links], texts, "masked-self"),)))
    assert (decoder.head, decoder.without_first, decoder.is_sure) == (1, True, True)
    assert decoder.value == pytest.approx((0.7 + 0.5) / 2)  # of "owls" and "hens": "dogs" sees no other word
    # without preference, "owls" looks most at "dogs" once in 3 times, and "hens" at one of two words twice in 4 times
    assert decoder.baseline == pytest.approx((1 / 3 * 1 / 3 + 2 / 4 * 1 / 4) / 2)
    assert "0.60, the first key left out, where a head without preference has 0.12" in decoder.reason
    encoder = choose_head(trace(parked, links, texts=texts))
    assert (encoder.head, encoder.without_first) == (0, False)
    assert "first key" not in encoder.reason


def test_heads_of_one_fixed_key_are_left_out_in_a_text_of_enough_rows() -> None:
    texts = [f"w{chr(97 + i)}" for i in range(24)]
    sink, links = np.zeros((2, 24, 24))
    sink[:, 5] = 1
    links[range(24), np.random.default_rng(0).permutation(24)] = 0.4
    chosen = choose_head(trace(sink, links, texts=texts))
    assert (chosen.head, chosen.left_out) == (1, 1)
    assert "1 left out that look mostly a fixed number of tokens away or at one key" in chosen.reason
    assert choose_head(trace(sink[:7, :7], links[:7, :7], texts=texts[:7])).head == 0
    one = attention([sink, links], texts)
    assert key_share(one, 0) == pytest.approx([1, 1 / 24])


def test_the_first_key_of_a_decoder_is_no_fixed_key() -> None:
    causal = attention([[[1, 0, 0], [0.2, 0.8, 0], [0.1, 0.8, 0.1]]], kind="masked-self")
    assert key_share(causal, 0) == pytest.approx([2 / 3])
    assert key_share(attention([[[1, 0], [1, 0]]], kind="masked-self"), 0) == pytest.approx([0])


def test_in_a_text_of_two_words_the_link_to_the_first_key_counts() -> None:
    two = choose_head(Trace("m", "t", (attention([[[1, 0], [0.7, 0.3]]], ["cats", "sleep"], "masked-self"),)))
    assert (two.value, two.without_first) == (pytest.approx(0.7), False)


def test_the_choice_is_not_sure_where_no_head_stands_out() -> None:
    equal = choose_head(trace(np.full((4, 4), 0.25), texts=["cat", "dog", "owl", "fox"]))
    assert equal.baseline == pytest.approx(3 / 4 * 1 / 4)  # it looks most at another word 3 times in 4
    assert equal.value <= 0.25
    assert equal.reason.endswith("Not sure: no head stands out")
    assert "Not sure" not in choose_head(encoder_decoder()).reason


@pytest.mark.parametrize("cells", [4, 7, 10, 12, 20])
@pytest.mark.parametrize("kind", ["self", "masked-self"])
def test_pooling_does_not_change_the_choice_or_its_numbers(cells: int, kind: str) -> None:
    random = np.random.default_rng(cells)
    words = [f"word{chr(97 + index)}" if index % 3 else "the" for index in range(26)]
    heads = random.dirichlet(np.full(26, 0.1), (6, 26))
    heads[0] = 0.9 * np.roll(np.eye(26), -1, 1) + 0.1 / 26  # the token before, which is left out
    heads = np.tril(heads) if kind == "masked-self" else heads
    whole = Trace("m", "t", (attention(heads / heads.sum(-1, keepdims=True), words, kind),))
    pooled = Selection(cells=cells).reduce(whole)
    assert pooled[kind].is_pooled
    assert choose_head(pooled) == choose_head(whole)
    assert choose_head(whole).left_out == 1
    again = Selection(cells=3).reduce(pooled)
    assert choose_head(again) == choose_head(whole)


def test_a_trace_that_has_only_cells_leaves_the_choice_unsure() -> None:
    """Files before format 4 do not say where each query looks most."""
    whole = encoder_decoder()
    pooled = Selection(cells=2).reduce(whole)
    old = replace(pooled, attentions=tuple(replace(a, peak_keys={}, peak_weights={}) for a in pooled.attentions))
    assert choose_head(pooled).is_sure
    assert choose_head(old).summary.split(": ")[1].startswith("not sure, this trace has only cells")
    assert choose_head(old).reason.endswith("Not sure: this trace has only cells")


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("cells", [None, 12, 10])
def test_a_head_of_one_fixed_offset_is_left_out_even_if_pooled(offset: int, cells: int | None) -> None:
    words = [f"word{chr(97 + index)}" for index in range(30)]
    fixed = 0.9 * np.roll(np.eye(30), offset, 1) + 0.1 / 30
    looks = np.full((30, 30), 0.6 / 29)
    looks[np.arange(30), (np.arange(30) * 7 + 11) % 30] = 0.4  # no fixed offset, no fixed key
    choice = choose_head(
        Selection(cells=cells).reduce(Trace("m", "t", (attention([fixed, looks / looks.sum(-1)], words),)))
    )
    assert (choice.head, choice.left_out, choice.is_exact) == (1, 1, True)


def test_a_neighbouring_cell_does_not_count_as_another_content_word() -> None:
    exact = attention([np.full((6, 6), 1 / 6)], "bcdefg")
    pooled = Selection(cells=4).reduce(Trace("m", "t", (exact,)))["self"]  # [0] [1 2] [3 4] [5]
    assert content_pairs(pooled).tolist() == [[abs(row - column) > 1 for column in range(4)] for row in range(4)]
    assert content_pairs(exact).sum() == 30


def test_a_text_without_content_words_is_judged_by_other_links() -> None:
    assert choose_head(trace([[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.9], [0.9, 0.1]], texts=["I", "an"])).head == 1
    assert choose_head(labelled(["I"])).head == 0


def test_a_head_is_chosen_from_the_kind_that_was_named() -> None:
    trace = encoder_decoder()
    assert choose_head(trace, "cross").kind == "cross"
    assert choose_head(decoder_only()).kind == "masked-self"
    assert choose_head(replace(trace, attentions=trace.attentions[::-1])).kind == "self"
    with pytest.raises(SelectionError, match="no cross-attention"):
        choose_head(decoder_only(), "cross")


def test_a_function_word_is_recognised_where_tokens_are_parts_of_characters():
    pieces = [
        Token(1, "그녀₁", (0, 2), 0),
        Token(2, "녀₂는", (1, 3), 0),
        Token(3, "사과₁", (4, 6), 1),
        Token(4, "과₂를", (5, 7), 1),
    ]
    assert content_words(pieces) == (None, None, "사과를", "사과를")
    assert content_words([Token(1, "H₂", (0, 2), 0), Token(2, "O", (2, 3), 0)]) == ("h₂o", "h₂o")


def test_the_head_of_the_first_measured_role_is_chosen_whatever_the_text() -> None:
    role = MeasuredRole("verb → object", "self", "L0H1", 0.93, 0.59, texts=1000, pairs=599, language="English")
    absent = MeasuredRole("verb → object", "self", "L7H7", 0.99, 0.59, texts=1000, pairs=599)
    heads = looks({(1, 3): 0.9, (3, 1): 0.9}), looks({(2, 1): 0.9})
    one = trace(*heads)
    assert choose_head(one).head == 0
    told = replace(one, provenance=to_provenance([absent, role]))
    choice = choose_head(told)
    assert (choice.head, choice.value, choice.baseline, choice.is_sure) == (1, 0.93, 0.59, True)
    assert choice.summary == "L0H1: verb → object, 93%, best fixed offset 59% (--why)"
    assert "measured on other texts, not on this one" in choice.reason
    assert choose_common_head([score_heads(one), score_heads(told)]).head == 1
    damaged = replace(one, provenance={"measured roles": '[{"role": 3}]'})
    assert choose_head(damaged).head == 0
