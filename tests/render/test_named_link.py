"""A link named by two words: its rows, its columns, and both directions where there are two."""

import numpy as np
import pytest
from handmade_traces import attention, decoder_only, encoder_decoder

import attnviz
from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.pooling import reduce_attention
from attnviz.render.named_link import named_links
from attnviz.retrace import NotKeptError


def test_both_directions_of_an_encoder_are_ranked() -> None:
    there, back = named_links(encoder_decoder(), "ate", "apple")
    assert (there.kind, there.query, there.key, there.rows, there.columns) == ("self", "ate", "apple", (1,), (3,))
    assert (there.heads[0].name, there.heads[0].weight) == ("L1H1", pytest.approx(0.96))
    assert (back.query, back.key, back.rows, back.columns) == ("apple", "ate", (3,), (1,))
    assert back.heads[0].weight == pytest.approx(0.8)


def test_in_cross_attention_a_row_is_named_by_what_it_writes() -> None:
    (link,) = named_links(encoder_decoder(), "먹었다", "ate")
    assert (link.kind, link.query, link.key, link.rows, link.columns) == ("cross", "사과를 → 먹었다", "ate", (2,), (1,))


def test_a_link_from_a_word_to_itself_is_ranked_once() -> None:
    (link,) = named_links(encoder_decoder(), "ate", "ate")
    assert (link.rows, link.columns) == ((1,), (1,))


def test_a_masked_link_is_reported() -> None:
    there, back = named_links(decoder_only(), "cat", "sat")
    assert there.is_hidden
    assert not back.is_hidden
    assert back.heads[0].weight == pytest.approx(1 / 3)


def test_a_row_can_be_named_by_what_it_writes() -> None:
    there = named_links(decoder_only(), "→sat", "The")[0]
    assert there.rows == (1,)
    assert there.heads[0].weight == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("query", "key", "message"),
    [
        ("dog", "apple", "no row of self-attention is called 'dog'\nThere are: 0 I, 1 ate, 2 an, 3 apple."),
        ("ate", "dog", "no column of self-attention is called 'dog'\nThere are: 0 I, "),
        ("aet", "apple", "no row of self-attention is called 'aet'\nDid you mean ate? There are: 0 I, "),
        ("ate#2", "apple", "is called 'ate#2'\nOnly one row is called 'ate'. There are: 0 I, "),
        ("ate", "Apple#4", "is called 'Apple#4'\nOnly one column is called 'Apple'. There are: 0 I, "),
    ],
)
def test_the_error_for_an_unknown_word_lists_the_known_ones(query, key, message) -> None:
    with pytest.raises(SelectionError) as error:
        named_links(encoder_decoder(), query, key)
    assert message in str(error.value)


def test_a_repeated_word_has_to_be_named_with_its_place() -> None:
    twice = Trace("by hand", "a b a", (attention([np.full((3, 3), 1 / 3)], ["a", "b", "a"]),))
    with pytest.raises(SelectionError, match="2 rows of self-attention are called 'a'\nName one: a#1, a#2"):
        named_links(twice, "a", "b")
    assert named_links(twice, "a#2", "b")[0].rows == (2,)


def test_a_word_that_was_pooled_asks_for_its_row_and_all_columns() -> None:
    whole = encoder_decoder()["self"]
    pooled = reduce_attention(whole, [(0, 1), (1, 4)], [(0, 1), (1, 4)])
    with pytest.raises(NotKeptError) as error:
        named_links(Trace("by hand", "I ate an apple", (pooled,)), "ate", "apple")
    assert error.value.added == "--rows 1 --columns 0-3"


def test_the_head_that_links_it_to_cat_is_found(minilm_folder) -> None:
    trace = attnviz.trace("The cat sat on the mat because it was tired.", minilm_folder)
    links = {link.name: link for link in named_links(trace, "it", "cat")[0].heads}
    a = trace["self"]
    words = [token.text for token in a.keys]
    row, column = words.index("it"), words.index("cat")
    for layer in a.layers:
        for head in a.heads(layer):
            matrix, link = a.matrix(layer, head), links[f"L{layer}H{head}"]
            assert link.weight == pytest.approx(matrix[row, column], abs=1e-6)
            assert link.rank == 1 + sum(matrix[row] > matrix[row, column])
            assert link.others == pytest.approx(np.delete(matrix[:, column], row).mean(), abs=1e-6)
    assert [*links][:2] == ["L5H11", "L3H1"]
    # The one looks at "cat" from everywhere, the other from "it".
    assert links["L5H11"].others > 0.6 > 0.2 > links["L3H1"].others
