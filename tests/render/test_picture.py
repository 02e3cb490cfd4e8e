"""Pictures: what is drawn, by artists and by decoded pixels; that nothing overlaps, leaves the page or warns."""

import io
import os
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from traces import HOSTILE, decoder_only, encoder_decoder, labelled

from attnviz.attention import Attention, Trace
from attnviz.render.colours import palette, shade
from attnviz.render.lettering import Lettering
from attnviz.render.picture import figure, picture
from attnviz.render.scene import Scene, scene

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
}


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


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
        for one, other in pairwise(axes.get_yticklabels()):
            assert other.get_window_extent().y1 <= one.get_window_extent().y0 + 2
        for one, other in pairwise(axes.get_xticklabels()):
            if one.get_rotation() in (0, 90):
                assert one.get_window_extent().x1 <= other.get_window_extent().x0 + 2


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("name", ["heatmap", "hostile", "grid", "kinds"])
def test_every_format_draws_every_scene_without_a_warning(name: str, suffix: str, caplog) -> None:
    data = picture(encoder_decoder(), SCENES[name](), suffix)
    assert data.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])
    assert not caplog.records


def test_labels_and_weights_are_those_of_the_scene() -> None:
    axes = figure([heatmap(kind="cross")]).axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["I", "ate", "an", "apple"]
    assert [t.get_text() for t in axes.get_yticklabels()][:2] == ["<s> → 나는", "나는 → 사과를"]
    mesh = axes.collections[0]
    np.testing.assert_array_equal(mesh.get_array(), encoder_decoder()["cross"].matrix(1, 1))
    assert axes.yaxis_inverted()


def test_weights_are_written_into_few_cells_and_not_into_many() -> None:
    assert ".96" in [text.get_text() for text in figure([heatmap()]).axes[0].texts]
    assert not figure(SCENES["long"]()).axes[0].texts


def test_masked_cells_are_left_empty() -> None:
    axes = figure([heatmap(decoder_only(), "masked-self")]).axes[0]
    assert axes.collections[0].get_array().mask.tolist() == np.triu(np.ones((3, 3), bool), 1).tolist()
    assert len(axes.texts) == 6


def test_axes_are_named_and_the_scale_says_what_it_is() -> None:
    words = {text.get_text() for text in figure([heatmap()]).texts}
    assert {"query (from)", "key (to)", "attention weight", "1"} <= words


def test_pixels_of_a_heatmap() -> None:
    page = Image.open(io.BytesIO(picture(encoder_decoder(), [heatmap()], ".png"))).convert("RGB")
    drawn = figure([heatmap()])
    FigureCanvasAgg(drawn)
    axes, weights = drawn.axes[0], encoder_decoder()["self"].matrix(1, 1)
    for y, x in np.ndindex(4, 4):
        across, up = axes.transData.transform((x - 0.3, y - 0.35))  # beside the number
        colour = palette()[shade(weights[y, x], 1.0)]
        assert np.abs(np.array(page.getpixel((int(across), page.height - int(up)))) - colour).max() <= 3


def test_pixels_of_a_grid() -> None:
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
    assert (image == palette()[shade(peak, top)]).all(-1).any()


def test_fonts() -> None:
    assert Lettering(["apple"]).family == ["DejaVu Sans"]
    korean = Lettering(["사과를", "日本語"])
    assert korean.family == ["DejaVu Sans", "Noto Sans CJK JP"]
    assert not korean.lost
    sloth = Lettering(["a🦥"])
    assert sloth.shown("a🦥") == "aU+1F9A5"
    assert sloth.family == ["DejaVu Sans"]
    assert Lettering(["👨\u200d👩"]).shown("👨\u200d👩") == "U+1F468U+1F469"
    assert Lettering(["␛[31m"]).shown("␛[31m") == "U+001B[31m"


def test_short_and_wrapped() -> None:
    lettering = Lettering(["사과를"])
    assert lettering.short("apple", 9, 3) == "apple"
    assert lettering.width(lettering.short("x" * 200, 9, 1.0), 9) <= 1.0
    lines = lettering.wrapped("one two three four " * 5 + "y" * 300, 9, 1.5)
    assert all(lettering.width(line, 9) <= 1.5 for line in lines)
    assert lines[-1].endswith("…")


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
        "import hashlib, traces; from attnviz.render import render; from attnviz.render.scene import scene\n"
        "t = traces.encoder_decoder(); s = [scene(t, 'cross', ((1, 1),)), scene(t, 'self', ((1, 0), (1, 1)))]\n"
        "print([hashlib.sha256(render(t, s, x)).hexdigest() for x in ('.png', '.svg', '.pdf')])"
    )
    here = str(Path(__file__).parents[1])
    runs = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": here},
        )
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0].stdout == runs[1].stdout
    assert not runs[0].stderr


def test_the_picture_leaves_matplotlib_as_it_was() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    picture(encoder_decoder(), [heatmap()], ".svg")
    assert dict(matplotlib.rcParams) == before
