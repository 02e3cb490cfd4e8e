"""A, B and their difference as scenes and as a picture."""

import io
from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder
from PIL import Image

import attnviz
from attnviz.attention import Trace
from attnviz.errors import PlotOptionError
from attnviz.render.colours import oklab
from attnviz.render.comparison import comparison_picture, comparison_scenes
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure
from attnviz.render.picture.cells import Cells
from attnviz.render.scale import scale_of

A, B = ([[0.5, 0.5, 0], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1]], [[0.5, 0.1, 0.4], [0.2, 0.3, 0.5], [0.5, 0.4, 0.1]])


def two_heads() -> Trace:
    return Trace("by hand", "a b c", (attention([A, B]),))


def compared():
    return attnviz.compare(two_heads(), heads="L0H0", with_heads="L0H1")


def test_the_scenes_are_both_heads_and_the_signed_difference() -> None:
    a, b, difference = comparison_scenes(compared())
    np.testing.assert_allclose(a.matrices[0], A)
    np.testing.assert_allclose(b.matrices[0], B)
    np.testing.assert_allclose(difference.matrices[0], np.subtract(A, B), atol=1e-6)
    assert [one.title for one in (a, b, difference)] == ["a b c\nA: L0H0", "\nB: L0H1", "\nA − B"]
    assert (a.signed, b.signed, difference.signed) == (False, False, True)
    assert (a.quantity, difference.quantity) == ("attention weight", "A − B")


def test_a_difference_without_negative_numbers_has_a_scale_of_both_signs_too() -> None:
    same = attnviz.compare(two_heads(), heads="L0H0", with_heads="L0H0")
    difference = comparison_scenes(same)[-1]
    assert difference.signed
    assert not difference.matrices.any()


def test_what_is_left_out_and_the_notes_of_both_traces_stand_at_the_foot() -> None:
    first, second = (replace(two_heads(), notes=(note,)) for note in ("one", "two"))
    second = replace(second, attentions=(attention([B], ["a", "b", "x"]),))
    *_, difference = comparison_scenes(attnviz.compare(first, second))
    left_out = "not compared: self-attention: head 1 of layer 0 only in A; left over in A: c; left over in B: x"
    assert difference.notes == (left_out, "one", "two")


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_in_the_file_0_has_the_colour_in_the_middle_and_both_signs_are_as_far_from_it(theme: str) -> None:
    options = PlotOptions(theme=theme, annotate=False, dpi=100)
    comparison = compared()
    png = np.asarray(Image.open(io.BytesIO(comparison_picture(comparison, ".png", options))).convert("RGB"))
    drawn = figure(comparison_scenes(comparison), options)
    *_, axes = (one for one in drawn.axes if any(isinstance(image, Cells) for image in one.images))
    (x0, y0), (x1, y1) = axes.get_position().get_points()
    height, width = png.shape[:2]

    def pixel(row: int, column: int) -> np.ndarray:
        x, y = x0 + (x1 - x0) * (column + 0.3) / 3, y1 - (y1 - y0) * (row + 0.3) / 3
        return png[int((1 - y) * height), int(x * width)]

    zero, plus, minus = pixel(0, 0), pixel(0, 1), pixel(0, 2)  # 0, +.4 and −.4
    np.testing.assert_array_equal(zero, scale_of(options, [0.4], signed=True).colours[128])
    for row, column in ((1, 0), (1, 1), (1, 2), (2, 2)):
        np.testing.assert_array_equal(pixel(row, column), zero)
    far, near = oklab(np.array([plus, minus])), oklab(zero)
    lighter, darker = np.abs(far - near)[:, 0]
    assert lighter == pytest.approx(darker, abs=0.05)
    assert lighter > 0.3
    assert np.linalg.norm(far[0, 1:] - far[1, 1:]) > 0.15
    paper = {"light": (255, 255, 255), "print": (255, 255, 255)}.get(theme)
    assert paper is None or tuple(zero) == paper


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_comparison_gives_the_same_file(suffix: str) -> None:
    assert comparison_picture(compared(), suffix) == comparison_picture(compared(), suffix)


def test_the_file_says_what_is_compared() -> None:
    comparison = attnviz.compare(two_heads(), replace(encoder_decoder(), attentions=two_heads().attentions))
    about = Image.open(io.BytesIO(comparison_picture(comparison))).info["Description"]
    assert "compared text: I ate an apple" in about
    assert "self-attention A − B" in about


def test_the_three_stand_side_by_side_however_long_the_text_is() -> None:
    words = [f"w{index}" for index in range(60)]
    trace = Trace("by hand", " ".join(words), (attention(np.full((1, 60, 60), 1 / 60), words),))
    width, height = Image.open(io.BytesIO(comparison_picture(attnviz.compare(trace, trace)))).size
    assert width > 2 * height


@pytest.mark.parametrize(
    "given", [{"style": "lines"}, {"sink": "mask"}, {"special": "hide"}, {"size": "8x4"}, {"size": 2}]
)
def test_an_option_that_a_comparison_does_not_have_is_refused(given) -> None:
    with pytest.raises(PlotOptionError):
        comparison_picture(compared(), ".png", PlotOptions(**given))


def test_the_picture_has_the_given_width() -> None:
    picture = Image.open(io.BytesIO(comparison_picture(compared(), ".png", PlotOptions(size=9, dpi=100))))
    assert picture.size[0] == 900
