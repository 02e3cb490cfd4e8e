"""`attnviz.plot`: heads in the caller's axes, with the caller's settings, which do not change."""

import copy
import dataclasses
import io
import itertools
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, labelled, with_value_norms
from matplotlib import style as sheets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

import attnviz
from attnviz.errors import FileError, InputError, PlotOptionError, SelectionError
from attnviz.selection import Selection

STYLES = ("heatmap", "lines", "arcs", "text")


@pytest.fixture(autouse=True)
def _no_warnings_and_no_settings_changed():
    before = copy.deepcopy(dict(matplotlib.rcParams))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert dict(matplotlib.rcParams) == before


def drawn(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("heads", [{}, {"layers": 1}, {"heads": 1}, {"layers": [0, 1], "heads": (0, 1)}])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_it_draws_into_the_axes_given_and_returns_them(layout, style, heads):
    figure = Figure(layout=layout)
    left, right = figure.subplots(1, 2)
    assert attnviz.plot(encoder_decoder(), kind="self", style=style, ax=right, **heads) is right
    pixels = drawn(figure)
    assert not left.has_data()
    assert not left.texts
    assert (pixels[:, pixels.shape[1] // 2 :, :3] < 250).any()


def test_it_draws_into_a_subfigure():
    figure = Figure(layout="constrained")
    _, right = figure.subfigures(1, 2)
    axes = attnviz.plot(encoder_decoder(), ax=right.subplots())
    drawn(figure)
    assert axes.figure is right
    assert len(right.axes) == 2  # with the colour bar


@pytest.mark.parametrize("suffix", ["pdf", "svg"])
def test_any_backend_can_save_it(suffix):
    figure = Figure()
    attnviz.plot(labelled(HOSTILE), ax=figure.add_subplot(), style="lines")
    file = io.BytesIO()
    figure.savefig(file, format=suffix)
    assert file.getbuffer().nbytes > 1000


def test_a_heatmap_has_the_weights_the_labels_and_the_names_of_the_axes():
    axes = attnviz.plot(encoder_decoder(), kind="cross", layers=1, heads=1, ax=Figure().add_subplot())
    np.testing.assert_array_equal(axes.images[0].get_array(), encoder_decoder()["cross"].matrix(1, 1))
    assert [t.get_text() for t in axes.get_xticklabels()] == ["I", "ate", "an", "apple"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("key (to)", "query (from)")
    assert axes.get_title() == "cross-attention · L1H1\nrows: token read → token written"
    assert [t.get_text() for t in axes.get_yticklabels()][:2] == ["<s> → 나는", "나는 → 사과를"]
    assert axes.figure.axes[1].get_ylabel() == "attention weight"
    assert axes.yaxis_inverted()


def test_without_a_name_the_head_is_that_of_the_command_line():
    from attnviz.analysis import choose_head

    choice = choose_head(encoder_decoder())
    axes = attnviz.plot(encoder_decoder(), ax=Figure().add_subplot())
    assert axes.get_title() == f"self-attention · L{choice.layer}H{choice.head}"


def test_several_heads_are_tiles_in_the_one_axes():
    figure = Figure()
    axes = attnviz.plot(encoder_decoder(), kind="self", ax=figure.add_subplot(), layers=[0, 1])
    weights = encoder_decoder()["self"]
    for tile, (layer, head) in zip(axes.images, np.ndindex(2, 2), strict=True):
        np.testing.assert_array_equal(tile.get_array(), weights.matrix(layer, head))
        assert tile.get_extent() == (5 * head - 0.5, 5 * head + 3.5, 5 * layer + 3.5, 5 * layer - 0.5)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["I", "ate", "an", "apple"] * 2
    assert [t.get_text() for t in axes.get_xticklabels()] == ["I", "ate", "an", "apple"] * 2
    assert set(words(axes)) == {"L0", "L1", "H0", "H1"}
    assert len(figure.axes) == 2


def test_masked_cells_of_tiles_are_empty():
    axes = attnviz.plot(encoder_decoder(), kind="masked-self", layers=0, ax=Figure().add_subplot())
    tile = axes.images[0].get_array()
    assert tile.mask.tolist() == np.triu(np.ones((4, 4), bool), 1).tolist()


@pytest.mark.parametrize("style", STYLES)
def test_settings_and_style_sheets_are_respected(style):
    with matplotlib.rc_context({"text.color": "#123456", "xtick.labelsize": 7, "font.family": "DejaVu Serif"}):
        axes = attnviz.plot(encoder_decoder(), kind="self", layers=1, heads=1, style=style, ax=Figure().add_subplot())
        tokens = [text for text in (*axes.texts, *axes.get_yticklabels()) if text.get_text() == "apple"]
        assert tokens
        assert {text.get_fontfamily()[0] for text in tokens} == {"DejaVu Serif"}
        assert {round(text.get_fontsize(), 2) for text in tokens} <= {7.0, 9.1}
        if style != "heatmap":
            assert "#123456" in {text.get_color() for text in axes.texts}
        assert axes.title.get_color() == "#123456"


def test_on_dark_axes_lines_are_light():
    with sheets.context("dark_background"):
        dark = attnviz.plot(encoder_decoder(), style="lines", ax=Figure().add_subplot()).collections[0]
    light = attnviz.plot(encoder_decoder(), style="lines", ax=Figure().add_subplot()).collections[0]
    assert dark.get_edgecolor()[-1, :3].mean() > 0.6 > 0.4 > light.get_edgecolor()[-1, :3].mean()


def test_a_theme_overrides_the_settings():
    axes = attnviz.plot(encoder_decoder(), style="text", theme="dark", ax=Figure().add_subplot())
    assert matplotlib.colors.to_hex(axes.get_facecolor()) == "#22242c"
    assert axes.title.get_color() == "#f2f2f2"


def test_labels_are_literal_even_where_settings_ask_for_tex():
    with matplotlib.rc_context({"text.usetex": True}):
        axes = attnviz.plot(labelled(["$x$", "a_b"]), style="lines", title="$y$", ax=Figure().add_subplot())
    assert {"$x$", "a_b"} <= set(words(axes))
    assert not any(text.get_usetex() or text.get_parse_math() for text in (*axes.texts, axes.title))


def test_plot_takes_the_options_of_the_command_line():
    axes = attnviz.plot(
        encoder_decoder(), kind="self", layers=1, heads=1, ax=Figure().add_subplot(),
        cmap="viridis", vmax=0.5, log=True, annotate=False, title="mine",
    )  # fmt: skip
    mesh = axes.images[0]
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0.001, 0.5)
    assert mesh.cmap(0.0)[:3] == pytest.approx(matplotlib.colormaps["viridis"](0.0)[:3], abs=0.01)
    assert not axes.texts
    assert axes.get_title() == "mine"
    text = attnviz.plot(
        encoder_decoder(), kind="self", layers=1, heads=1, style="text", ax=Figure().add_subplot(), query="an"
    )
    assert "query (from): an" in words(text)


def test_wrong_arguments_are_refused():
    ax = Figure().add_subplot()
    for options, message in (
        ({"size": 3}, "its own size"),
        ({"transparent": True}, "its own transparent"),
        ({"style": "bars"}, "bars"),
        ({"style": "text", "query": "eat"}, "no row reads 'eat'"),
        ({"kind": "masked-self"}, "no masked self-attention"),
        ({"layers": 9}, "no layer 9"),
    ):
        with pytest.raises((PlotOptionError, SelectionError), match=message):
            attnviz.plot(Selection.of(kinds="self").apply(encoder_decoder()), ax=ax, **options)
    with pytest.raises(TypeError, match="colour"):
        attnviz.plot(encoder_decoder(), ax=ax, colour=3)
    assert not ax.has_data()


@pytest.mark.parametrize("named", [str, Path])
def test_a_saved_trace_is_drawn_by_its_name_and_a_text_is_refused(named, tmp_path):
    saved = encoder_decoder().save(tmp_path / "saved.safetensors")
    axes = attnviz.plot(named(saved), kind="cross", layers=1, heads=1, ax=Figure().add_subplot())
    np.testing.assert_array_equal(axes.images[0].get_array(), encoder_decoder()["cross"].matrix(1, 1))
    with pytest.raises(FileError, match="no such file"):
        attnviz.plot(named("gone.safetensors"))
    with pytest.raises(InputError) as error:
        attnviz.plot("I ate an apple")
    assert error.value.hint == "Trace the text first: attnviz.plot(attnviz.trace('I ate an apple'))."
    with pytest.raises(InputError) as error:
        attnviz.plot(encoder_decoder(), "cross")
    assert error.value.hint == "The kind is a keyword: kind='cross'."


def test_without_axes_a_new_pyplot_figure_is_made():
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    try:
        with matplotlib.rc_context({"figure.figsize": (7, 3)}):
            first = attnviz.plot(decoder_only())
            second = attnviz.plot(decoder_only(), size=4, dpi=50)
        assert first.figure.get_size_inches().tolist() == [7, 3]
        assert second.figure.get_size_inches().tolist() == pytest.approx([4, 12 / 7])
        assert second.figure.dpi == 50
        assert pyplot.get_fignums() == [first.figure.number, second.figure.number]
    finally:
        pyplot.close("all")


def test_threads_can_draw_at_once():
    code = (
        "import threading, attnviz, handmade_traces; from matplotlib.figure import Figure\n"
        "from matplotlib.backends.backend_agg import FigureCanvasAgg\n"
        "import attnviz.render.picture.axes\n"
        "trace, styles = handmade_traces.encoder_decoder(), ['heatmap', 'lines'] * 3\n"
        "def draw(style):\n    attnviz.plot(trace, style=style, ax=Figure().add_subplot())\n"
        "ts = [threading.Thread(target=draw, args=(style,)) for style in styles]\n"
        "[t.start() for t in ts]; [t.join() for t in ts]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="tests/support", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_title_names_the_excluded_tokens_in_full():
    axes = attnviz.plot(encoder_decoder(), kind="self", layers=0, heads=0, sink="mask", ax=Figure().add_subplot())
    first, said = axes.get_title().split("\n")
    assert first == "self-attention · L0H0"
    assert said.startswith("first key masked · mean mass taken 0.")
    assert words(axes).count("taken") == 1


def test_a_grid_shows_where_another_part_of_the_input_begins():
    trace = labelled(["a", "b", "c", "d"])
    a = trace["self"]
    parts = tuple(dataclasses.replace(token, segment=at // 2) for at, token in enumerate(a.queries))
    two = {0: np.repeat(a.by_layer[0], 2, 0)}
    cut = dataclasses.replace(a, queries=parts, keys=parts, by_layer=two, head_numbers={0: (0, 1)})
    axes = attnviz.plot(dataclasses.replace(trace, attentions=(cut,)), layers=0, ax=Figure().add_subplot())
    inks = [line for line in axes.lines if line.get_color() == matplotlib.rcParams["text.color"]]
    assert [tuple(line.get_ydata()) for line in inks[::2]] == [(1.5, 1.5), (1.5, 1.5)]
    assert [tuple(line.get_xdata()) for line in inks] == [(-0.5, 3.5), (1.5, 1.5), (4.5, 8.5), (6.5, 6.5)]


@pytest.mark.parametrize("shape", [(1, 2), (2, 2), (1, 3)])
def test_in_plain_subplots_nothing_leaves_the_page_or_touches_the_neighbour(shape):
    page = Figure(figsize=(3.2 * shape[1], 2.6 * shape[0] + 1))
    panels = page.subplots(*shape, squeeze=False).ravel()
    for at, axes in enumerate(panels):
        attnviz.plot(encoder_decoder(), kind=("self", "cross")[at % 2], layers=1, heads=at % 2, ax=axes)
    drawn(page)
    boxes = []
    for axes, bar in zip(panels, page.axes[len(panels) :], strict=True):
        box = Bbox.union([axes.get_tightbbox(), bar.get_tightbbox()])
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= page.bbox.x1 + 1
        assert box.y1 <= page.bbox.y1 + 1
        boxes.append(box)
    for one, other in itertools.combinations(boxes, 2):
        across, down = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(across, down) <= 2


@pytest.mark.parametrize("style", ["lines", "arcs", "text"])
def test_other_styles_stay_in_their_slot_in_plain_subplots_too(style):
    page = Figure(figsize=(9, 8))
    panels = page.subplots(2, 2).ravel()
    for axes in panels:
        attnviz.plot(matrix_of(13), ax=axes, style=style)
    drawn(page)
    boxes = [axes.get_tightbbox() for axes in panels]
    for box in boxes:
        assert min(box.x0, box.y0) >= -1
        assert box.x1 <= page.bbox.x1 + 1
        assert box.y1 <= page.bbox.y1 + 1
    for one, other in itertools.combinations(boxes, 2):
        across, down = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(across, down) <= 2


@pytest.mark.parametrize("inches", [(6.4, 4.8), (4.5, 3.4)])
def test_weights_fit_their_cells_however_the_figure_is_resized(inches):
    page = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = attnviz.plot(matrix_of(9), ax=page.add_subplot(), annotate=True)
    page.set_size_inches(inches)
    drawn(page)
    (x0, _), (x1, _) = axes.transData.transform([(0, 0), (1, 0)])
    assert axes.texts
    assert all(text.get_window_extent().width <= x1 - x0 for text in axes.texts)


def matrix_of(n):
    weights = np.random.default_rng(0).dirichlet(np.ones(n), n)
    return dataclasses.replace(
        labelled([f"w{i}" for i in range(n)]),
        attentions=(dataclasses.replace(labelled([f"w{i}" for i in range(n)])["self"], by_layer={0: weights[None]}),),
    )


def test_a_new_figure_says_which_sentence_and_which_model():
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    try:
        axes = attnviz.plot(encoder_decoder(), kind="self", layers=1, heads=1)
        assert axes.figure.get_suptitle() == "I ate an apple → 나는 사과를 먹었다"
        assert axes.get_title() == "self-attention · L1H1 · by hand"
        assert attnviz.plot(encoder_decoder(), title="").figure.get_suptitle() == ""
    finally:
        pyplot.close("all")


def test_labels_of_one_syllable_stay_level_where_they_fit():
    trace = labelled(list("가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노"))
    axes = attnviz.plot(trace, ax=Figure(figsize=(9, 8), layout="constrained").add_subplot())
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0}


def test_weights_of_the_caller_are_drawn_with_the_names_of_their_tokens():
    weights, names = np.random.default_rng(0).dirichlet(np.ones(3), (2, 3, 4)), list("abcd")
    cross = {"tokens": names, "keys": ["x", "y", "z"], "layers": 1, "heads": 2}
    axes = attnviz.plot(weights, ax=Figure().add_subplot(), **cross)
    np.testing.assert_array_equal(axes.images[0].get_array(), weights[1, 2].astype(np.float32))
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]
    assert "cross-attention · L1H2" in axes.get_title()
    square = np.tri(4) / np.arange(1, 5)[:, None]
    assert "masked self-attention" in attnviz.plot(square, names, ax=Figure().add_subplot()).get_title()
    own = attnviz.plot(square, kind="self", tokens=names, style="lines", ax=Figure().add_subplot())
    assert own.get_title().startswith("self-attention")
    for given, options, message in (
        (square, {}, r"weights of shape \[4, 4\] have no names"),
        (square.tolist(), {}, "Trace"),
        (square * 2, {"tokens": names}, "sums to 2"),
        (square, {"keys": names}, "there are no tokens"),
        (decoder_only(), {"tokens": names}, "its own tokens"),
    ):
        with pytest.raises(InputError, match=message):
            attnviz.plot(given, ax=Figure().add_subplot(), **options)


def test_value_weighted_attention_is_drawn_from_a_trace_with_norms():
    trace = with_value_norms(encoder_decoder())
    axes = attnviz.plot(trace, layers=1, heads=1, kind="self", method="norm", ax=Figure().add_subplot())
    texts = [text.get_text() for text in axes.texts]
    assert ".97" in texts  # the row of `ate`: .96 · 9 of .02 · 5 + .02 · 7 + .96 · 9
    assert "value-weighted attention (Kobayashi et al. 2020)" in axes.get_title().replace("\n", " ")
    with pytest.raises(SelectionError, match="does not hold the norms of its values"):
        attnviz.plot(encoder_decoder(), method="norm", ax=Figure().add_subplot())
    with pytest.raises(SelectionError, match="method cannot be 'norms'"):
        attnviz.plot(trace, method="norms")
