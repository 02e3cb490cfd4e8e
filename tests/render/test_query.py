"""Which row the text style shows, and running text."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, decoder_only, encoder_decoder, labelled, tokens

from attnviz.attention import Token, Trace
from attnviz.errors import SelectionError
from attnviz.pooling import reduce_attention
from attnviz.render.query import find_query, other_rows_note, query_label, query_rows, query_weights
from attnviz.render.scene import scene
from attnviz.render.text_layout import flow, follows_without_space, running


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
    assert find_query(pieces(), pieces()["self"], query) == rows


def test_the_error_for_an_unknown_query_lists_the_rows():
    with pytest.raises(SelectionError) as error:
        find_query(pieces(), pieces()["self"], "eat")
    assert error.value.message == "no row reads 'eat'"
    assert error.value.hint == "Rows: 0 un, 1 believ, 2 able, 3 3, 4 cats."
    with pytest.raises(SelectionError, match="no row reads '5'"):
        find_query(pieces(), pieces()["self"], "5")


def test_a_repeated_query_is_named_with_its_place_or_by_number():
    twice = labelled(["an", "apple", "an"])
    with pytest.raises(SelectionError, match="2 rows read 'an'") as error:
        find_query(twice, twice["self"], "an")
    assert error.value.hint == "Name one: an#1 (0 an), an#2 (2 an)."
    assert find_query(twice, twice["self"], "an#1") == (0,)
    assert find_query(twice, twice["self"], "an#2") == find_query(twice, twice["self"], "2") == (2,)
    with pytest.raises(SelectionError, match="no row reads 'an#3'"):
        find_query(twice, twice["self"], "an#3")
    written = labelled(["an#2", "an", "an"])
    assert find_query(written, written["self"], "an#2") == (0,)  # a token of that name comes first


# Row i of the decoder reads <s> 나는 사과를 먹었다 and writes 나는 사과를 먹었다 </s>.
@pytest.mark.parametrize(
    ("kind", "query", "row"),
    [
        ("masked-self", "사과를", 2),
        ("cross", "사과를", 1),
        ("masked-self", "→사과를", 1),
        ("cross", "사과를→", 2),
        ("cross", "사과를 -> ", 2),
        ("masked-self", "=>사과를", 1),
        ("masked-self", "나는 → 사과를", 1),
        ("cross", "나는⇒사과를", 1),
        ("cross", "</s>", 3),
        ("masked-self", "<s>", 0),
        ("cross", "0", 0),
        ("masked-self", "3", 3),
    ],
)
def test_a_decoders_row_is_named_by_what_it_reads_and_in_cross_attention_by_what_it_writes(kind, query, row):
    trace = encoder_decoder()
    assert find_query(trace, trace[kind], query) == (row,)


def test_capital_letters_make_a_difference_only_where_both_are_there():
    trace = labelled(["The", "cat", "saw", "the", "Dog"])
    assert find_query(trace, trace["self"], "the") == (3,)
    assert find_query(trace, trace["self"], "The") == (0,)
    assert find_query(trace, trace["self"], "dog") == find_query(trace, trace["self"], "DOG") == (4,)


def test_the_error_for_a_pooled_or_missing_row_says_that_it_exists():
    whole = labelled(["The", "cat", "saw", "the", "dog"])
    for rows in ([(0, 1), (1, 3), (3, 5)], [(0, 1)]):
        a = reduce_attention(whole["self"], rows, whole["self"].columns)
        for query in ("saw", "2"):
            with pytest.raises(
                SelectionError, match=f"the row that reads '{query}' shares a cell with others"
            ) as error:
                find_query(whole, a, query)
            hint = "attnviz trace TEXT -m 'by hand' --rows 2 --columns 0-4 -o exact.safetensors"
            assert error.value.hint == f"Trace the text again: {hint}"
        assert find_query(whole, a, "The") == (0,)


def test_of_several_rows_of_one_name_the_kept_one_is_shown_with_a_note():
    whole = labelled(["an", "apple", "an", "an", "oak"])
    a = reduce_attention(whole["self"], [(0, 1), (1, 2), (2, 4), (4, 5)], whole["self"].columns)
    assert find_query(whole, a, "an") == (0,)
    assert other_rows_note(whole, a, "an") == "1 of 3 rows that read 'an' has its own cell: this one"
    assert other_rows_note(whole, a, "apple") == other_rows_note(whole, whole["self"], "an") == ""
    a = reduce_attention(whole["self"], [(0, 1), (1, 3), (3, 4), (4, 5)], whole["self"].columns)
    with pytest.raises(SelectionError, match="2 rows read 'an'") as error:
        find_query(whole, a, "an")
    assert error.value.hint == "Name one: an#1 (0 an), an#3 (3 an)."
    assert find_query(whole, a, "an#3") == (2,)


def test_the_row_that_is_shown_is_one_of_a_single_token():
    weights = np.array([[0.1, 0, 0.9, 0], [0, 0.1, 0.9, 0], [0.4, 0.3, 0.3, 0], [0.8, 0, 0, 0.2]])
    whole = Trace("m", "t", (attention([weights], ["oak", "elm", "ash", "fir"]),))
    assert query_rows(scene(whole, "self", ((0, 0),))) == (0,)
    pooled = replace(
        whole, attentions=(reduce_attention(whole["self"], [(0, 2), (2, 3), (3, 4)], whole["self"].columns),)
    )
    assert query_rows(scene(pooled, "self", ((0, 0),))) == (2,)


def test_a_row_of_a_decoder_without_an_encoder_is_found_too():
    trace = decoder_only(("The", "capital", "is", "Paris"))
    assert find_query(trace, trace["masked-self"], "is") == find_query(trace, trace["masked-self"], "→Paris") == (2,)
    assert find_query(trace, trace["masked-self"], "Paris") == (3,)


def test_the_error_for_a_word_names_the_rows_that_read_or_write_it():
    trace = encoder_decoder()
    with pytest.raises(SelectionError, match="no row writes '<s>'") as error:
        find_query(trace, trace["cross"], "<s>")
    assert error.value.hint.startswith("One reads it: <s>→. Rows: 0 <s> → 나는, 1 나는 → 사과를, 2 ")
    with pytest.raises(SelectionError, match="no row reads '</s>'") as error:
        find_query(trace, trace["masked-self"], "</s>")
    assert error.value.hint.startswith("One writes it: →</s>. Rows: ")
    with pytest.raises(SelectionError, match="no row writes 'apple'") as error:
        find_query(trace, trace["cross"], "apple")  # a key, and not a query
    assert error.value.hint.startswith("Rows: ")
    with pytest.raises(SelectionError, match="no row reads '나는→먹었다'"):
        find_query(trace, trace["masked-self"], "나는→먹었다")


def test_a_word_of_several_tokens_is_written_by_several_rows():
    whole = pieces()
    (a,) = whole.attentions
    decoder = replace(whole, attentions=(replace(a, kind="cross", part="decoder", predicts=(*a.queries[1:], None)),))
    assert find_query(decoder, decoder["cross"], "believ") == (0,)
    assert find_query(decoder, decoder["cross"], "unbelievable→") == (0, 1, 2)
    start = replace(a.queries[0], text="<s>", span=None, word=None, special=True)
    written = replace(a, kind="cross", part="decoder", queries=(start, *a.queries[:-1]), predicts=a.queries)
    trace = replace(whole, attentions=(written,))
    assert find_query(trace, trace["cross"], "unbelievable") == (0, 1, 2)
    assert query_label(scene(trace, "cross", ((0, 0),)), (0, 1, 2)) == 'writes "unbelievable" · reads "<s> unbeliev"'


def test_the_label_of_a_query_says_what_is_read_written_or_generated():
    trace = encoder_decoder()
    assert query_label(scene(trace, "self", ((0, 0),)), (1,)) == "ate"
    assert query_label(scene(trace, "masked-self", ((0, 0),)), (1,)) == 'reads "나는" · writes "사과를"'
    assert query_label(scene(trace, "cross", ((0, 0),)), (1,)) == 'writes "사과를" · reads "나는"'
    (a,) = decoder_only().attentions
    marked = replace(a, predicts=(*(replace(token, generated=True) for token in a.queries[1:]), None))
    alone = scene(Trace("m", "The cat sat", (marked,)), "masked-self", ((0, 0),))
    assert query_label(alone, (1,)) == 'reads "cat" · generates "sat"'
    assert query_label(alone, (2,)) == 'reads "sat"'  # what comes next is not known


def test_the_tokens_of_a_word_are_averaged():
    trace = pieces()
    shown = scene(trace, "self", ((0, 0),))
    weights, reachable = query_weights(shown, 0, (0, 1, 2))
    np.testing.assert_allclose(weights, [0, 1 / 3, 1 / 3, 1 / 3, 0])
    assert reachable.all()
    assert query_label(shown, (0, 1, 2)) == "unbelievable"


def test_keys_that_no_token_of_the_query_may_look_at_are_not_reachable():
    shown = scene(decoder_only(), "masked-self", ((0, 0),))
    assert query_weights(shown, 0, (0, 1))[1].tolist() == [True, True, False]


def test_without_a_name_the_query_of_the_strongest_link_between_content_words_is_shown():
    trace = encoder_decoder()
    assert query_rows(scene(trace, "self", ((1, 1),))) == (1,)  # ate → apple, 0.96
    assert query_rows(replace(scene(trace, "self", ((1, 1),)), queries=(3,))) == (3,)


def test_without_content_words_the_largest_weight_to_another_token_decides():
    one = Trace("m", ". , !", (attention([[[0.9, 0.1, 0], [0.2, 0.1, 0.7], [0, 0, 1]]], [".", ",", "!"]),))
    assert query_rows(scene(one, "self", ((0, 0),))) == (1,)
    assert query_rows(scene(labelled(["a"]), "self", ((0, 0),))) == (0,)


def test_parts_of_a_word_stay_together_and_lines_are_broken_between_words():
    assert follows_without_space(pieces()["self"].queries) == [False, True, True, False, False]
    assert flow([2, 3, 2, 1, 4], [False, True, True, False, False], 10, 1) == [(0, 0), (0, 2), (0, 5), (0, 8), (1, 0)]


def test_a_word_longer_than_a_line_is_broken():
    assert flow([4, 4, 4], [False, True, True], 8, 1) == [(0, 0), (0, 4), (1, 0)]
    assert flow([12], [False], 8, 1) == [(0, 0)]


def test_tokens_in_one_line_are_the_text_that_they_cover():
    parts = [
        Token(1, "녀₁", (1, 2), 0),
        Token(2, "녀₂", (1, 2), 0),
        Token(3, "는", (2, 3), 0),
        Token(4, "a", (4, 5), 1),
    ]
    assert running(parts, "그녀는\na") == "녀는⏎a"
    assert running(pieces()["self"].queries) == running(pieces()["self"].queries, pieces().text) == pieces().text
    assert running(tokens(["[CLS]", "a"], ["[CLS]"]), "a") == "[CLS] a"


def test_tokens_that_are_not_in_the_text_are_separate_words():
    assert follows_without_space(tokens(["[CLS]", "a", "b"], ["[CLS]"])) == [False, False, False]


@pytest.mark.parametrize(
    ("kind", "query", "says", "hint"),
    [
        ("self", "ate#2", "no row reads 'ate#2'", "Only one row reads 'ate'. Rows: 0 I, 1 ate"),
        ("masked-self", "->사과를#2", "no row writes '->사과를#2'", "Only one row writes '->사과를'. Rows: "),
        ("masked-self", "→zebra", "no row writes '→zebra'", "Rows: "),
        ("cross", "나는->#3", "no row reads '나는->#3'", "Only one row reads '나는->'. Rows: "),
        ("cross", "->나는#3", "no row writes '->나는#3'", "Only one row writes '->나는'. Rows: "),
        ("cross", "zebra→", "no row reads 'zebra→'", "Rows: "),
        ("cross", "사과를#2", "no row writes '사과를#2'", "Only one row writes '사과를'. Rows: "),
    ],
)
def test_a_query_with_an_arrow_is_refused_by_the_side_that_it_names(kind, query, says, hint):
    trace = encoder_decoder()
    with pytest.raises(SelectionError) as error:
        find_query(trace, trace[kind], query)
    assert error.value.message == says
    assert error.value.hint.startswith(hint)
