"""Matrices drawn as pixels, compared with the same ones drawn by matplotlib: the same picture, without a figure."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handmade_traces import decoder_only, encoder_decoder, labelled
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from attnviz.attention import Trace
from attnviz.render.named_link import named_links
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure, figure_bytes, picture
from attnviz.render.picture.figure_page import FigurePage, settings
from attnviz.render.picture.mosaic import WEIGHTS
from attnviz.render.picture.page import Page
from attnviz.render.picture.palette_page import PalettePage
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.plan import link_scenes
from attnviz.render.scale import scale_of
from attnviz.render.scene import Scene, scene

TEXTS = ("$x$ \\alpha", "사과를 日本語", "שלום abc", "مرحبا", "e\u0301te\u0301 fi ffi", "lp", "1.", "A")


def pages(texts: tuple[str, ...] = (), theme: str = "light", dpi: int = 150) -> list[Page]:
    typesetting, scale = Typesetting(texts), scale_of(PlotOptions(theme=theme), [1.0])
    return [kind(4.0, 2.0, dpi, typesetting, scale) for kind in (FigurePage, PalettePage)]


def pixels(page: Page) -> np.ndarray:
    """What `page` shows, RGB `[row, column, 3]`."""
    if isinstance(page, PalettePage):
        return np.asarray(Image.open(io.BytesIO(page.png({}))).convert("RGB")).astype(int)
    canvas = FigureCanvasAgg(page.figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def extent(page: Page) -> list[int]:
    """First and last row and column that are not paper."""
    image = pixels(page)
    inked = np.abs(image - image[-1, -1]).max(-1) > 60
    rows, columns = np.nonzero(inked.any(1))[0], np.nonzero(inked.any(0))[0]
    return [int(at) for at in (rows[0], rows[-1], columns[0], columns[-1])]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "style",
    [
        {},
        {"ha": "right", "va": "center"},
        {"ha": "center", "va": "bottom"},
        {"va": "center_baseline"},
        {"rotation": 90, "ha": "center"},
        {"rotation": 90, "ha": "right", "va": "center"},
        {"rotation": 45, "ha": "left", "va": "bottom", "rotation_mode": "anchor"},
        {"fontweight": "bold", "ha": "center", "va": "center"},
    ],
    ids=str,
)
def test_text_is_placed_as_in_matplotlib(text: str, style: dict) -> None:
    both = pages((text,))
    for page in both:
        page.text(2.0, 1.0, text, 12.0, **style)
    figure, ours = (extent(page) for page in both)
    np.testing.assert_allclose(ours, figure, atol=2)  # hinting moves an edge by a pixel
    inks = [np.abs(pixels(page) - 255).sum() for page in both]
    assert inks[1] == pytest.approx(inks[0], rel=0.12)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_and_background_have_the_colours_of_the_theme(theme: str) -> None:
    _, page = pages(theme=theme)
    page.text(1.0, 0.5, "lllll", 40.0)
    page.text(1.0, 1.2, "lllll", 40.0, color=page.theme.muted)
    image = pixels(page)
    shown = {"#{:02x}{:02x}{:02x}".format(*colour) for colour in image.reshape(-1, 3)}
    assert {page.theme.background, page.theme.ink, page.theme.muted} <= shown
    assert "#{:02x}{:02x}{:02x}".format(*image[0, 0]) == page.theme.background


def test_text_beyond_the_page_is_cut_off() -> None:
    _, page = pages()
    for x, y in ((-0.1, -0.1), (3.9, 1.95), (-9, 1), (9, 9)):
        page.text(x, y, "apple", 12.0)
    assert (pixels(page) < 99).any()


def grid(trace: Trace, **texts: str) -> Scene:
    return scene(trace, trace.kinds[-1], ((0, 0), (0, 1), (1, 0), (1, 1)), **texts)


def blurred(image: np.ndarray, block: int = 8) -> np.ndarray:
    high, wide = (size // block for size in image.shape)
    return image[: high * block, : wide * block].reshape(high, block, wide, block).mean((1, 3))


def test_a_grid_is_the_same_picture_either_way() -> None:
    options = PlotOptions(annotate=False)
    one = grid(encoder_decoder(), title="I ate an apple → 나는 사과를 먹었다\ncross-attention", caption="by hand")
    data = picture(encoder_decoder(), [one], ".png", options)
    ours = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    with settings():
        canvas = FigureCanvasAgg(figure([one], options))
        canvas.draw()
    theirs = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    assert ours.shape == theirs.shape
    in_colour = theirs.max(-1) - theirs.min(-1) > 30  # the tiles and the scale
    assert in_colour.mean() > 0.3
    assert np.abs(ours - theirs)[in_colour].max() <= 1
    inks = [blurred(255 - image.mean(-1)) for image in (ours, theirs)]
    assert np.abs(inks[0] - inks[1]).max() < 60  # a letter moved by a part of a pixel, and none missing


def heatmaps() -> dict[str, tuple[list[Scene], PlotOptions]]:
    trace, causal = encoder_decoder(), decoder_only()
    long = labelled([f"word{index}" for index in range(90)])
    slanted = labelled([f"naïve사과{index}" for index in range(16)])
    two = labelled(["a", "b", "c"])["self"]
    both = replace(two, keys=(*two.keys[:2], replace(two.keys[2], segment=1)))
    return {
        "numbers": ([scene(trace, "cross", ((1, 1),), "I → 나는", "by hand")], PlotOptions()),
        "dark": ([scene(trace, "self", ((1, 1),))], PlotOptions(theme="dark", size="5x4", font_size=8, dpi=100)),
        "blank": ([scene(causal, "masked-self", ((0, 0),))], PlotOptions(log=True, colorbar=False)),
        "numbered": ([scene(long, "self", ((0, 0),))], PlotOptions(transparent=True)),
        "slanted": ([scene(slanted, "self", ((0, 0),))], PlotOptions(annotate=False)),
        "border": ([Scene(both, ((0, 0),), "title")], PlotOptions()),
        "frames": (link_scenes(trace, named_links(trace, "ate", "apple")[0], count=2), PlotOptions()),
    }


@pytest.mark.parametrize("name", heatmaps())
def test_a_heatmap_is_the_same_picture_either_way(name: str) -> None:
    scenes, options = heatmaps()[name]
    ours, theirs = both_ways(scenes, options)
    assert ours.shape == theirs.shape
    apart = np.abs(ours - theirs).max(-1)
    assert (apart > 8).mean() < 0.05  # letters
    in_colour = (theirs.max(-1) - theirs.min(-1) > 30) & ~near(theirs.max(-1) - theirs.min(-1) <= 30)
    assert np.percentile(apart[in_colour], 90) <= 4  # of 255: a shade
    inks = [blurred(image.mean(-1)) for image in (ours, theirs)]
    assert np.abs(inks[0] - inks[1]).max() < 70  # a letter moved by a part of a pixel, and none missing
    assert np.abs(blurred(ours.mean(-1), 32) - blurred(theirs.mean(-1), 32)).max() < 12


def both_ways(scenes: list[Scene], options: PlotOptions) -> list[np.ndarray]:
    data = picture(encoder_decoder(), scenes, ".png", options)
    with settings():
        other = figure_bytes(figure(scenes, options), ".png", {"title": "", "description": "", "software": ""})
    pages = (Image.open(io.BytesIO(one)).convert("RGBA") for one in (data, other))
    papers = (Image.alpha_composite(Image.new("RGBA", page.size, "#ffffff"), page) for page in pages)
    return [np.asarray(paper.convert("RGB")).astype(int) for paper in papers]


def near(places: np.ndarray) -> np.ndarray:
    """Which pixels touch one of `places`."""
    padded = np.pad(places, 1)
    return np.logical_or.reduce([np.roll(padded, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)])[1:-1, 1:-1]


def test_every_weight_has_the_colour_of_the_scale() -> None:
    trace = encoder_decoder()
    shown = scene(trace, "self", ((1, 1),))
    ours, _ = both_ways([shown], PlotOptions(annotate=False))
    colours = scale_of(PlotOptions(), [shown.top]).colours
    rows, columns = (np.unique(np.nonzero(ours[..., 0] - ours[..., 2] > 30)[axis]) for axis in (0, 1))
    assert len(rows) > 100
    assert len(columns) > 100
    seen = {tuple(colour) for colour in ours.reshape(-1, 3).tolist()}
    for weight in trace["self"].matrix(1, 1).ravel():
        wanted = colours[scale_of(PlotOptions(), [shown.top]).indices(np.array(weight))].astype(int)
        assert min(np.abs(wanted - one).max() for one in seen) <= 2


def test_a_page_that_needs_more_colours_has_them() -> None:
    _, page = pages()
    shades = np.arange(WEIGHTS, dtype=np.uint8)[:, None].repeat(200, 1)
    page.image(0.5, 0.2, shades)
    plain = pixels(page)
    for y in np.arange(0.25, 1.6, 0.12):
        page.text(0.6, y, "@#%&", 9.0, color="#ff00ff")
        page.text(1.2, y, "@#%&", 9.0, color="#00ff00")
    written = pixels(page)
    magenta, green = ((written == colour).all(-1) for colour in ((255, 0, 255), (0, 255, 0)))
    assert magenta.any()
    assert green.any()
    assert (np.abs(plain - written).max(-1) <= 4).mean() > 0.9


def test_a_colour_bar_stays_smooth_where_letters_need_its_colours() -> None:
    _, page = pages()
    page.colour_bar(3.0, 0.2, 1.4, page.scale)
    for index, shade in enumerate(range(0, WEIGHTS, 4)):
        x, y = 0.2 + index % 12 * 0.2, 0.2 + index // 12 * 0.2
        page.image(x, y, np.full((30, 30), shade, np.uint8))
        page.text(x + 0.1, y + 0.1, ".47", 5.0, ha="center", va="center", color="#ffffff")
    bar = pixels(page)[35:235, 460]
    assert len(np.unique(bar, axis=0)) > 90
    assert np.abs(np.diff(bar, axis=0)).max() <= 12  # two shades


def test_two_scales_on_a_page_have_their_own_colours() -> None:
    _, page = pages()
    other = scale_of(PlotOptions(cmap="viridis"), [1.0])
    for x, scale in ((0.2, None), (1.2, other)):
        page.image(x, 0.2, np.full((60, 60), 221, np.uint8), scale)
    shown = pixels(page)
    assert tuple(shown[60, 60]) == tuple(page.scale.colours[-1])
    assert tuple(shown[60, 200]) == tuple(other.colours[-1])


def test_metadata_is_that_of_every_other_picture() -> None:
    trace = encoder_decoder()
    with Image.open(io.BytesIO(picture(trace, [grid(trace)], ".png", PlotOptions(annotate=False)))) as page:
        ours, dots = page.text, page.info["dpi"]
        assert page.mode == "P"
    with Image.open(io.BytesIO(picture(trace, [scene(trace, "self", ((0, 0),))]))) as page:
        theirs = page.text
    assert set(ours) == set(theirs)
    assert ours["Software"] == theirs["Software"]
    assert "L0H0 L0H1 L1H0 L1H1" in ours["Description"]
    assert dots == pytest.approx((150, 150), abs=0.1)


@pytest.mark.parametrize("heads", ["((0, 0), (0, 1))", "((0, 0),)"])
def test_no_figure_is_loaded_for_a_matrix(heads: str) -> None:
    code = (
        "import sys, handmade_traces; from attnviz.render import render; from attnviz.render.scene import scene\n"
        f"t = handmade_traces.encoder_decoder(); render(t, [scene(t, 'self', {heads})], '.png')\n"
        "print(*[m for m in sys.modules if m in ('matplotlib.text', 'matplotlib.figure')])"
    )
    here = str(Path(__file__).parents[2] / "support")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=here, check=True)
    assert done.stdout.strip() == ""


def test_a_page_takes_a_byte_a_pixel() -> None:
    trace = labelled(["a", "b"])
    page = PalettePage(10.0, 10.0, 400, Typesetting(trace.text), scale_of(PlotOptions(), [1.0]))
    assert page.pixels.nbytes == 4000 * 4000


def test_weights_in_the_cells_of_a_grid_are_blended_with_their_colour() -> None:
    one = grid(encoder_decoder())
    plain, written = (
        np.asarray(Image.open(io.BytesIO(picture(encoder_decoder(), [one], ".png", options))).convert("RGB")).astype(
            int
        )
        for options in (PlotOptions(annotate=False), PlotOptions())
    )
    assert plain.shape == written.shape
    changed = np.abs(plain - written).max(-1) > 12  # colours that nobody can tell apart can be drawn as one
    assert changed.any()
    towards = np.where(plain.mean(-1) > written.mean(-1), 0, 255)[..., None]  # each letter is blended with its cell
    assert (np.abs(written - towards) <= np.abs(plain - towards) + 12)[changed].all()


def test_a_letter_on_a_weight_at_the_edge_of_the_page_is_cut_off() -> None:
    _, page = pages()
    page.image(0.0, 0.0, np.zeros(page.pixels.shape, np.uint8))
    for x, y in ((-0.1, -0.1), (3.9, 1.95), (-9, 1), (9, 9)):
        page.text(x, y, "apple", 12.0, color="#ffffff")
    assert (pixels(page) > 200).all(-1).any()
