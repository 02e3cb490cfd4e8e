"""Pictures: their artists and decoded pixels; nothing overlaps, leaves the page or gives a warning."""

import io
import re
from dataclasses import replace
from importlib.metadata import version
from itertools import combinations
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from command_line import outputs_of_two_processes
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, labelled
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from palette_indices import shade
from PIL import Image

from attnviz.attention import Attention, Token, Trace
from attnviz.errors import PlotOptionError
from attnviz.pooling import layout
from attnviz.render.colours import palette
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure, picture
from attnviz.render.picture.axes import plot
from attnviz.render.picture.cells import FittingText
from attnviz.render.picture.figure_page import settings
from attnviz.render.picture.typesetting import LARGE, Typesetting
from attnviz.render.scene import Scene, scene
from attnviz.selection import Selection

ALL = ((0, 0), (0, 1), (1, 0), (1, 1))


def heatmap(trace: Trace | None = None, kind: str = "self", **texts: str) -> Scene:
    trace = trace or encoder_decoder()
    layer = trace[kind].layers[-1]
    return scene(trace, kind, ((layer, trace[kind].heads(layer)[-1]),), **texts)


def many(layers: int, heads: int, n: int) -> Scene:
    tokens = labelled([f"t{i}" for i in range(n)])["self"].queries
    rng = np.random.default_rng(0)
    weights = {layer: rng.dirichlet(np.ones(n) / 4, (heads, n)).astype(np.float32) for layer in range(layers)}
    attention = Attention("self", "encoder", tokens, tokens, weights, dict.fromkeys(weights, tuple(range(heads))))
    return Scene(attention, tuple((layer, head) for layer in range(layers) for head in range(heads)), "many")


def matrix(n: int, m: int, heads: int = 1, layers: int = 1, per_cell: int = 1, ends: tuple[int, ...] = ()) -> Scene:
    """Heads of `n` × `m` tokens; several tokens in a cell, and parts of the input that end where `ends` says."""
    queries, keys = ([Token(i, f"t{i}", segment=sum(i >= end for end in ends)) for i in range(k)] for k in (n, m))
    rows, columns = layout(n, None, -(-n // per_cell)), layout(m, None, -(-m // per_cell))
    weights = np.random.default_rng(0).dirichlet(np.full(len(columns), 0.1), (layers, heads, len(rows)))
    by_layer = dict(enumerate(weights.astype(np.float32)))
    numbers = dict.fromkeys(by_layer, tuple(range(heads)))
    attention = Attention("self", "encoder", queries, keys, by_layer, numbers, rows=rows, columns=columns)
    return Scene(attention, tuple((layer, head) for layer in by_layer for head in range(heads)), "title", "caption")


SCENES = {
    "heatmap": lambda: [heatmap(title="I ate an apple → 나는 사과를 먹었다\nL1H1 of self-attention", caption="chosen")],
    "cross": lambda: [heatmap(kind="cross", title="a long title " * 20, caption="a long caption " * 30)],
    "hostile": lambda: [heatmap(labelled(HOSTILE), title="$x$ \x1b[31m", caption="{}%")],
    "one token": lambda: [heatmap(labelled(["a"]), title="a")],
    "long": lambda: [heatmap(labelled([f"word{i}" for i in range(120)]))],
    "long labels": lambda: [heatmap(labelled([f"unbelievably-long-token-{i}" for i in range(24)]))],
    "grid": lambda: [scene(encoder_decoder(), "self", ALL, "all heads")],
    "kinds": lambda: [scene(encoder_decoder(), k, ALL[2:], k) for k in ("self", "masked-self", "cross")],
    "one layer": lambda: [many(1, 12, 30)],
    "72 heads": lambda: [many(6, 12, 20)],
    "pooled": lambda: [many(2, 3, 300)],
    "24 × 32 heads": lambda: [many(24, 32, 4)],
    "30 × 9 heads": lambda: [many(30, 9, 20)],
    "512 × 512 cells": lambda: [matrix(8192, 8192, per_cell=16)],
    "513 tokens in 257 cells": lambda: [matrix(513, 513, per_cell=2, ends=(99,))],
    "a part of the input that begins in the last cell": lambda: [matrix(1030, 1030, heads=4, per_cell=2, ends=(1028,))],
    "22 × 512 cells": lambda: [matrix(22, 512)],
    "512 × 22 cells": lambda: [matrix(512, 22)],
    "four heads of 512 cells": lambda: [matrix(8192, 8192, 2, 2, per_cell=16)],
    "twelve heads of 250 cells": lambda: [matrix(1000, 1000, 12, per_cell=4)],
    "four heads of 10 × 30": lambda: [matrix(10, 30, 4)],
    "six layers of 10 × 30": lambda: [matrix(10, 30, 8, 6)],
}


@pytest.mark.parametrize("name", SCENES)
def test_nothing_leaves_the_page_and_labels_do_not_overlap(name: str) -> None:
    drawn = figure(SCENES[name]())
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    page = drawn.bbox
    labelled = [axes for axes in drawn.axes if axes.axison]
    texts = [*drawn.texts, *(t for axes in labelled for t in (*axes.get_xticklabels(), *axes.get_yticklabels()))]
    for text in texts:
        box = text.get_window_extent()
        assert page.x0 - 1 <= box.x0, text
        assert page.y0 - 1 <= box.y0, text
        assert box.x1 <= page.x1 + 1, text
        assert box.y1 <= page.y1 + 1, text
    for axes in labelled:
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            assert len(labels) <= 48
    level = [text for text in texts if text.get_text().strip() and text.get_rotation() in (0, 90)]
    boxes = [text.get_window_extent() for text in level]
    for (one, a), (other, b) in combinations(zip(level, boxes, strict=True), 2):
        across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(across, down) <= 2, (one.get_text(), other.get_text())


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("name", ["heatmap", "hostile", "grid", "kinds"])
def test_every_format_draws_every_scene_without_a_warning(name: str, suffix: str, caplog) -> None:
    data = picture(encoder_decoder(), SCENES[name](), suffix)
    assert data.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])
    assert not caplog.records


def test_a_long_axis_is_numbered_by_tokens_and_says_so() -> None:
    drawn = figure(SCENES["512 × 512 cells"]())
    axes = drawn.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()][:3] == ["0", "1000", "2000"]
    assert axes.get_yticks()[1] == pytest.approx(59 + 13.5 / 17 - 0.5)  # token 1000 is in row 59, 987–1003
    names = {text.get_text() for text in drawn.texts}
    assert {
        "query (from): 8192 tokens, 17 in a cell, numbered",
        "key (to): 8192 tokens, 17 in a cell, numbered",
    } <= names


def test_lines_are_drawn_where_another_part_of_the_input_begins() -> None:
    axes = figure([matrix(9, 9, ends=(4, 6))]).axes[0]
    drawn = [(tuple(line.get_xdata()), tuple(line.get_ydata()), line.get_color()) for line in axes.lines]
    across, down = ([(-0.5, 8.5), (at, at)] for at in (3.5, 5.5)), ([(at, at), (-0.5, 8.5)] for at in (3.5, 5.5))
    assert drawn == [(*ends, colour) for ends in (*across, *down) for colour in ("#ffffff", "#000000")]
    assert axes.lines[0].get_linewidth() > 3 * axes.lines[1].get_linewidth()  # ink in a gap of paper
    whole, parts = (figure([matrix(9, 9, 40, 30, ends=ends)]).axes[0].images[0].get_array() for ends in ((), (4, 6)))
    size = 100  # pixels a head
    frame = int(np.argmax((whole != 255).any((0, 2))))
    whole, parts = whole[frame + 1 :, frame + 1 :], parts[frame + 1 :, frame + 1 :]
    changed = (whole != parts).any(-1)
    drawn = [int(x) for x in np.nonzero(changed[0])[0] if x < size]
    np.testing.assert_allclose(drawn, np.repeat([4 / 9, 6 / 9], 3) * size, atol=1.6)  # three pixels each
    assert [tuple(parts[0, x]) for x in drawn] == [(255,) * 3, (0,) * 3, (255,) * 3] * 2


def test_a_picture_of_merged_cells_says_what_they_show_in_every_layout_and_names_their_tokens() -> None:
    shown = matrix(28, 28, 1, per_cell=3, ends=(9,))
    answer = tuple(replace(token, generated=token.segment > 0) for token in shown.attention.keys)
    shown = replace(shown, attention=replace(shown.attention, queries=answer, keys=answer))
    page = figure([shown], PlotOptions(colorbar=False))
    said = "each cell: the largest weight of 3 × 3 tokens", "line: the answer begins"
    assert {*said, "key (to): 28 tokens, 3 in a cell"} <= set(words_of(page))
    assert [label.get_text() for label in page.axes[0].get_xticklabels()][:2] == ["t0", "1–3 t1…"]
    grid = set(words_of(figure([matrix(28, 28, 2, per_cell=3)])))
    assert said[0] in grid
    assert not any(text.startswith("line:") for text in grid)
    title = plot(Trace("by hand", "", (shown.attention,)), ax=Figure(figsize=(9, 9)).add_subplot()).get_title()
    assert all(line in title.split("\n") for line in said)


def test_where_cells_are_small_marks_outside_of_them_say_where_another_part_begins() -> None:
    axes = figure([matrix(20, 400, ends=(15,))]).axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert {tuple(line.get_ydata()) for line in lines} == {(14.5, 14.5)}  # rows are higher
    marks = [line for line in axes.lines if line not in lines]
    assert [line.get_xydata().tolist() for line in marks] == [[[14.5, -0.5]], [[14.5, 19.5]]]
    assert [line.get_marker() for line in marks] == [matplotlib.markers.TICKUP, matplotlib.markers.TICKDOWN]
    whole, parts = (figure([matrix(200, 200, 2, 2, ends=ends)]).axes[0].images[0].get_array() for ends in ((), (150,)))
    mark = (len(parts) - len(whole)) // 2
    whole = np.pad(whole, ((mark, mark), (mark, mark), (0, 0)), constant_values=255)
    changed = (whole != parts).any(-1)
    assert changed.any()
    assert (whole[changed] == 255).all()  # it was paper
    assert (parts[changed] == 0).all()


def test_labels_and_weights_are_those_of_the_scene() -> None:
    axes = figure([heatmap(kind="cross")]).axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["I", "ate", "an", "apple"]
    assert [t.get_text() for t in axes.get_yticklabels()][:2] == ["<s> → 나는", "나는 → 사과를"]
    np.testing.assert_array_equal(axes.images[0].get_array(), encoder_decoder()["cross"].matrix(1, 1))
    assert axes.yaxis_inverted()


def test_weights_are_written_into_few_cells_and_not_into_many() -> None:
    assert ".96" in [text.get_text() for text in figure([heatmap()]).axes[0].texts]
    assert not figure(SCENES["long"]()).axes[0].texts


def test_masked_cells_are_left_empty() -> None:
    axes = figure([heatmap(decoder_only(), "masked-self")]).axes[0]
    assert axes.images[0].get_array().mask.tolist() == np.triu(np.ones((3, 3), bool), 1).tolist()
    assert len(axes.texts) == 6


def test_axes_are_named_and_the_scale_says_what_it_is() -> None:
    words = {text.get_text() for text in figure([heatmap()]).texts}
    assert {"query (from)", "key (to)", "attention weight", "1"} <= words


def test_every_pixel_of_a_heatmap_has_the_colour_of_its_cell() -> None:
    page = Image.open(io.BytesIO(picture(encoder_decoder(), [heatmap()], ".png"))).convert("RGB")
    drawn = figure([heatmap()])
    FigureCanvasAgg(drawn)
    axes, weights = drawn.axes[0], encoder_decoder()["self"].matrix(1, 1)
    for y, x in np.ndindex(4, 4):
        across, up = axes.transData.transform((x - 0.3, y - 0.35))  # beside the number
        colour = palette("white")[shade(weights[y, x], 1.0)]
        assert np.abs(np.array(page.getpixel((int(across), page.height - int(up)))) - colour).max() <= 3


def test_every_pixel_of_a_grid_has_the_colour_of_its_cell() -> None:
    one = many(6, 12, 20)
    drawn = figure([one])
    page = Image.open(io.BytesIO(picture(encoder_decoder(), [one], ".png"))).convert("RGB")
    image = drawn.axes[0].images[0].get_array()
    box = drawn.axes[0].get_window_extent()
    left, top = round(box.x0), round(page.height - box.y1)
    assert image.shape[:2] == (round(box.height), round(box.width))  # a pixel is a pixel
    on_page = np.asarray(page)[top : top + image.shape[0], left : left + image.shape[1]]
    np.testing.assert_array_equal(on_page, image)
    assert len(drawn.axes) == 2  # the mosaic and the scale
    assert {"L0", "L5", "H0", "H11"} <= {text.get_text() for text in drawn.texts}


def test_a_head_keeps_its_peak_when_pixels_are_fewer_than_tokens() -> None:
    drawn = figure(SCENES["pooled"]())
    top = many(2, 3, 300).top
    peak = many(2, 3, 300).matrices.max()
    image = drawn.axes[0].images[0].get_array()
    assert (np.abs(image - palette("white")[shade(peak, top)].astype(int)).max(-1) <= 3).any()


def test_metadata_says_what_is_shown() -> None:
    with Image.open(io.BytesIO(picture(encoder_decoder(), [heatmap()], ".png"))) as page:
        about = page.text
    assert about["Software"].startswith("attnviz ")
    for fact in ("by hand", "I ate an apple", "나는 사과를 먹었다", "L1H1"):
        assert fact in about["Description"]
    svg = picture(encoder_decoder(), [heatmap()], ".svg").decode()
    assert "text: I ate an apple" in svg
    assert "dc:date" not in svg


def test_another_process_makes_the_same_bytes() -> None:
    code = (
        "import hashlib, handmade_traces; from attnviz.render import render; from attnviz.render.scene import scene\n"
        "t = handmade_traces.encoder_decoder()\n"
        "s = [scene(t, 'cross', ((1, 1),)), scene(t, 'self', ((1, 0), (1, 1)))]\n"
        "print([hashlib.sha256(render(t, s[n:], x)).hexdigest() for x in ('.png', '.svg', '.pdf') for n in (0, 1)])"
    )
    one, other = outputs_of_two_processes(code)
    assert one == other != ""


def test_drawing_a_picture_does_not_change_matplotlib_settings() -> None:
    before = dict(matplotlib.rcParams)
    picture(encoder_decoder(), [heatmap()], ".svg")
    assert dict(matplotlib.rcParams) == before


def test_a_heatmap_keeps_its_peak_when_pixels_are_fewer_than_tokens() -> None:
    weights = np.full((1, 2100, 2100), 1e-4, np.float32)
    weights[0, 1234, 777] = 0.8
    tokens = labelled(["t"] * 2100)["self"].queries
    one = Scene(Attention("self", "encoder", tokens, tokens, {0: weights}, {0: (0,)}), ((0, 0),))
    drawn = figure([one]).axes[0].images[0].get_array()
    assert drawn.max() == np.float32(0.8)
    y, x = np.argwhere(drawn == drawn.max())[0]
    assert y == pytest.approx(1234 / 2100 * len(drawn), abs=1)
    assert x == pytest.approx(777 / 2100 * drawn.shape[1], abs=1)


@pytest.mark.parametrize("name", ["heatmap", "grid"])
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_settings_of_a_matplotlibrc_change_no_file(suffix: str, name: str) -> None:
    shown = SCENES[name]()
    usual = picture(encoder_decoder(), shown, suffix)
    odd = {
        "font.size": 30, "font.family": "serif", "text.color": "red", "text.hinting": "force_autohint",
        "axes.facecolor": "red", "axes.grid": True, "xtick.labelsize": 30, "xtick.color": "red", "xtick.bottom": False,
        "figure.facecolor": "red", "figure.autolayout": True, "savefig.bbox": "tight", "savefig.dpi": 20,
        "lines.linewidth": 9, "patch.linewidth": 9, "hatch.linewidth": 9, "path.simplify": False,
        "svg.fonttype": "none", "svg.hashsalt": None, "pdf.fonttype": 42, "pdf.compression": 0,
    }  # fmt: skip
    with matplotlib.rc_context(odd):
        assert picture(encoder_decoder(), shown, suffix) == usual


def test_metadata_says_how_the_matrix_was_made() -> None:
    made = replace(encoder_decoder(), provenance={"text pair": "It was red.", "merged": "tokens to words"})
    cut = Selection.of(rows=(1, 2), columns=(0, 1, 3)).apply(made)
    with Image.open(io.BytesIO(picture(cut, [scene(cut, "self", ALL)], ".png"))) as page:
        said = page.text["Description"].split("\n")
    for fact in ("text pair: It was red.", "merged: tokens to words", "rows: 1-2 of self-attention"):
        assert fact in said
    assert "columns: 0-1, 3 of self-attention" in said


@pytest.mark.parametrize("heads", [ALL, ALL[:1]], ids=["grid", "heatmap"])
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_metadata_of_every_format_is_enough_to_make_the_picture_again(suffix: str, heads) -> None:
    trace = replace(encoder_decoder(), text="I ate it", target="go", revision="abc123")
    data = picture(trace, [scene(trace, "cross", heads)], suffix, PlotOptions(theme="dark", vmax=0.5))
    if suffix == ".png":
        with Image.open(io.BytesIO(data)) as page:
            data = " ".join(page.text.values()).encode()
    names = " ".join(f"L{layer}H{head}" for layer, head in heads)
    for fact in (
        *("model: by hand", "revision: abc123", "text: I ate it", "target: go", f"cross-attention {names}"),
        *("style: heatmap", "theme: dark", "vmax: 0.5", f"attnviz {version('attnviz')}"),
    ):
        assert fact.encode() in data, fact
    for other in (b"Matplotlib version", b"Pillow", b"CreationDate", b"dc:date"):
        assert other not in data


@pytest.mark.parametrize("dpi", [50, 72, 100])
@pytest.mark.parametrize("suffix", [".png"])
def test_text_is_as_wide_as_it_was_measured_at_every_resolution(dpi: int, suffix: str) -> None:
    caption = "first key masked · rows divided by what is left · mean mass taken 0.77 · 1 of 10 rows lose everything"
    shown = heatmap(caption=caption)
    with settings():
        drawn = figure([shown], PlotOptions(dpi=dpi))
        FigureCanvasAgg(drawn).draw()
        line = next(text for text in drawn.texts if text.get_text().startswith("first"))
        wide = line.get_window_extent().width / dpi
    measured = Typesetting([caption]).width(line.get_text(), line.get_fontsize())
    assert wide == pytest.approx(measured, abs=0.03)


def test_a_long_title_is_its_beginning_and_its_end() -> None:
    drawn = figure([heatmap(title="first " + "words " * 300 + "last")])
    title = sorted(
        (text for text in drawn.texts if text.get_fontsize() == LARGE), key=lambda text: -text.get_position()[1]
    )
    assert len(title) == 3
    assert title[0].get_text().startswith("first")
    assert title[-1].get_text().endswith("last")


def test_numbers_set_by_annotate_fit_their_cells_or_are_refused() -> None:
    for size in (8, 5):
        drawn = figure([matrix(12, 12)], PlotOptions(annotate=True, size=size))
        FigureCanvasAgg(drawn).draw()
        axes = drawn.axes[0]
        wide = axes.get_window_extent().width / 12
        texts = [text for text in axes.texts if text.get_text()[0] in ".1"]
        assert texts
        assert max(text.get_window_extent().width for text in texts) <= wide
    with pytest.raises(PlotOptionError, match="too small for numbers"):
        figure([matrix(60, 60)], PlotOptions(annotate=True, size=5))


def test_a_column_of_a_journal_has_weights_where_they_are_legible() -> None:
    for n, written in ((4, 16), (14, 0)):
        drawn = figure([matrix(n, n)], PlotOptions(size="3.3"))
        FigureCanvasAgg(drawn).draw()
        numbers = drawn.axes[0].findobj(FittingText)
        assert len(numbers) == written
        assert all(text.get_fontsize() >= 6 for text in numbers)


@pytest.mark.parametrize("size", ["1", "2", "6x1.2"])
def test_cells_that_would_be_too_small_are_refused_with_the_size_that_is_enough(size: str) -> None:
    with pytest.raises(PlotOptionError, match="no room") as refused:
        picture(encoder_decoder(), [heatmap()], ".png", PlotOptions(size=size))
    least = float(re.search(r"At least ([\d.]+) inches", refused.value.hint)[1])
    assert picture(encoder_decoder(), [heatmap()], ".png", PlotOptions(size=f"6x{least}" if "x" in size else least))


@pytest.mark.parametrize("width", [2.6, 3.0, 3.3, 4.0])
def test_without_a_colour_bar_a_picture_needs_no_more_room(width: float) -> None:
    trace = labelled(["The", "cat", "sat", "on", "the", "mat", "because", "it", "was", "tired", "."])
    for colorbar in (True, False):
        assert picture(trace, [heatmap(trace, title="tired")], ".svg", PlotOptions(size=width, colorbar=colorbar))


NO_XML = [
    chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDBFF, 0xDC00, 0xDFFF, *range(0xFDD0, 0xFDF0))
]
NO_XML += [chr(plane << 16 | code) for plane in range(17) for code in (0xFFFE, 0xFFFF)]
"""Characters that XML 1.0 may not hold or advises against, and those that are none to Unicode."""


@pytest.mark.parametrize("style", ["heatmap", "lines", "arcs", "text"])
def test_characters_that_xml_does_not_allow_leave_every_file_well_formed(style: str) -> None:
    odd = "".join(NO_XML)
    trace = replace(labelled([odd[:40], odd[40:80], odd[80:], "--", "]]>"]), model=f"m{odd}", text=f"<!--{odd}-->")
    trace = replace(trace, provenance={"revision": odd, "text pair": odd})
    shown = [scene(trace, "self", ((0, 0),), title=f"--{odd}", caption=odd)]
    svg = ElementTree.fromstring(picture(trace, shown, ".svg", PlotOptions(style, title=odd)))
    described = " ".join(element.text or "" for element in svg.iter() if element.tag.endswith("description"))
    assert "⟨U+FFFF⟩" in described
    assert b"\xef\xbf\xbf" not in picture(trace, shown, ".pdf", PlotOptions(style))
    with Image.open(io.BytesIO(picture(trace, shown, ".png", PlotOptions(style)))) as page:
        assert not any(char in said for said in page.text.values() for char in NO_XML if char != "\n")


@pytest.mark.parametrize("name", ["heatmap", "hostile", "kinds"])
@pytest.mark.parametrize("style", ["heatmap", "lines"])
def test_fonts_in_a_pdf_are_true_type_as_publishers_ask(name: str, style: str) -> None:
    shown = SCENES[name]() if style == "heatmap" else SCENES[name]()[:1]
    pdf = picture(encoder_decoder(), shown, ".pdf", PlotOptions(style))
    described = [pdf[at.start() : at.start() + 300] for at in re.finditer(rb"/Type /Font\b[^D]", pdf)]
    assert described
    assert not any(b"/Type3" in font for font in described)
    assert {re.search(rb"/BaseFont /\w+\+([\w-]+)", font)[1] for font in described} <= {
        b"DejaVuSans",
        b"DejaVuSans-Bold",
    }
    assert b"/FontFile2" in pdf
    assert b"/FontFile3" not in pdf


def words_of(drawn: Figure) -> list[str]:
    return [text.get_text() for text in drawn.texts]


def test_every_token_of_a_layer_is_a_label_beside_its_heads() -> None:
    tokens = [f"word{i}" for i in range(12)]
    one = matrix(12, 12, 12)
    named = replace(one.attention, queries=labelled(tokens)["self"].queries, keys=labelled(tokens)["self"].keys)
    texts = words_of(figure([replace(one, attention=named)]))
    for token in tokens:
        assert texts.count(token) == 3 + 12  # three rows of heads, and below each of the twelve


@pytest.mark.parametrize(("n", "layers"), [(20, 6), (60, 1), (100, 2)])
def test_numbers_beside_the_tiles_are_explained_by_a_list(n: int, layers: int) -> None:
    texts = words_of(figure([matrix(n, n, 12, layers)]))
    said = " ".join(texts).replace("\u00a0", " ")
    assert all(f"{i} t{i}" in said for i in range(n))
    assert {"0", "20" if n == 100 else "10"} <= set(texts)


def test_tiles_of_long_texts_have_some_words_with_their_numbers() -> None:
    texts = words_of(figure([matrix(1000, 1000, 12, per_cell=4)]))
    assert {"0 t0", "500 t500"} <= set(texts)
    assert not any(text.isdecimal() for text in texts if text not in ("0", "1"))  # but for those of the colour bar


def test_colour_bars_span_their_grids_and_are_aligned() -> None:
    drawn = figure([scene(encoder_decoder(), kind, ALL) for kind in ("self", "masked-self", "cross")])
    boxes = [axes.get_window_extent() for axes in drawn.axes]
    tiles = sorted((box for box in boxes if box.width > 100), key=lambda box: -box.y0)
    bars = sorted((box for box in boxes if 15 < box.width < 30 and box.height > 100), key=lambda box: -box.y0)
    assert len(tiles) == len(bars) == 3
    for grid, bar in zip(tiles, bars, strict=True):
        assert bar.x0 == pytest.approx(bars[0].x0, abs=1)
        assert grid.x0 == pytest.approx(tiles[0].x0, abs=1)
        assert (bar.y0, bar.y1) == pytest.approx((grid.y0, grid.y1), abs=1)


def test_weights_are_written_into_the_cells_of_a_grid_if_they_fit() -> None:
    one = scene(encoder_decoder(), "self", ALL)
    weights = [text for text in words_of(figure([one])) if text[:1] in (".", "1", "·")]
    assert len(weights) >= 64
    assert ".96" in weights
    assert ".96" not in words_of(figure([one], PlotOptions(annotate=False)))
    assert ".96" in words_of(figure([one], PlotOptions(annotate=True, size=4)))
    with pytest.raises(PlotOptionError, match="too small for numbers"):
        figure([matrix(12, 12, 6)], PlotOptions(annotate=True, size=3))


@pytest.mark.parametrize("size", [(1, 2), (2, 64), (6, 12), (12, 12), (30, 9), (48, 2), (64, 64)])
def test_the_page_of_many_heads_has_a_usable_shape(size: tuple[int, int]) -> None:
    wide, high = figure([many(*size, 8)]).get_size_inches()
    assert 0.45 <= wide / high <= 2.7
