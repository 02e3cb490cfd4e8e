"""What is drawn: labels, the scale, and weights without the sink or the special tokens, worked out by hand."""

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, decoder_only, encoder_decoder, tokens
from matplotlib.patches import Patch
from matplotlib.text import Text
from rich.cells import cell_len
from rich.console import Console

from attnviz.attention import Attention, Trace, single_ranges
from attnviz.errors import PlotOptionError, SelectionError
from attnviz.pooling import reduce_attention
from attnviz.render import on_screen
from attnviz.render.exclusion import exclude, removed_labels
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure
from attnviz.render.plan import plot_scene
from attnviz.render.scene import LONG, Scene, scene, top_of
from attnviz.selection import Selection

WEIGHTS = [[0.5, 0.2, 0.2, 0.1], [0.7, 0.1, 0.2, 0.0], [0.5, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]]
BERT = attention([WEIGHTS], ["[CLS]", "a", "b", "[SEP]"], special=["[CLS]", "[SEP]"])


def bert(a: Attention = BERT, **texts: str) -> Scene:
    return Scene(a, ((0, 0),), **texts)


def test_show_is_the_scene_itself() -> None:
    one = bert()
    assert exclude(one) is one
    assert one.removed_mass is None
    assert removed_labels(one) == []
    assert not one.blank_note


def test_special_hide_leaves_out_rows_and_columns_of_special_tokens() -> None:
    shown = exclude(bert(caption="L0H0"), special="hide")
    assert (shown.rows, shown.columns) == (("a", "b"), ("a", "b"))
    np.testing.assert_allclose(shown.matrices, [[[0.1, 0.2], [0, 0]]])
    np.testing.assert_allclose(shown.removed_mass, [[0.7, 1.0]])
    np.testing.assert_array_equal(shown.emptied, [[False, True]])
    assert removed_labels(shown) == ["−.70", "all"]
    np.testing.assert_array_equal(shown.reachable, [[True, True], [False, False]])
    assert shown.top == 0.2
    assert shown.caption == "L0H0\nspecial tokens hidden · mean mass taken 0.85 · 1 of 2 rows lose everything"


def test_special_renorm_divides_rows_by_what_is_left() -> None:
    shown = exclude(bert(), special="renorm")
    np.testing.assert_allclose(shown.matrices, [[[1 / 3, 2 / 3], [0, 0]]], rtol=1e-6)
    np.testing.assert_allclose(shown.removed_mass, [[0.7, 1.0]])
    assert shown.top == 0.7


def test_sink_mask_keeps_the_column_and_the_scale_ignores_it() -> None:
    shown = exclude(bert(), sink="mask")
    assert shown.columns == ("[CLS]", "a", "b", "[SEP]")
    assert shown.masked == (0,)
    np.testing.assert_allclose(shown.matrices[0], [[0, 0.2, 0.2, 0.1], [0, 0.1, 0.2, 0], [0, 0, 0, 0.5], [0, 0, 0, 0]])
    assert not shown.reachable[:, 0].any()
    assert shown.reachable[:, 1:].all()
    assert shown.top == 0.5
    assert removed_labels(shown) == ["−.50", "−.70", "−.50", "·"]
    assert shown.blank_note == "empty: taken out"
    assert shown.caption == "first key masked · mean mass taken 0.42"


def test_sink_renorm_leaves_a_row_of_zeros_as_it_is() -> None:
    shown = exclude(bert(), sink="renorm")
    np.testing.assert_allclose(shown.matrices[0].sum(-1), [1, 1, 1, 0], rtol=1e-6)
    np.testing.assert_allclose(shown.matrices[0, 0], [0, 0.4, 0.4, 0.2], rtol=1e-6)
    assert not shown.emptied.any()


def test_both_at_once_take_the_first_key_once() -> None:
    shown = exclude(bert(), sink="mask", special="hide")
    np.testing.assert_allclose(shown.removed_mass, [[0.7, 1.0]])
    assert shown.masked == ()
    plain = attention([WEIGHTS], ["a", "b", "c", "[SEP]"], special=["[SEP]"])
    shown = exclude(bert(plain), sink="mask", special="renorm")
    assert shown.columns == ("a", "b", "c")
    assert shown.masked == (0,)
    np.testing.assert_allclose(shown.removed_mass, [[0.6, 0.7, 1.0]])
    np.testing.assert_allclose(shown.matrices[0], [[0, 0.5, 0.5], [0, 1 / 3, 2 / 3], [0, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize(("left", "lost"), [(1e-3, False), (2e-6, False), (9e-7, True), (0.0, True)])
def test_a_row_loses_everything_within_a_millionth(left: float, lost: bool) -> None:
    shown = exclude(bert(attention([[[1 - left, left], [0.5, 0.5]]])), sink="renorm")
    assert shown.emptied[0, 0] == lost
    assert shown.matrices[0, 0].tolist() == ([0, 0] if lost else pytest.approx([0, 1], rel=1e-3))
    assert removed_labels(shown) == ["all" if lost else "−1.0", "−.50"]
    assert np.isfinite(shown.matrices).all()


def test_each_head_loses_its_own_mass() -> None:
    a = attention([[[1, 0], [1, 0]], [[0.2, 0.8], [1, 0]]])
    shown = exclude(Scene(a, ((0, 1), (0, 0))), sink="renorm")
    np.testing.assert_allclose(shown.removed_mass, [[0.2, 1], [1, 1]])
    np.testing.assert_array_equal(shown.emptied, [[False, True], [True, True]])
    np.testing.assert_array_equal(shown.matrices, [[[0, 1], [0, 0]], [[0, 0], [0, 0]]])
    np.testing.assert_array_equal(shown.reachable, [[False, True], [False, False]])
    assert removed_labels(shown, 1) == ["all", "all"]


def test_a_causal_row_that_sees_only_the_sink_loses_everything() -> None:
    shown = exclude(scene(decoder_only(), "masked-self", ((0, 0),)), sink="renorm")
    np.testing.assert_allclose(shown.matrices[0], [[0, 0, 0], [0, 1, 0], [0, 0.5, 0.5]], rtol=1e-6)
    assert removed_labels(shown) == ["all", "−.50", "−.33"]
    np.testing.assert_array_equal(shown.reachable, [[0, 0, 0], [0, 1, 0], [0, 1, 1]])
    assert shown.blank_note == "empty: may not look there, or taken out"


def test_a_special_query_stays_where_it_writes_an_ordinary_token() -> None:
    trace = encoder_decoder()
    cross = exclude(scene(trace, "cross", ((0, 0),)), special="hide")
    assert cross.rows[0] == "<s> → 나는"  # the row that writes the first word
    assert len(cross.rows) == 4
    causal = exclude(scene(trace, "masked-self", ((0, 0),)), special="hide")
    assert causal.columns == ("나는", "사과를", "먹었다")
    assert removed_labels(causal)[0] == "all"
    assert causal.rows[0] == "<s> → 나는"
    causal_encoder = replace(trace["masked-self"], predicts=None)
    assert exclude(Scene(causal_encoder, ((0, 0),)), special="hide").rows == ("나는", "사과를", "먹었다")


def test_cross_attention_loses_the_special_tokens_of_its_source() -> None:
    queries, keys = tokens(["<s>", "je"]), tokens(["I", "</s>"], ["</s>"])
    weights = {2: np.array([[[0.25, 0.75], [0.5, 0.5]]], np.float32)}
    a = Attention("cross", "decoder", queries, keys, weights, {2: (5,)}, {}, (queries[1], None))
    shown = exclude(Scene(a, ((2, 5),)), special="renorm")
    assert shown.columns == ("I",)
    np.testing.assert_allclose(shown.removed_mass, [[0.75, 0.5]])
    np.testing.assert_array_equal(shown.matrices, [[[1], [1]]])
    assert exclude(Scene(a, ((2, 5),)), sink="mask").masked == (0,)


def test_the_mass_of_a_learned_sink_is_not_restored() -> None:
    a = replace(attention([[[0.2, 0.3], [0.1, 0.1]]]), sink_mass={0: np.array([[0.5, 0.8]], np.float32)})
    shown = exclude(bert(a), sink="mask")
    np.testing.assert_allclose(shown.removed_mass, [[0.2, 0.1]])
    np.testing.assert_allclose(exclude(bert(a), sink="renorm").matrices[0], [[0, 1], [0, 1]], rtol=1e-6)


def test_rows_of_a_cut_matrix_are_divided_by_what_is_left_of_whole_rows() -> None:
    part = reduce_attention(BERT, [(0, 1), (1, 2)], [(0, 1), (2, 3)])  # the keys [CLS] and b
    shown = exclude(bert(part), sink="renorm")
    np.testing.assert_allclose(shown.removed_mass, [[0.5, 0.7]])
    np.testing.assert_allclose(shown.matrices[0, :, 1], [0.2 / 0.5, 0.2 / 0.3], rtol=1e-6)
    hidden = exclude(bert(part), special="hide")
    assert (hidden.rows, hidden.columns) == (("a",), ("b",))
    np.testing.assert_allclose(hidden.removed_mass, [[0.7]])
    with pytest.raises(SelectionError, match="column 3 of this trace was not kept") as refused:
        exclude(bert(part), special="renorm")
    assert "hide" in refused.value.hint


def test_pooled_columns_cannot_be_removed_and_pooled_rows_cannot_be_divided() -> None:
    one = bert(reduce_attention(BERT, single_ranges(4), [(0, 2), (2, 4)]))
    for options in ({"sink": "mask"}, {"sink": "renorm"}, {"special": "hide"}, {"special": "renorm"}):
        with pytest.raises(SelectionError, match="keys 0–1 share a cell"):
            exclude(one, **options)
    rows = bert(reduce_attention(BERT, [(0, 1), (1, 3), (3, 4)], single_ranges(4)))
    for options in ({"sink": "renorm"}, {"special": "renorm"}):
        with pytest.raises(SelectionError, match="rows of several queries cannot be divided") as caught:
            exclude(rows, **options)
        assert "--sink mask" in caught.value.hint
    ordinary = bert(reduce_attention(attention([WEIGHTS]), [(0, 2), (2, 4)], [(0, 2), (2, 4)]))
    assert exclude(ordinary, special="hide") is ordinary  # it has no special tokens


def test_the_sink_is_masked_in_rows_of_several_queries() -> None:
    whole = decoder_only(["a", "b", "c", "d", "e"])["masked-self"]
    pooled = Scene(reduce_attention(whole, [(0, 1), (1, 3), (3, 5)], [(0, 1), (1, 3), (3, 5)]), ((0, 0),))
    shown = exclude(pooled, sink="mask")
    np.testing.assert_allclose(shown.matrices[0], [[0, 0, 0], [0, 1 / 2, 0], [0, 1 / 4, 1 / 4]])
    np.testing.assert_allclose(shown.removed_mass, [[1, 1 / 2, 1 / 4]])  # the largest of each cell
    assert shown.emptied.tolist() == [[True, False, False]]
    assert "largest weight taken from a cell, on average 0.58" in shown.caption


def test_the_scale_of_a_long_decoder_text_leaves_out_the_first_key() -> None:
    for n, long in ((LONG, False), (LONG + 1, True)):
        sink = np.tril(np.full((n, n), 0.3 / n))
        sink[:, 0] = 0.9
        sink[5, 3] = 0.2
        decoder, encoder = (Scene(attention([sink], [""] * n, kind), ((0, 0),)) for kind in ("masked-self", "self"))
        assert decoder.top == (0.2 if long else 0.9)
        assert decoder.scale_note == (
            "the scale leaves out the first key, whose largest weight is 0.90" if long else ""
        )
        assert (encoder.top, encoder.scale_note) == (0.9, "")
    assert exclude(decoder, sink="mask").scale_note == ""


def test_a_scene_without_rows_or_columns_is_refused() -> None:
    with pytest.raises(SelectionError, match="nothing is left"):
        exclude(bert(attention([[[1]]], ["</s>"], special=["</s>"])), special="hide")
    with pytest.raises(PlotOptionError, match="special cannot be 'drop'") as refused:
        PlotOptions(special="drop")
    assert refused.value.hint == "Special: show, hide, renorm."
    with pytest.raises(SelectionError, match=r"\[CLS\] is a special token"):
        exclude(replace(bert(), queries=(0,)), special="hide")


def test_the_queries_of_a_scene_stay_the_same_rows() -> None:
    assert exclude(replace(bert(), queries=(2,)), special="hide").queries == (1,)


def test_exclusion_does_not_change_the_trace() -> None:
    before = BERT.weights(0).copy()
    exclude(bert(), "renorm", "renorm")
    np.testing.assert_array_equal(BERT.weights(0), before)


def test_labels_name_the_tokens_of_rows_and_columns() -> None:
    trace = encoder_decoder()
    assert scene(trace, "self", ((0, 0),)).rows == ("I", "ate", "an", "apple")
    assert scene(trace, "cross", ((0, 0),)).rows == ("<s> → 나는", "나는 → 사과를", "사과를 → 먹었다", "먹었다 → </s>")
    assert scene(decoder_only(), "masked-self", ((0, 0),)).rows == ("The → cat", "cat → sat", "sat")
    pooled = Scene(reduce_attention(BERT, [(0, 2), (2, 4)], [(0, 3), (3, 4)]), ((0, 0),))
    assert (pooled.rows, pooled.columns) == (("0–1", "2–3"), ("0–2", "[SEP]"))


def test_a_generated_token_has_another_arrow_and_the_caption_explains_it() -> None:
    def of(generated: Sequence[bool], **options: str) -> Scene:
        (whole,) = decoder_only(("The", "cat", "sat")).attentions
        marked = tuple(replace(t, generated=g) for t, g in zip(whole.queries, generated, strict=True))
        trace = Trace("by hand", "The cat sat", (replace(whole, queries=marked, predicts=(*marked[1:], None)),))
        return plot_scene(trace, Selection(), PlotOptions(**options))[0]

    mixed = of((False, False, True))
    assert mixed.rows == ("The → cat", "cat ⇒ sat", "sat")
    assert mixed.caption.split("\n")[1] == "rows: token read → token written, ⇒ token generated"
    assert of((False, True, True)).caption.split("\n")[1] == "rows: token read ⇒ token generated"
    assert of((False, False, False)).caption.split("\n")[1] == "rows: token read → token written"
    assert "starts at the token that the row reads" in of((False, True, True), style="arcs").caption
    assert "rows:" not in of((False, True, True), style="text").caption  # its one row is named in words
    assert "rows:" not in plot_scene(encoder_decoder(), Selection())[0].caption  # an encoder's rows write nothing
    pooled = Scene(reduce_attention(mixed.attention, [(0, 2), (2, 3)], [(0, 3)]), ((0, 0),))
    assert (pooled.rows, pooled.arrows_note) == (("0–1", "sat"), "")


@pytest.mark.parametrize(
    ("largest", "top"), [(0.0, 1.0), (0.04, 0.04), (0.041, 0.045), (0.51, 0.55), (0.96, 1.0), (1.0, 1.0)]
)
def test_the_scale_ends_at_a_number_that_is_easy_to_read(largest: float, top: float) -> None:
    assert top_of(largest) == top


def printed(one: Scene, width: int) -> str:
    file = io.StringIO()
    Console(file=file, width=width, no_color=True, legacy_windows=False, _environ={}).print(on_screen(one))
    return file.getvalue()


def test_the_terminal_prints_what_each_row_lost() -> None:
    page = printed(exclude(bert(title="a b", caption="L0H0"), sink="mask", special="hide"), 80)
    assert page == (
        "a b\n"
        "query (from) ↓   key (to) →\n"
        "                  a     b   taken\n"
        "             a   .10   .20   −.70\n"
        "             b                all\n"
        "\n"
        "0  ·░░▒▒▓▓██ 0.2  attention weight  empty: taken out\n"
        "L0H0\n"
        "special tokens hidden · mean mass taken 0.85 · 1 of 2 rows lose everything\n"
    )
    for width in range(20, 80):
        assert all(cell_len(line) <= width for line in printed(exclude(bert(), sink="mask"), width).splitlines())


def test_the_picture_says_what_each_row_lost_and_hatches_the_mask() -> None:
    shown = exclude(bert(), sink="mask")
    drawn = figure([shown])
    texts = [text.get_text() for text in drawn.findobj(Text)]
    assert [text for text in texts if text.startswith("−")] == ["−.50", "−.70", "−.50"]
    assert "taken" in texts
    assert sum(bool(patch.get_hatch()) for patch in drawn.findobj(Patch)) == 1
    plain = figure([bert()])
    assert "taken" not in [text.get_text() for text in plain.findobj(Text)]
    assert not any(patch.get_hatch() for patch in plain.findobj(Patch))


@pytest.mark.parametrize("style", ["heatmap", "lines", "arcs", "text"])
@pytest.mark.parametrize("heads", [((0, 0),), ((0, 0), (0, 1))])
def test_every_style_draws_a_scene_with_exclusions(style: str, heads: tuple[tuple[int, int], ...]) -> None:
    a = attention([WEIGHTS, np.eye(4)], ["[CLS]", "a", "b", "[SEP]"], special=["[CLS]", "[SEP]"])
    for options in ({"sink": "mask"}, {"special": "hide"}, {"sink": "renorm", "special": "renorm"}):
        assert figure([exclude(Scene(a, heads), **options)], PlotOptions(style=style))


def test_where_rows_are_numbered_only_those_of_an_answer_say_what_they_write() -> None:
    one = decoder_only(["a", "b", "c", "d", "e"])["masked-self"]
    rows = ((0, 1), (1, 3), (3, 4), (4, 5))
    wrote = (*one.predicts[:3], replace(one.predicts[3], generated=True), None)
    long = replace(one, rows=rows, by_layer={0: one.by_layer[0][:, :4]}, predicts=wrote)
    assert Scene(long, ((0, 0),)).rows == ("a", "1–2", "d ⇒ e", "e")
    assert Scene(long, ((0, 0),)).arrows_note == "rows: token read ⇒ token generated"
    assert Scene(replace(long, predicts=one.predicts), ((0, 0),)).arrows_note == ""


def bright_at(at: int, n: int = 150, heads: int = 1) -> Scene:
    """A head whose attention is even, but for one column of a long text; other heads are even throughout."""
    first, even = np.full((n, n), 0.5 / (n - 1)), np.full((n, n), 1 / n)
    first[:, at] = 0.5
    words = [f"word{i}" for i in range(n)]
    return Scene(attention([first, *[even] * (heads - 1)], words), tuple((0, head) for head in range(heads)))


def test_columns_that_get_much_more_than_their_share_stand_out() -> None:
    assert bert().prominent == (0,)  # 1.7 of a weight of 3 in 4 columns; the next gets 0.6
    assert bright_at(77).prominent == (77,)
    assert bright_at(77, heads=3).prominent == (77,)
    assert Scene(attention([np.full((9, 9), 1 / 9)], list("abcdefghi")), ((0, 0),)).prominent == ()
    only = np.zeros((40, 40))
    only[range(40), [at % 10 * 4 for at in range(40)]] = 1.0
    assert Scene(attention([only], [str(i) for i in range(40)]), ((0, 0),)).prominent == tuple(range(0, 32, 4))


@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("at", [0, 43, 77, 149])
def test_the_most_prominent_column_of_a_long_text_has_a_label(heads: int, at: int) -> None:
    page = figure([bright_at(at, heads=heads)])
    labels = {text.get_text() for text in page.findobj(Text)}
    assert labels & {f"word{at}", f"{at} word{at}"}
    for width in (60, 100, 200):
        console = Console(width=width, color_system=None, file=io.StringIO(), force_terminal=False)
        console.print(on_screen(bright_at(at), PlotOptions()))
        header = next(line for line in console.file.getvalue().split("\n") if line.split() and line.split()[0] == "0")
        block = next(block for block in (1, 2, 3) if str(at // block * block) in header.split())
        assert block == 1 or width < 200
