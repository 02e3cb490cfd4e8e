"""Heatmaps side by side."""

import io

import numpy as np
import pytest
from handmade_traces import attention
from matplotlib import pyplot
from PIL import Image

import attnviz
from attnviz.attention import Trace
from attnviz.errors import InputError, PlotOptionError
from attnviz.render.named_link import named_links
from attnviz.render.picture import figure, picture
from attnviz.render.picture.cells import Cells
from attnviz.render.plan import link_scenes


def scenes(tokens: int, heads: int = 3):
    words = [f"word{index}" for index in range(tokens)]
    weights = np.random.default_rng(3).dirichlet(np.ones(tokens), (heads, tokens))
    trace = Trace("by hand", " ".join(words), (attention(weights, words),))
    return trace, link_scenes(trace, named_links(trace, "word0", "word1")[0], count=heads)


def cells(shown):
    """The axes that hold cells, and no colour bar."""
    return [axes for axes in figure(shown).axes if any(isinstance(image, Cells) for image in axes.images)]


@pytest.mark.parametrize(("tokens", "heads", "is_wide"), [(4, 3, True), (4, 2, True), (30, 3, False)])
def test_heatmaps_stand_side_by_side_where_they_fit(tokens: int, heads: int, is_wide: bool) -> None:
    width, height = Image.open(io.BytesIO(picture(*scenes(tokens, heads)))).size
    assert (width > 1.3 * height) == is_wide


def test_cells_begin_at_the_same_height_and_are_as_large() -> None:
    _, three = scenes(4)
    axes = cells(three)
    boxes = np.array([one.get_position().extents for one in axes])
    assert len(boxes) == 3
    assert boxes[:, 1] == pytest.approx(boxes[0, 1], abs=2e-3)
    assert boxes[:, 3] == pytest.approx(boxes[0, 3], abs=2e-3)
    assert (np.diff(boxes[:, 0]) > boxes[0, 2] - boxes[0, 0]).all()


def test_more_than_fit_into_a_row_are_divided_evenly() -> None:
    _, six = scenes(4, 6)
    axes = cells(six)
    tops = [round(one.get_position().y1, 2) for one in axes]
    assert [tops.count(top) for top in dict.fromkeys(tops)] == [3, 3]


def test_a_list_is_drawn_as_a_row_of_panels_with_one_scale():
    weak, strong = (Trace("by hand", "a b", (attention([[[p, 1 - p], [0.5, 0.5]]]),)) for p in (0.5, 0.1))
    axes = attnviz.plot([weak, strong["self"]])
    assert len(axes) == 2
    assert axes[0].figure is axes[1].figure
    limits = [image.get_clim() for one in axes for image in one.images if isinstance(image, Cells)]
    assert limits == [(0, 0.9), (0, 0.9)]
    assert axes[0].get_position().x1 < axes[1].get_position().x0
    assert axes[0].get_title().startswith("a b")
    _, own = pyplot.subplots(1, 2)
    assert attnviz.plot([weak, strong], ax=own) == list(own)
    with pytest.raises(PlotOptionError, match="axes of 2 panels"):
        attnviz.plot([weak, strong], ax=own[0])
    with pytest.raises(InputError, match="is no trace"):
        attnviz.plot(["I ate", "I sold"])
    pyplot.close("all")
