"""A grid drawn as pixels, compared with the same grid drawn by matplotlib: the same picture, without a figure."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from handmade_traces import encoder_decoder, labelled
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from attnviz.attention import Trace
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure, picture
from attnviz.render.picture.figure_page import FigurePage, settings
from attnviz.render.picture.page import Page
from attnviz.render.picture.palette_page import PalettePage
from attnviz.render.picture.typesetting import Typesetting
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


def test_a_grid_loads_no_figure() -> None:
    code = (
        "import sys, handmade_traces; from attnviz.render import render; from attnviz.render.scene import scene\n"
        "t = handmade_traces.encoder_decoder(); render(t, [scene(t, 'self', ((0, 0), (0, 1)))], '.png')\n"
        "print(*[m for m in sys.modules if m in ('matplotlib.figure', 'matplotlib.axes', 'matplotlib.pyplot')])"
    )
    here = str(Path(__file__).parents[2] / "support")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=here, check=True)
    assert done.stdout.strip() == ""


def test_a_page_takes_a_byte_a_pixel() -> None:
    trace = labelled(["a", "b"])
    page = PalettePage(10.0, 10.0, 400, Typesetting(trace.text), scale_of(PlotOptions(), [1.0]))
    assert page.pixels.nbytes == 4000 * 4000


def test_weights_in_the_cells_of_a_grid_are_written_in_full_colour() -> None:
    one = grid(encoder_decoder())
    plain, written = (
        np.asarray(Image.open(io.BytesIO(picture(encoder_decoder(), [one], ".png", options))).convert("RGB")).astype(
            int
        )
        for options in (PlotOptions(annotate=False), PlotOptions())
    )
    assert plain.shape == written.shape
    changed = (plain != written).any(-1)
    assert changed.any()
    towards = np.where(plain.mean(-1) > written.mean(-1), 0, 255)[..., None]  # each letter is blended with its cell
    assert (np.abs(written - towards) <= np.abs(plain - towards))[changed].all()


def test_a_letter_on_a_weight_at_the_edge_of_the_page_is_cut_off() -> None:
    _, page = pages()
    page.image(0.0, 0.0, np.zeros(page.pixels.shape, np.uint8))
    for x, y in ((-0.1, -0.1), (3.9, 1.95), (-9, 1), (9, 9)):
        page.text(x, y, "apple", 12.0, color="#ffffff")
    assert (pixels(page) > 200).all(-1).any()
