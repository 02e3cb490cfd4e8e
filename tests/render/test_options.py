"""Plot options: which values are accepted, and the errors for others."""

import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from attnviz.errors import PlotOptionError
from attnviz.render.options import PlotOptions
from attnviz.render.scale import Scale, scale_of

REFUSED = {
    "Style: heatmap, lines, arcs, text.": {"style": "bars"},
    "Theme: light, dark, print.": {"theme": "Dark"},
    "up to 1": {"vmax": 1.5},
    "above 0": {"vmax": 0.0},
    "20 to 2400": {"dpi": 3000},
    "To show one query: style text": {"query": "ate"},
    "Styles with numbers: heatmap, text": {"style": "arcs", "annotate": True},
    "viridis": {"cmap": "Viridiss"},
    "6.5x4": {"size": "wide"},
    "From 1 to 100": {"size": 0.2},
    "width and height": {"size": (1, 2, 3)},
    "Inches": {"size": "nanx4"},
}


@pytest.mark.parametrize("hint", REFUSED)
def test_an_option_that_cannot_be_drawn_is_refused_with_a_hint(hint):
    with pytest.raises(PlotOptionError, match=re.escape(hint)):
        PlotOptions(**REFUSED[hint])


def test_vmax_cannot_be_nan():
    with pytest.raises(PlotOptionError):
        PlotOptions(vmax=float("nan"))


@pytest.mark.parametrize(
    ("size", "inches"),
    [(None, (None, None)), (6.5, (6.5, None)), ("6.5", (6.5, None)), ("6.5x4", (6.5, 4.0)), ((8, 3), (8.0, 3.0))],
)
def test_a_size_is_a_width_or_width_and_height(size, inches):
    assert PlotOptions(size=size).inches == inches


def test_given_options_are_those_that_differ_from_the_default():
    assert PlotOptions().given == {}
    assert PlotOptions(style="lines", log=False, vmax=0.5).given == {"style": "lines", "vmax": 0.5}
    with pytest.raises(FrozenInstanceError):
        PlotOptions().style = "arcs"


def test_a_linear_scale_begins_at_0():
    scale = scale_of(PlotOptions(), [0.3, 0.8], 0.77)
    assert (scale.bottom, scale.top, scale.above) == (0.0, 0.8, False)
    assert scale.fractions(np.array([0.0, 0.2, 0.8, 1.0])).tolist() == pytest.approx([0, 0.25, 1, 1])
    assert scale.ticks() == [(0.0, "0"), (0.5, "0.4"), (1.0, "0.8")]


def test_a_scale_with_larger_weights_marks_its_last_label():
    scale = scale_of(PlotOptions(vmax=0.5), [0.95], 0.93)
    assert (scale.top, scale.above) == (0.5, True)
    assert scale.ticks()[-1] == (1.0, "≥0.5")
    assert not scale_of(PlotOptions(vmax=0.5), [0.5], 0.45).above


def test_a_logarithmic_scale_covers_three_powers_of_ten():
    scale = scale_of(PlotOptions(log=True), [1.0], 1.0)
    assert scale.bottom == pytest.approx(0.001)
    assert scale.fractions(np.array([0, 0.0001, 0.001, 0.01, 0.1, 1])).tolist() == pytest.approx(
        [0, 0, 0, 1 / 3, 2 / 3, 1]
    )
    assert [label for _, label in scale.ticks()] == ["≤0.001", "0.01", "0.1", "1"]
    assert [scale.weight(part) for part, _ in scale.ticks()] == pytest.approx([0.001, 0.01, 0.1, 1])
    assert scale.meaning == "attention weight (log)"


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("log", [False, True])
def test_the_index_of_a_colour_grows_with_the_weight(theme, log):
    scale = scale_of(PlotOptions(theme=theme, log=log), [0.9], 0.9)
    indices = scale.indices(np.linspace(0, 1, 500)).astype(int)
    assert (indices[0], indices[-1]) == (0, 255)
    assert (np.diff(indices) >= 0).all()


def luminance(scale: Scale) -> np.ndarray:
    return scale.colours @ [0.2126, 0.7152, 0.0722]


def test_the_print_theme_is_grey_and_light_for_small_weights():
    scale = scale_of(PlotOptions(theme="print"), [1.0])
    assert (np.ptp(scale.colours.astype(int), axis=1) <= 2).all()
    assert (np.diff(luminance(scale)) < 1e-9).all()
    assert luminance(scale)[0] > 230


@pytest.mark.parametrize(("theme", "background"), [("light", "#ffffff"), ("dark", "#22242c")])
def test_text_without_weight_has_the_background_of_the_page(theme, background):
    first = scale_of(PlotOptions(style="text", theme=theme), [1.0]).for_backgrounds.colours[0].astype(int)
    assert np.abs(first - [int(background[at : at + 2], 16) for at in (1, 3, 5)]).max() <= 4


def test_a_colour_map_of_matplotlib_gives_the_colours():
    from matplotlib import colormaps

    scale = scale_of(PlotOptions(cmap="viridis"), [1.0])
    for index in (0, 77, 255):
        assert scale.colours[index].tolist() == [*colormaps["viridis"](index / 255, bytes=True)[:3]]
    assert scale.for_backgrounds is scale
    assert scale.line_colours(np.array([0.0, 1.0])).tolist() == (scale.colours[[0, 255]] / 255).tolist()
