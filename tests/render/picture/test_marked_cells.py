"""The cells of a link are framed in its heatmaps, wherever other cells are left out."""

import numpy as np
from handmade_traces import encoder_decoder

from attnviz.render.named_link import named_links
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure
from attnviz.render.plan import link_scenes


def frames(options: PlotOptions, count: int = 2) -> list[list[tuple[float, float]]]:
    """The middles of the frames in each heatmap, as column and row; each is drawn twice, on paper and in ink."""
    trace = encoder_decoder()
    scenes = link_scenes(trace, named_links(trace, "ate", "apple")[0], options, count)
    drawn = figure(scenes, options)
    of_axes = (
        {tuple(np.mean(patch.get_xy()[:4], 0).tolist()) for patch in axes.patches if not patch.get_fill()}
        for axes in drawn.axes
    )
    return [sorted(found) for found in of_axes if found]


def test_each_heatmap_has_its_cell_in_a_frame() -> None:
    assert frames(PlotOptions()) == [[(3.0, 1.0)], [(3.0, 1.0)]]


def test_captions_give_the_weight_and_its_baselines() -> None:
    trace = encoder_decoder()
    first, second = link_scenes(trace, named_links(trace, "ate", "apple")[0], count=2)
    assert first.title.startswith("I ate an apple")
    assert second.title == ""
    assert first.names == ("L1H1",)
    said = "from ate to apple: 0.96, 3.8 × what uniform attention gives; the other rows give 0.22"
    assert said in first.caption
