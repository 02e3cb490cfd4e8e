"""Palettes: lightness is monotonic, steps look equal, and text on each colour is readable."""

import numpy as np
import pytest

from attnviz.render.colours import ink, palette
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.scene import top_of

TO_LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
"""From linear RGB to what the cones for long, middle and short waves take up, as OKLab has them."""


def linear(colours: np.ndarray) -> np.ndarray:
    rgb = colours / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(colours: np.ndarray) -> np.ndarray:
    return linear(colours) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(("name", "rises"), [("violet", 1), ("white", -1)])
def test_the_lightness_of_a_palette_is_monotonic_so_that_it_can_be_read_in_grey(name: str, rises: int) -> None:
    assert (rises * np.diff(luminance(palette(name).astype(float))) > 0).all()


def test_on_white_a_weight_of_0_is_white_and_the_largest_is_nearly_black() -> None:
    assert palette("white")[0].tolist() == [255, 255, 255]
    assert luminance(palette("white")[-1].astype(float)) < 0.01


def test_a_palette_gets_darker_for_colour_blind_readers_too() -> None:
    """Whoever lacks the cones for long, middle or short waves sees by one of the two others, or both."""
    long, middle, _ = (linear(palette("white").astype(float)) @ np.array(TO_LMS).T).T
    assert (np.diff(long) < 0).all()
    assert (np.diff(middle) < 0).all()


@pytest.mark.parametrize("name", ["violet", "white"])
def test_the_steps_of_a_palette_look_equal(name: str) -> None:
    """In OKLab, by colour-science's rule of thumb: no tenth of the map is much longer than another."""
    to_lab = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]]
    to_lab.append([0.0259040371, 0.7827717662, -0.8086757660])
    lab = np.cbrt(linear(palette(name).astype(float)) @ np.array(TO_LMS).T) @ np.array(to_lab).T
    steps = np.linalg.norm(np.diff(lab[::25], axis=0), axis=1)
    assert steps.max() / steps.min() < 1.1


@pytest.mark.parametrize("name", ["violet", "white", "grey"])
def test_text_on_every_colour_has_contrast(name: str) -> None:
    for colour in palette(name):
        light = luminance(colour.astype(float))
        contrast = 1.05 / (light + 0.05) if ink(colour) == "#ffffff" else (light + 0.05) / 0.05
        assert contrast >= 4.5


def test_weights_above_the_scale_are_drawn_as_its_end() -> None:
    scale = scale_of(PlotOptions(vmax=0.5), [0.9])
    assert scale.indices(np.array([0, 0.25, 0.5, 0.9])).tolist() == [0, 128, 255, 255]


@pytest.mark.parametrize(
    ("largest", "top"), [(0.83, 0.85), (0.5, 0.5), (1.0, 1.0), (0.99, 1.0), (0.021, 0.025), (0.0, 1.0)]
)
def test_the_scale_ends_at_an_easy_number(largest: float, top: float) -> None:
    assert top_of(largest) == top
