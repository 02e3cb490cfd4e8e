"""Pictures without a background and without a colour bar, in every style and format."""

import io
import re

import numpy as np
import pytest
from handmade_traces import encoder_decoder
from matplotlib.figure import Figure
from PIL import Image

import attnviz
from attnviz.render.options import STYLES, PlotOptions
from attnviz.render.picture import figure, picture
from attnviz.render.scene import Scene, scene

ALL = ((0, 0), (0, 1), (1, 0), (1, 1))


def shown(heads: int = 1) -> Scene:
    return scene(encoder_decoder(), "self", ALL[-heads:], "I ate an apple", "a caption")


def opacity(data: bytes) -> np.ndarray:
    """Alpha of a PNG, `[row, column]`."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))[..., 3]


def over(data: bytes, background: str) -> np.ndarray:
    """A PNG on `background`, RGB."""
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    page = Image.new("RGBA", image.size, background)
    return np.asarray(Image.alpha_composite(page, image).convert("RGB")).astype(int)


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("style", STYLES)
def test_a_transparent_picture_shows_the_same(style: str, heads: int) -> None:
    usual, bare = (
        picture(encoder_decoder(), [shown(heads)], ".png", PlotOptions(style, transparent=on)) for on in (False, True)
    )
    assert opacity(usual).min() == 255
    assert opacity(bare)[0, 0] == 0
    assert (opacity(bare) == 0).mean() > 0.2
    assert opacity(bare).max() == 255
    apart = np.abs(over(bare, "#ffffff") - over(usual, "#ffffff"))
    assert apart.mean() < 1
    assert np.percentile(apart, 99) < 30


def test_a_transparent_page_has_no_background_rectangle() -> None:
    drawn = figure([shown()], PlotOptions(transparent=True))
    assert drawn.get_facecolor()[3] == 0
    assert all(axes.get_facecolor()[3] == 0 for axes in drawn.axes)
    pages = [
        picture(encoder_decoder(), [shown()], ".svg", PlotOptions(transparent=on)).decode() for on in (False, True)
    ]
    page = [re.search(r'<g id="patch_1">.*?fill: (\S+?)["; ]', text, re.DOTALL)[1] for text in pages]
    assert page == ["#ffffff", "none"]


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("style", STYLES)
def test_without_a_colour_bar_the_picture_is_smaller_and_says_nothing_of_it(style: str, heads: int) -> None:
    usual, bare = (figure([shown(heads)], PlotOptions(style, colorbar=on, title="")) for on in (True, False))
    said = [{text.get_text() for axes in (drawn, *drawn.axes) for text in axes.texts} for drawn in (usual, bare)]
    assert any("attention weight" in text for text in said[0])
    assert not any("attention weight" in text for text in said[1])
    areas = [np.prod(drawn.get_size_inches()) for drawn in (usual, bare)]
    assert areas[1] < areas[0]


def test_axes_without_a_colour_bar() -> None:
    page = Figure()
    attnviz.plot(encoder_decoder(), kind="self", layers=1, ax=page.add_subplot(), colorbar=False)
    assert len(page.axes) == 1


def test_the_background_of_transparent_axes_is_that_of_the_figure() -> None:
    light, dark = Figure(facecolor="white"), Figure(facecolor="black")
    firsts = []
    for page in (light, dark):
        axes = page.add_subplot(facecolor="none")
        attnviz.plot(encoder_decoder(), kind="self", layers=1, heads=1, ax=axes)
        firsts.append(axes.images[0].cmap(0.0)[0])
    assert firsts[0] > 0.9
    assert firsts[1] < 0.2
