"""Whose row is shown, and running text."""

from dataclasses import replace

import numpy as np
import pytest
from traces import attention, decoder_only, encoder_decoder, labelled, tokens

from attnviz.attention import Token, Trace
from attnviz.errors import SelectionError
from attnviz.render.flow import flow, glued
from attnviz.render.query import asked, gaze, looking, query_label
from attnviz.render.scene import scene


def pieces() -> Trace:
    """`un‑believ‑able 3 cats`, the first word of three tokens; each looks at the next."""
    text = "unbelievable 3 cats"
    spans = [(0, 2), (2, 8), (8, 12), (13, 14), (15, 19)]
    named = [Token(i, text[a:b], (a, b), max(0, i - 2)) for i, (a, b) in enumerate(spans)]
    one = replace(attention([np.roll(np.eye(5), 1, 1)]), queries=tuple(named), keys=tuple(named))
    return Trace("by hand", text, (one,))


@pytest.mark.parametrize(
    ("query", "rows"),
    [("unbelievable", (0, 1, 2)), ("believ", (1,)), ("cats", (4,)), ("3", (3,)), ("2", (2,)), (" 0 ", (0,))],
)
def test_a_query_is_a_word_or_a_token_as_written_or_else_a_number(query, rows):
    assert asked(pieces(), pieces()["self"], query) == rows


def test_a_query_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(SelectionError) as error:
        asked(pieces(), pieces()["self"], "eat")
    assert error.value.message == "there is no query 'eat' among the tokens"
    assert error.value.hint == "Queries: 0 un, 1 believ, 2 able, 3 3, 4 cats."
    with pytest.raises(SelectionError, match="no query '5'"):
        asked(pieces(), pieces()["self"], "5")


def test_a_query_that_stands_there_twice_is_named_by_number():
    twice = labelled(["an", "apple", "an"])
    with pytest.raises(SelectionError, match="'an' stands there 2 times: name it by number, 0 or 2"):
        asked(twice, twice["self"], "an")
    assert asked(twice, twice["self"], "2") == (2,)


def test_in_cross_attention_the_query_is_in_the_decoder():
    trace = encoder_decoder()
    assert asked(trace, trace["cross"], "사과를") == (2,)
    with pytest.raises(SelectionError, match="among the decoder's tokens"):
        asked(trace, trace["cross"], "apple")


def test_the_tokens_of_a_word_are_averaged():
    trace = pieces()
    shown = scene(trace, "self", ((0, 0),))
    weights, reachable = gaze(shown, 0, (0, 1, 2))
    np.testing.assert_allclose(weights, [0, 1 / 3, 1 / 3, 1 / 3, 0])
    assert reachable.all()
    assert query_label(shown, (0, 1, 2)) == "unbelievable"


def test_what_none_of_the_tokens_may_look_at_is_not_reachable():
    shown = scene(decoder_only(), "masked-self", ((0, 0),))
    assert gaze(shown, 0, (0, 1))[1].tolist() == [True, True, False]


def test_without_a_name_the_query_of_the_strongest_link_between_content_words_is_shown():
    trace = encoder_decoder()
    assert looking(scene(trace, "self", ((1, 1),))) == (1,)  # ate → apple, 0.96
    assert looking(replace(scene(trace, "self", ((1, 1),)), queries=(3,))) == (3,)


def test_without_content_words_the_largest_weight_to_another_token_decides():
    one = Trace("m", ". , !", (attention([[[0.9, 0.1, 0], [0.2, 0.1, 0.7], [0, 0, 1]]], [".", ",", "!"]),))
    assert looking(scene(one, "self", ((0, 0),))) == (1,)
    assert looking(scene(labelled(["a"]), "self", ((0, 0),))) == (0,)


def test_parts_of_a_word_stay_together_and_lines_are_broken_between_words():
    assert glued(pieces()["self"].queries) == [False, True, True, False, False]
    assert flow([2, 3, 2, 1, 4], [False, True, True, False, False], 10, 1) == [(0, 0), (0, 2), (0, 5), (0, 8), (1, 0)]


def test_a_word_longer_than_a_line_is_broken():
    assert flow([4, 4, 4], [False, True, True], 8, 1) == [(0, 0), (0, 4), (1, 0)]
    assert flow([12], [False], 8, 1) == [(0, 0)]


def test_tokens_that_are_not_in_the_text_stand_alone():
    assert glued(tokens(["[CLS]", "a", "b"], ["[CLS]"])) == [False, False, False]
