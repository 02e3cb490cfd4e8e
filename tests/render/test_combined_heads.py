"""Several heads drawn as one: their mean, or the largest weight of each cell."""

import numpy as np
import pytest
from command_line import run
from handmade_traces import encoder_decoder, hybrid

import attnviz
from attnviz.errors import PlotOptionError
from attnviz.pooling import combine_heads
from attnviz.render.options import PlotOptions
from attnviz.render.plan import plot_scene
from attnviz.selection import Selection


def test_heads_of_several_layers_are_combined_by_their_mean_or_their_maximum() -> None:
    attention = encoder_decoder()["self"]
    every = np.concatenate([attention.weights(layer) for layer in attention.layers])
    np.testing.assert_allclose(combine_heads(attention, "mean").matrix(0, 0), every.mean(0), atol=1e-6)
    np.testing.assert_allclose(combine_heads(attention, "max").matrix(0, 0), every.max(0))
    assert combine_heads(attention, "mean").matrix(0, 0).sum(-1) == pytest.approx(1)


def test_layers_with_other_numbers_of_heads_count_each_head_once() -> None:
    attention = hybrid()["masked-self"]
    every = np.concatenate([attention.weights(layer) for layer in attention.layers])
    assert len(every) == 4
    np.testing.assert_allclose(combine_heads(attention, "mean").matrix(0, 0), every.mean(0), atol=1e-6)


@pytest.mark.parametrize(("how", "name"), [("mean", "mean of 2 heads"), ("max", "maximum of 2 heads")])
def test_named_heads_are_combined_and_the_name_says_so(how: str, name: str) -> None:
    selection = Selection.of(layers=1, kinds="self")
    trace = selection.apply(encoder_decoder())
    scene, choice = plot_scene(trace, selection, PlotOptions(**{how: True}))
    assert choice is None
    assert scene.names == (name,)
    assert f"{name}: layer 1, heads 0-1" in scene.caption
    assert scene.matrices.shape == (1, 4, 4)


def test_mean_and_max_together_are_refused() -> None:
    with pytest.raises(PlotOptionError, match="by their mean or by their maximum"):
        PlotOptions(mean=True, max=True)


def test_heads_are_combined_on_the_command_line_and_from_python(tmp_path) -> None:
    done = run("plot", "I ate an apple", "--layer", "3", "--mean")
    assert (done.code, done.err) == (0, "")
    assert "mean of 4 heads: layer 3, heads 0-3" in done.out
    assert run("plot", "I ate an apple", "--max", "-o", tmp_path / "x.png").code == 0
    refused = run("plot", "I ate an apple", "--mean", "-o", tmp_path / "x.json")
    assert "--mean would change nothing: the output is numbers" in refused.err
    axes = attnviz.plot(encoder_decoder(), kind="self", mean=True)
    assert "mean of 4 heads" in axes.get_title()
