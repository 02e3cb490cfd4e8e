"""Lines, arcs and running text in pictures: what is drawn, by artists and by decoded pixels, in every format."""

import io
from dataclasses import replace

import numpy as np
import pytest
from command_line import outputs_of_two_processes
from handmade_traces import HOSTILE, attention, decoder_only, encoder_decoder, labelled, tokens
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from attnviz.attention import Attention, Token, Trace
from attnviz.errors import PlotOptionError, SelectionError
from attnviz.render.links import FAINT
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure, picture
from attnviz.render.scale import THEMES
from attnviz.render.scene import Scene, scene
from attnviz.render.styles import MOST_TOKENS
from attnviz.selection import Selection

STYLES = ("lines", "arcs", "text")
LONG = [f"word{i}" for i in range(60)]


def one(trace: Trace, kind: str = "self", title: str = "a title", layer: int = 0, head: int = 0) -> Scene:
    return scene(trace, kind, ((layer, head),), title=title, caption="a caption")


def pair() -> Trace:
    """Two sentences of a model that reads pairs, with its special tokens."""
    texts = ["[CLS]", "Where", "?", "[SEP]", "Here", "$5", "[SEP]"]
    return Trace("by hand", "Where? Here $5", (attention([np.full((7, 7), 1 / 7)], texts, special=texts[::3]),))


def far(n: int = 60) -> Trace:
    rng = np.random.default_rng(0)
    return Trace("by hand", " ".join(LONG), (attention([rng.dirichlet(np.ones(n) / 8, n)], LONG[:n]),))


SCENES = {
    "usual": lambda: one(encoder_decoder(), layer=1, head=1),
    "korean": lambda: one(encoder_decoder(), "masked-self", "나는 사과를 먹었다"),
    "causal": lambda: one(decoder_only(), "masked-self"),
    "hostile": lambda: one(labelled(HOSTILE), title="$x$ \x1b[31m {}%"),
    "one token": lambda: one(labelled(["a"]), title=""),
    "60 tokens": lambda: one(far()),
    "pair": lambda: one(pair()),
    "several": lambda: scene(encoder_decoder(), "self", ((0, 0), (0, 1), (1, 0)), "three heads", "a caption"),
}


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("style", STYLES)
def test_no_text_leaves_the_page_or_touches_another(style, name):
    drawn = figure([SCENES[name]()], PlotOptions(style))
    FigureCanvasAgg(drawn).draw()
    boxes = [(text, text.get_window_extent()) for axes in drawn.axes for text in axes.texts]
    for text, box in boxes:
        assert drawn.bbox.x0 - 1 <= box.x0, text
        assert drawn.bbox.y0 - 1 <= box.y0, text
        assert box.x1 <= drawn.bbox.x1 + 1, text
        assert box.y1 <= drawn.bbox.y1 + 1, text
    for i, (text, box) in enumerate(boxes):
        for other, its in boxes[:i]:
            across = min(box.x1, its.x1) - max(box.x0, its.x0)
            down = min(box.y1, its.y1) - max(box.y0, its.y0)
            assert across < 2 or down < 3, (text, other)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("name", ["usual", "korean", "hostile", "one token", "several"])
@pytest.mark.parametrize("style", STYLES)
def test_every_format_draws_every_style_without_a_warning(style, name, suffix, caplog):
    data = picture(encoder_decoder(), [SCENES[name]()], suffix, PlotOptions(style))
    assert data.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])
    assert not caplog.records


def drawn_links(axes) -> dict[tuple[float, float], float]:
    """Where each link begins and ends, and its width; weakest first."""
    found = {}
    for collection in axes.collections:
        assert collection.get_edgecolor()[:, 3].tolist() == sorted(collection.get_edgecolor()[:, 3])
        for path, width in zip(collection.get_paths(), collection.get_linewidths(), strict=True):
            found[tuple(path.vertices[0]), tuple(path.vertices[-1])] = width
    return found


def test_a_line_leads_from_every_query_to_every_key_that_it_looks_at():
    axes = figure([SCENES["usual"]()], PlotOptions("lines")).axes[0]
    weights = encoder_decoder()["self"].matrix(1, 1)
    drawn = drawn_links(axes)
    assert set(drawn) == {((0.0, i), (1.0, j)) for i, j in np.argwhere(weights >= FAINT)}
    assert drawn[(0.0, 1), (1.0, 3)] == max(drawn.values())  # ate → apple, 0.96
    assert drawn[(0.0, 0), (1.0, 1)] < drawn[(0.0, 2), (1.0, 1)] < drawn[(0.0, 2), (1.0, 3)]
    texts = {(text.get_position(), text.get_ha()): text.get_text() for text in axes.texts}
    assert [texts[(0, i), "right"] for i in range(4)] == [texts[(1, i), "left"] for i in range(4)]
    assert texts[(0, 1), "right"] == "ate"
    assert {"query (from)", "key (to)"} <= set(texts.values())


def test_lines_of_cross_attention_lead_from_the_decoder_to_the_encoder():
    axes = figure([one(encoder_decoder(), "cross", layer=1)], PlotOptions("lines")).axes[0]
    sides = {
        ha: [t.get_text() for t in axes.texts if t.get_ha() == ha and "(" not in t.get_text()]
        for ha in ("right", "left")
    }
    assert sides["right"] == ["<s> → 나는", "나는 → 사과를", "사과를 → 먹었다", "먹었다 → </s>"]
    assert sides["left"] == ["I", "ate", "an", "apple"]


@pytest.mark.parametrize("style", ["lines", "arcs"])
def test_masked_links_are_not_drawn(style):
    axes = figure([SCENES["causal"]()], PlotOptions(style)).axes[0]
    assert len(drawn_links(axes)) == 6


def test_arcs_above_look_back_and_arcs_below_look_ahead():
    axes = figure([SCENES["usual"]()], PlotOptions("arcs")).axes[0]
    xs = {text.get_text(): text.get_position()[0] for text in axes.texts}
    assert list(xs) == ["I", "ate", "an", "apple"]
    ends = {}
    for collection in axes.collections:
        for path in collection.get_paths():
            start, handle, _, end = path.vertices
            ends[round(start[0], 6), round(end[0], 6)] = np.sign(handle[1])
    at = {name: round(x, 6) for name, x in xs.items()}
    assert ends[at["ate"], at["apple"]] == -1
    assert ends[at["apple"], at["ate"]] == 1
    weights = encoder_decoder()["self"].matrix(1, 1)
    assert len(ends) == sum(weights[i, j] >= FAINT for i, j in np.ndindex(4, 4) if i != j) + sum(
        np.diag(weights) >= FAINT
    )


def test_a_causal_model_has_no_arcs_below():
    axes = figure([SCENES["causal"]()], PlotOptions("arcs")).axes[0]
    assert [len(collection.get_paths()) for collection in axes.collections] == [6, 0]
    assert axes.get_ylim()[0] == pytest.approx(-axes.texts[0].get_fontsize() * 1.4 / 72 * 1.25 / 2)


def test_arcs_of_two_sequences_are_refused_with_what_works():
    with pytest.raises(SelectionError, match="Try style lines"):
        figure([one(encoder_decoder(), "cross")], PlotOptions("arcs"))


def test_text_is_shaded_by_the_row_of_the_query():
    from attnviz.render.scale import scale_of

    axes = figure([SCENES["usual"]()], PlotOptions("text")).axes[0]
    assert [text.get_text() for text in axes.texts] == ["query (from): ate", "I", "ate", "an", "apple"]
    scale = scale_of(PlotOptions("text"), [1.0]).for_backgrounds
    boxes = [patch for patch in axes.patches if patch.get_fill()]
    expected = scale.colours[scale.indices(encoder_decoder()["self"].matrix(1, 1)[1])] / 255
    np.testing.assert_allclose([p.get_facecolor()[:3] for p in boxes], expected)
    [outline] = [p for p in axes.patches if not p.get_fill()]
    assert outline.get_x() == boxes[1].get_x()


def test_the_query_of_text_is_that_of_the_scene_and_weights_are_written_below():
    shown = replace(SCENES["usual"](), queries=(2,))
    texts = [text.get_text() for text in figure([shown], PlotOptions("text", annotate=True)).axes[0].texts]
    assert texts == ["query (from): an", "I", "·", "ate", ".30", "an", ".10", "apple", ".60"]


def test_keys_that_the_query_may_not_see_are_unshaded():
    axes = figure([replace(SCENES["causal"](), queries=(1,))], PlotOptions("text")).axes[0]
    assert len([p for p in axes.patches if p.get_fill()]) == 2
    assert axes.texts[-1].get_color() == THEMES["light"].muted


def test_several_heads_are_drawn_under_their_names_with_one_legend():
    for style in STYLES:
        drawn = figure([SCENES["several"]()], PlotOptions(style))
        assert len(drawn.axes) == 4
        names = {text.get_text() for axes in drawn.axes for text in axes.texts}
        assert {"L0H0", "L0H1", "L1H0"} <= names


def test_hundreds_of_heads_are_refused():
    t = tokens(["a", "b"])
    weights = {layer: np.full((10, 2, 2), 0.5, np.float32) for layer in range(10)}
    many = Attention("self", "encoder", t, t, weights, dict.fromkeys(weights, tuple(range(10))))
    heads = tuple((layer, head) for layer in range(10) for head in range(10))
    with pytest.raises(SelectionError, match="100 heads"):
        figure([Scene(many, heads)], PlotOptions("lines"))


@pytest.mark.parametrize("style", STYLES)
def test_cells_of_several_tokens_are_refused(style):
    pooled = Selection.of(cells=10).apply(far())
    with pytest.raises(SelectionError, match=r"attnviz trace TEXT .*--rows last:\d0 --columns "):
        figure([one(pooled)], PlotOptions(style))


@pytest.mark.parametrize("style", STYLES)
def test_a_part_of_a_long_text_is_drawn_by_its_own_tokens(style):
    cut = Selection.of(rows=[50, 51, 52, 53], columns=[50, 51, 52, 53]).apply(far())
    texts = [text.get_text() for text in figure([one(cut)], PlotOptions(style)).axes[0].texts]
    assert {"word50", "word53"} <= set(texts)
    assert "word0" not in texts


def test_too_many_tokens_for_links_are_refused():
    n = MOST_TOKENS + 1
    with pytest.raises(SelectionError, match=str(n)):
        figure([one(labelled([f"t{i}" for i in range(n)]))], PlotOptions("lines"))


@pytest.mark.parametrize("style", ["heatmap", *STYLES])
def test_a_size_is_kept_to_the_pixel(style):
    for size, pixels in (("6", (600, None)), ("7x4", (700, 400))):
        page = Image.open(
            io.BytesIO(picture(encoder_decoder(), [SCENES["usual"]()], ".png", PlotOptions(style, size=size, dpi=100)))
        )
        assert page.width == pixels[0]
        assert pixels[1] in (None, page.height)


def test_a_grid_of_heatmaps_has_the_given_size_too():
    page = Image.open(
        io.BytesIO(picture(encoder_decoder(), [SCENES["several"]()], ".png", PlotOptions(size="5x3", dpi=100)))
    )
    assert page.size == (500, 300)


@pytest.mark.parametrize("style", ["heatmap", *STYLES])
def test_a_size_that_is_too_small_is_refused(style):
    with pytest.raises((PlotOptionError, SelectionError), match=r"inches|: size"):
        figure([one(labelled(["a" * 30] * 12))], PlotOptions(style, size="1.2x1"))


def test_a_picture_of_too_many_pixels_is_refused():
    with pytest.raises(PlotOptionError, match="too many pixels"):
        figure([SCENES["usual"]()], PlotOptions(size=90, dpi=2000))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("style", ["heatmap", *STYLES])
def test_a_page_has_the_background_of_its_theme(style, theme):
    for name in ("usual", "several"):
        data = picture(encoder_decoder(), [SCENES[name]()], ".png", PlotOptions(style, theme=theme))
        page = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
        paper = np.round(np.array(to_rgb(THEMES[theme].background)) * 255)
        assert (page[0] == paper).all()
        assert (page[:, 3] == paper).all()
        if theme == "print":
            assert np.ptp(page, axis=-1).max() <= 3


def test_the_options_are_in_the_metadata():
    shown = [SCENES["usual"]()]
    with Image.open(
        io.BytesIO(picture(encoder_decoder(), shown, ".png", PlotOptions("lines", vmax=0.5, theme="dark")))
    ) as page:
        about = page.text["Description"]
    assert "style: lines\nvmax: 0.5\ntheme: dark" in about
    assert "style: heatmap" in picture(encoder_decoder(), shown, ".svg").decode()
    assert "dpi" not in about


def test_another_process_makes_the_same_bytes():
    code = (
        "import hashlib, handmade_traces; from attnviz.render import render; from attnviz.render.scene import scene\n"
        "from attnviz.render.options import PlotOptions\n"
        "t = handmade_traces.encoder_decoder(); s = [scene(t, 'masked-self', ((1, 0), (1, 1)), 'title', 'caption')]\n"
        "print([hashlib.sha256(render(t, s, x, PlotOptions(y))).hexdigest() for x in ('.png', '.svg', '.pdf')"
        " for y in ('lines', 'arcs', 'text')])"
    )
    one, other = outputs_of_two_processes(code)
    assert one == other != ""


@pytest.mark.parametrize("style", ["lines", "arcs", "text"])
def test_a_scale_that_ends_below_the_largest_weight_is_drawn_logarithmically_too(style):
    assert picture(encoder_decoder(), [SCENES["usual"]()], ".png", PlotOptions(style, vmax=0.3, log=True))


@pytest.mark.parametrize("style", ["lines", "arcs", "text"])
def test_a_narrow_picture_keeps_the_whole_legend(style):
    for size in (2.5, 6):
        drawn = figure([SCENES["usual"]()], PlotOptions(style, size=size))
        FigureCanvasAgg(drawn).draw()
        texts = [text for axes in drawn.axes for text in axes.texts if text.get_text()]
        assert "attention weight" in " ".join(text.get_text() for text in texts)
        for text in texts:
            assert text.get_window_extent().x1 <= drawn.bbox.x1, text


def test_lines_of_a_given_width_are_as_steep_as_others():
    usual, wide = (figure([SCENES["usual"]()], PlotOptions("lines", size=size)).axes[0] for size in (None, "6"))
    shapes = [axes.get_window_extent().width / axes.get_window_extent().height for axes in (usual, wide)]
    assert shapes[1] <= 2.6
    assert shapes[1] <= 1.4 * shapes[0]


def test_the_names_of_the_sides_are_aligned_with_their_words():
    axes = figure([SCENES["usual"]()], PlotOptions("lines")).axes[0]
    places = {text.get_text(): (text.get_ha(), text.get_window_extent()) for text in axes.texts}
    left, right = (
        [text for text in axes.texts if text.get_text() in ("I", "apple") and text.get_ha() == ha]
        for ha in ("right", "left")
    )
    assert places["query (from)"][0] == "right"
    assert places["key (to)"][0] == "left"
    assert all(abs(text.get_window_extent().x1 - places["query (from)"][1].x1) < 1.5 for text in left)
    assert all(abs(text.get_window_extent().x0 - places["key (to)"][1].x0) < 1.5 for text in right)


@pytest.mark.parametrize("style", ["lines", "arcs"])
def test_many_heads_are_not_arranged_in_one_long_row(style):
    weights = np.full((12, 8, 8), 1 / 8, np.float32)
    trace = Trace("by hand", "a b c", (attention(weights),))
    page = figure([scene(trace, "self", tuple((0, head) for head in range(12)))], PlotOptions(style))
    wide, high = page.get_size_inches()
    assert 0.6 <= wide / high <= 2.0


def test_a_stronger_line_is_darker_on_white_and_lighter_on_black():
    for theme, sign in (("light", -1), ("print", -1), ("dark", 1)):
        axes = figure([SCENES["usual"]()], PlotOptions("lines", theme=theme)).axes[0]
        [collection] = axes.collections
        lightness = collection.get_edgecolor()[:, :3].mean(-1)
        assert sign * (lightness[-1] - lightness[0]) > 0.2


def frames(axes) -> list[tuple[float, str]]:
    """Where each frame begins, and its line."""
    return [(round(p.get_x(), 4), p.get_linestyle()) for p in axes.patches if not p.get_fill()]


def left_of(axes, text: str) -> float:
    """Where the background of `text` begins."""
    [at] = [t.get_position()[0] for t in axes.texts if t.get_text() == text]
    boxes = [p for p in axes.patches if p.get_x() < at < p.get_x() + p.get_width()]
    return round(boxes[-1].get_x(), 4)


def test_the_token_that_a_decoder_s_query_reads_is_framed_and_what_it_writes_dashed():
    axes = figure([replace(SCENES["causal"](), queries=(1,))], PlotOptions("text")).axes[0]
    drawn = dict(frames(axes))
    assert drawn.pop(left_of(axes, "cat")) == "solid"
    [(x, dashes)] = drawn.items()
    assert dashes not in ("solid", "-")
    assert x > left_of(axes, "cat")


def test_the_text_of_cross_attention_has_the_decoder_s_tokens_above_it_and_the_query_framed():
    axes = figure([replace(one(encoder_decoder(), "cross", layer=1), queries=(1,))], PlotOptions("text")).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts[1:] == ["<s>", "나는", "사과를", "먹었다", "</s>", "key (to)", "I", "ate", "an", "apple"]
    [read, written] = sorted(frames(axes))
    assert written[1] == "solid"
    assert read[1] != "solid"
    assert read[0] < written[0]


def test_text_keeps_its_lines_and_its_paragraphs():
    text = "I ate\n\nan apple"
    spans = [(0, 1), (2, 5), (7, 9), (10, 15)]
    words = tuple(Token(i, text[start:end], (start, end), i) for i, (start, end) in enumerate(spans))
    a = attention([np.full((4, 4), 0.25)])
    trace = Trace("by hand", text, (replace(a, queries=words, keys=words),))
    axes = figure([one(trace)], PlotOptions("text")).axes[0]
    ys = {t.get_text(): t.get_position()[1] for t in axes.texts}
    assert ys["I"] == ys["ate"] > ys["an"] == ys["apple"]
    step = figure([one(far())], PlotOptions("text")).axes[0]
    lines = sorted({t.get_position()[1] for t in step.texts[1:]}, reverse=True)
    assert ys["ate"] - ys["an"] == pytest.approx(2 * (lines[0] - lines[1]))


def test_a_long_text_does_not_make_a_narrow_page():
    many = labelled([f"word{i}" for i in range(1200)])
    wide, high = figure([one(many, title="long")], PlotOptions("text")).get_size_inches()
    assert high <= 1.6 * wide
