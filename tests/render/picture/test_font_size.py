"""Labels have the given font size in every style; none is cut off, and none touches another."""

import io
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.transforms import Bbox
from PIL import Image

import attnviz
from attnviz.attention import Trace
from attnviz.errors import PlotOptionError
from attnviz.render.options import STYLES, PlotOptions
from attnviz.render.picture import figure, picture
from attnviz.render.picture.figure_page import settings
from attnviz.render.picture.palette_page import PalettePage
from attnviz.render.picture.typesetting import BODY, LARGE, SMALL, Typesetting
from attnviz.render.scene import Scene, scene

SIZES = (6.0, 9.5, 16.0)
TALL = 1.0
"""Texts may touch by a part of this many points: a letter's box is larger than the letter."""


def shown(heads: int, kind: str = "self") -> Scene:
    picked = ((0, 0), (0, 1), (1, 0), (1, 1))[-heads:]
    return scene(encoder_decoder(), kind, picked, "I ate an apple", "a caption that says what the picture shows")


def texts(drawn: Figure) -> list[tuple[Text, Bbox]]:
    """What is written, and where in pixels, as matplotlib draws it."""
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    renderer = canvas.get_renderer()
    axes_off = [axis for axes in drawn.axes if not axes.axison for axis in (axes.xaxis, axes.yaxis)]
    off = {text for axis in axes_off for text in axis.findobj(Text)}
    seen = [text for text in drawn.findobj(Text) if text not in off and text.get_visible() and text.get_text().strip()]
    with settings():
        drawn_at = [(text, text.get_window_extent(renderer)) for text in seen]
    return [(text, box) for text, box in drawn_at if box.width and box.height and not _is_number(text)]


def _is_number(text: Text) -> bool:
    return type(text).__name__ == "FittingText"  # within its cell, as test_cells.py says


def collisions(drawn: Figure) -> Iterator[tuple[str, str]]:
    """Texts that overlap; a box that is turned by 45° is larger than its text."""
    for (one, here), (other, there) in combinations(texts(drawn), 2):
        if one.get_rotation() == other.get_rotation() == 45:
            apart = abs(here.x0 - there.x0) / np.sqrt(2)
            close = apart < one.get_fontsize() * drawn.dpi / 72
        else:
            wide = min(here.x1, there.x1) - max(here.x0, there.x0)
            high = min(here.y1, there.y1) - max(here.y0, there.y0)
            close = min(wide, high) > TALL * drawn.dpi / 72
        if close:
            yield one.get_text(), other.get_text()


def outside(drawn: Figure) -> list[str]:
    """Texts that leave the page."""
    page = drawn.bbox
    return [
        text.get_text()
        for text, box in texts(drawn)
        if min(box.x0, box.y0) < -0.5 or box.x1 > page.x1 + 0.5 or box.y1 > page.y1 + 0.5
    ]


@pytest.mark.parametrize("points", SIZES)
@pytest.mark.parametrize(("heads", "kind"), [(1, "self"), (1, "cross"), (4, "self"), (2, "cross")])
@pytest.mark.parametrize("style", STYLES)
def test_nothing_is_cut_off_and_nothing_touches(style: str, heads: int, kind: str, points: float) -> None:
    if style == "arcs" and kind == "cross":
        kind = "masked-self"
    drawn = figure([shown(heads, kind)], PlotOptions(style, font_size=points))
    assert outside(drawn) == []
    assert list(collisions(drawn)) == []


@pytest.mark.parametrize("points", SIZES)
@pytest.mark.parametrize("style", STYLES)
def test_labels_have_the_font_size_and_other_text_is_in_proportion(style: str, points: float) -> None:
    drawn = figure([shown(1)], PlotOptions(style, font_size=points))
    sizes = {text.get_text(): text.get_fontsize() for text, _ in texts(drawn)}
    assert sizes["I ate an apple"] == pytest.approx(points * LARGE / BODY)
    assert sizes["a caption that says what the picture shows"] == pytest.approx(points * SMALL / BODY)
    # Of running text no more than a part is in lines, and it is larger than labels; its query is named as they are.
    label = points if style != "text" else 1.3 * points
    assert sizes["apple"] == pytest.approx(label)


@pytest.mark.parametrize("style", STYLES)
def test_the_usual_size_is_that_of_nine_and_a_half_points(style: str) -> None:
    usual, asked = (
        picture(encoder_decoder(), [shown(2)], ".png", PlotOptions(style, font_size=f)) for f in (None, 9.5)
    )
    assert np.array_equal(*(np.asarray(Image.open(io.BytesIO(data))) for data in (usual, asked)))


def test_the_page_grows_with_its_text_and_a_given_page_does_not() -> None:
    small, large = (figure([shown(1)], PlotOptions(font_size=points)).get_size_inches() for points in (6, 16))
    assert (large > small).all()
    fixed = [figure([shown(1)], PlotOptions(font_size=points, size="6x4")) for points in (6, 16)]
    assert {tuple(drawn.get_size_inches()) for drawn in fixed} == {(6, 4)}
    assert [outside(drawn) + list(collisions(drawn)) for drawn in fixed] == [[], []]


def test_cells_do_not_change_while_their_labels_fit() -> None:
    inches = []
    for points in (9.5, 16):
        drawn = figure([shown(1)], PlotOptions(font_size=points))
        cells = max(drawn.axes, key=lambda axes: len(axes.get_yticklabels()))
        inches.append(cells.get_position().height * drawn.get_figheight())
    assert inches[0] == pytest.approx(inches[1], abs=0.02)


def test_a_page_of_pixels_is_written_in_the_same_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, float] = {}
    real = PalettePage.text

    def text(page: PalettePage, x: float, y: float, text: str, size: float, **style: object) -> None:
        written[text] = size
        real(page, x, y, text, size, **style)

    monkeypatch.setattr(PalettePage, "text", text)
    picture(encoder_decoder(), [shown(4)], ".png", PlotOptions(font_size=19))
    assert written["I ate an apple"] == pytest.approx(2 * LARGE)
    assert written["L1"] in (2 * BODY, 2 * SMALL)
    assert 12 <= written["apple"] <= 2 * SMALL
    drawn = {text.get_text(): text.get_fontsize() for text, _ in texts(figure([shown(4)], PlotOptions(font_size=19)))}
    assert {name: drawn[name] for name in ("L1", "apple")} == {name: written[name] for name in ("L1", "apple")}


@pytest.mark.parametrize("style", STYLES)
def test_font_size_applies_in_the_callers_axes(style: str) -> None:
    found = {}
    for points in (None, 20):
        page = Figure(figsize=(9, 7), layout="constrained")
        attnviz.plot(
            encoder_decoder(), kind="self", layers=1, heads=0, style=style, ax=page.add_subplot(), font_size=points
        )
        found[points] = {text.get_text(): text.get_fontsize() for text, _ in texts(page)}
    same = found[None].keys() & found[20].keys()
    assert {"apple", "I"} <= same
    for text in same:
        assert found[20][text] == pytest.approx(2 * found[None][text])


@pytest.mark.parametrize("points", [4, 40, 72])
@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("style", STYLES)
def test_a_single_token_can_be_drawn_at_the_extreme_sizes(style: str, heads: int, points: float) -> None:
    one = Trace(model="by hand", text="사과", attentions=(attention([[[1.0]]] * heads, ["사과"]),))
    picked = tuple((0, head) for head in range(heads))
    drawn = figure([scene(one, "self", picked, "사과", "")], PlotOptions(style, font_size=points))
    assert outside(drawn) == []
    assert list(collisions(drawn)) == []


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("style", STYLES)
def test_many_large_labels_do_not_touch(style: str, heads: int) -> None:
    words = [f"word{at}" for at in range(24)]
    even = attention([np.full((24, 24), 1 / 24)] * heads, words)
    long = Trace(model="by hand", text=" ".join(words), attentions=(even,))
    drawn = figure(
        [scene(long, "self", tuple((0, head) for head in range(heads)), "", "")], PlotOptions(style, font_size=16)
    )
    assert {text.get_text() for text, _ in texts(drawn)} >= set(words)
    assert outside(drawn) == []
    assert list(collisions(drawn)) == []


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("style", STYLES)
def test_labels_of_every_script_are_of_one_size(style: str, heads: int) -> None:
    labels = ["[CLS]", "그₁", "녀", "apple", "3"]
    mixed = Trace(model="by hand", text="그녀", attentions=(attention([np.full((5, 5), 0.2)] * heads, labels),))
    drawn = figure([scene(mixed, "self", tuple((0, head) for head in range(heads)), "", "")], PlotOptions(style))
    sizes = {text.get_fontsize() for text, _ in texts(drawn) if text.get_text() in labels}
    assert len(sizes) == 1


def test_hangul_is_as_large_as_latin_capitals() -> None:
    family = Typesetting(["가"]).files
    high = {char: TextPath((0, 0), char, 100, FontProperties(fname=family[at])).get_extents().height
            for at, chars in enumerate(("H", "그학")) for char in chars}  # fmt: skip
    assert high["그"] == pytest.approx(high["H"], rel=0.1)
    assert high["H"] < high["학"] < 1.3 * high["H"]


@pytest.mark.parametrize("points", [0, 3.9, 72.1, -1, float("nan"), float("inf")])
def test_font_sizes_out_of_range_are_refused(points: float) -> None:
    with pytest.raises(PlotOptionError, match=r"font size cannot be .*") as refused:
        PlotOptions(font_size=points)
    assert refused.value.hint == "From 4 to 72 points."


def test_the_sizes_of_typesetting_are_in_proportion() -> None:
    typesetting = Typesetting([], 19)
    assert (typesetting.small, typesetting.body, typesetting.large) == (2 * SMALL, 19, 2 * LARGE)
    assert typesetting.zoom == 2
