"""How often a head looks at the other word of a pair, on matrices whose every number is known."""

import numpy as np
import pytest
from handmade_traces import attention

from attnviz.analysis.pair_score import Relation, UnitPairs, pair_score, scored_heads
from attnviz.analysis.word_units import unit_weights, units_of_tokens, units_of_words
from attnviz.attention import Token

ALONE = [(0,), (1,), (2,), (3,)]
LOOKS = [[0.5, 0.2, 0.3, 0.0], [0.1, 0.1, 0.4, 0.4], [0.1, 0.2, 0.6, 0.1], [0.0, 0.0, 0.7, 0.3]]
RELATION = Relation("self", "obj")


def test_a_pair_is_a_hit_if_the_other_word_gets_most_apart_from_the_word_itself():
    heads = attention([LOOKS, np.eye(4)])
    # 0 → 2: .3 beside .2, the .5 is its own; 1 → 2: .4, and 3 gets as much; 2 → 1: .2 beside .1; 3 → 2: .7
    score = pair_score(heads, UnitPairs(ALONE, ALONE, [(0, 2), (1, 2), (2, 1), (3, 2)]))
    assert (score.pairs, score.hits.tolist()) == (4, [3, 0])
    assert score.weights == pytest.approx([0.3 + 0.4 + 0.2 + 0.7, 0])
    # offsets +2, +1, −1, −1
    assert (score.offset, score.offset_rate) == (-1, 0.5)
    first, second = scored_heads(RELATION, score, [(0, 0), (0, 1)])
    assert (first.name, first.rate, first.weight, first.offset) == ("L0H0", 0.75, pytest.approx(0.4), -1)
    assert (second.name, second.rate) == ("L0H1", 0)


def test_uniform_attention_has_no_hits():
    assert pair_score(attention([np.full((4, 4), 0.25)]), UnitPairs(ALONE, ALONE, [(0, 1)])).hits.tolist() == [0]


def test_special_keys_are_left_out_even_if_they_get_more():
    heads = attention(
        [[[0.9, 0.0, 0.1], [0.8, 0.05, 0.15], [0.9, 0.1, 0.0]]], ["[CLS]", "ate", "apple"], special=["[CLS]"]
    )
    units = units_of_tokens(heads.keys)
    assert units == ((1,), (2,))
    assert pair_score(heads, UnitPairs(units, units, [(0, 1)])).hits.tolist() == [1]


def test_the_columns_of_a_word_are_summed_and_its_rows_are_averaged():
    heads = attention([LOOKS])
    # rows 0 and 1 averaged, columns 2 and 3 summed: (.3 + .0 + .4 + .4) / 2
    found = unit_weights(heads, 0, [(0, 1)], [(0,), (1,), (2, 3)])
    assert found == pytest.approx(np.array([[[0.3, 0.15, 0.55]]]))


def test_a_decoder_has_only_pairs_whose_second_word_comes_first():
    causal = attention([np.tri(4) / np.arange(1, 5)[:, None]], kind="masked-self")
    both = UnitPairs(ALONE, ALONE, [(0, 2), (2, 0), (3, 1)])
    assert both.visible(causal).pairs == [(2, 0), (3, 1)]
    assert both.visible(attention([LOOKS])).pairs == [(0, 2), (2, 0), (3, 1)]


def test_the_scores_of_parts_add_up_to_the_score_of_the_whole():
    heads, pairs = attention([LOOKS, LOOKS[::-1]]), [(0, 2), (1, 2), (2, 1), (3, 2), (0, 1)]
    whole = pair_score(heads, UnitPairs(ALONE, ALONE, pairs))
    for cut in range(1, len(pairs)):
        parts = [pair_score(heads, UnitPairs(ALONE, ALONE, part)) for part in (pairs[:cut], pairs[cut:])]
        for found in (parts[0] + parts[1], parts[1] + parts[0]):
            assert (found.pairs, found.offsets, found.hits.tolist()) == (
                whole.pairs,
                whole.offsets,
                whole.hits.tolist(),
            )
            assert found.weights == pytest.approx(whole.weights, abs=1e-12)


def test_the_shortest_of_equally_frequent_offsets_is_the_best():
    score = pair_score(attention([LOOKS]), UnitPairs(ALONE, ALONE, [(0, 2), (1, 3), (0, 1), (1, 2)]))
    assert (score.offset, score.offset_rate) == (1, 0.5)


def spanned(text: str, *pieces: str, special: str = "[CLS]") -> list[Token]:
    """A special token, and the pieces of `text`, in order, where they stand in it."""
    tokens, start = [Token(0, special, None, None, True)], 0
    for piece in pieces:
        start = text.index(piece, start)
        tokens.append(Token(1, piece, (start, start + len(piece)), 0))
        start += len(piece)
    return tokens


def test_units_are_found_by_the_characters_of_words():
    text = "un apple cake."
    units = units_of_words([(0, 2), (3, 8), (9, 13), (13, 14)], spanned(text, "un", "app", "le", "cake", "."), text)
    assert units.units == ((1,), (2, 3), (4,), (5,))
    assert units.of_word == (0, 1, 2, 3)


def test_words_that_share_a_token_are_one_unit_and_a_word_without_a_token_has_none():
    text = "doesn't eat."
    tokens = spanned(text, "doesn", "'", "t", "eat")  # "does" and "n't" are read as doesn, ', t; the stop is not read
    units = units_of_words([(0, 4), (4, 7), (8, 11), (11, 12)], tokens, text)
    assert units.units == ((1, 2, 3), (4,))
    assert units.of_word == (0, 0, 1, None)


def test_a_token_of_spaces_belongs_to_the_next_word_and_one_outside_words_is_its_own_unit():
    text = "a  b ☃"
    tokens = spanned(text, "a", "  ", "b", "☃")
    assert units_of_words([(0, 1), (3, 4)], tokens, text).units == ((1,), (2, 3), (4,))


def test_named_words_are_units_apart_from_the_rest_of_their_words():
    tokens = [Token(1, "red", (0, 3), 0), Token(1, "apple", (3, 8), 0), Token(1, "pie", (9, 12), 1)]
    assert units_of_tokens(tokens) == ((0, 1), (2,))
    assert units_of_tokens(tokens, (1,)) == ((0,), (1,), (2,))
    assert units_of_tokens(tokens, (1, 2)) == ((0,), (1, 2))
