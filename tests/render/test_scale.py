"""The colour scale: the fraction and the label of a weight."""

import numpy as np
import pytest

from attnviz.render.colours import oklab
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of, spaced_ticks


@pytest.mark.parametrize("vmax", [0.3, 0.07, 0.9, 1.0])
@pytest.mark.parametrize("log", [False, True])
def test_fractions_are_between_0_and_1_and_grow_with_the_weight(vmax: float, log: bool) -> None:
    weights = np.concatenate([[0], np.logspace(-7, 0, 400)])
    parts = scale_of(PlotOptions(vmax=vmax, log=log), [1.0]).fractions(weights)
    assert parts.min() == 0.0
    assert parts.max() == 1.0  # not a rounding error more, which no colour has
    assert (np.diff(parts) >= 0).all()


@pytest.mark.parametrize(
    ("top", "labels"),
    [
        (1.0, ["0", "0.5", "1"]),
        (0.95, ["0", "0.5", "0.95"]),
        (0.8, ["0", "0.4", "0.8"]),
        (0.05, ["0", "0.025", "0.05"]),
        (0.9, ["0", "0.45", "0.9"]),
    ],
)
def test_the_middle_label_is_easy_to_read_and_at_the_position_of_its_weight(top: float, labels: list[str]) -> None:
    scale = scale_of(PlotOptions(vmax=top), [1.0])
    assert [label for _, label in scale.ticks()] == labels
    assert [part for part, _ in scale.ticks()] == pytest.approx([float(label) / top for label in labels])


def test_labels_that_would_touch_are_left_out_except_at_the_ends() -> None:
    ticks = [(0.0, "a"), (0.05, "b"), (0.5, "c"), (0.55, "d"), (0.95, "e"), (1.0, "f")]
    assert "".join(label for _, label in spaced_ticks(ticks, 0.1)) == "acf"
    assert spaced_ticks(ticks, 0.0) == ticks
    assert "".join(label for _, label in spaced_ticks(ticks, 2.0)) == "af"


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_negative_and_positive_weights_have_colours_equally_far_from_0(theme):
    scale = scale_of(PlotOptions(theme=theme), [0.5], 0.5, signed=True)
    assert scale.indices(np.array([-0.5, 0.0, 0.5, -0.7])).tolist() == [0, 128, 255, 0]
    assert [label for _, label in scale.ticks()] == ["−0.5", "0", "0.5"]
    assert (scale.weight(0.0), scale.weight(0.5), scale.weight(1.0)) == (-0.5, 0.0, 0.5)
    negative, zero, positive = oklab(scale.colours[[0, 128, 255]])
    assert abs(negative[0] - zero[0]) == pytest.approx(abs(positive[0] - zero[0]), abs=0.05)
    assert np.linalg.norm(negative[1:] - positive[1:]) > 0.15
