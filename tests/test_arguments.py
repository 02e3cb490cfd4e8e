"""Arguments of Python callers that are not valid: the error has the right type, the value and a hint."""

import numpy as np
import pytest
from matplotlib import colormaps, pyplot
from matplotlib.colors import ListedColormap

import attnviz
from attnviz.errors import AttnvizError, FileError, InputError, ModelError, PlotOptionError, SelectionError

TRACE = attnviz.trace("I ate an apple")


def drawn(**options):
    return lambda: attnviz.plot(TRACE, **options)


def traced(**options):
    return lambda: attnviz.trace("a b", **options)


REFUSED = [
    (lambda: attnviz.plot("x"), InputError, "'x'", "attnviz.trace('x')"),
    (lambda: attnviz.plot(None), InputError, "None", "attnviz.trace(TEXT)"),
    (drawn(cmap=3), PlotOptionError, "cmap cannot be 3", "viridis, or a Colormap"),
    (drawn(cmap=["red"]), PlotOptionError, "cmap cannot be ['red']", "viridis, or a Colormap"),
    (drawn(vmax="a"), PlotOptionError, "vmax cannot be 'a'", "up to 1"),
    (drawn(dpi="x"), PlotOptionError, "dpi cannot be 'x'", "300"),
    (drawn(font_size="big"), PlotOptionError, "font_size cannot be 'big'", "9.5"),
    (drawn(title=3), PlotOptionError, "title cannot be 3", "''"),
    (drawn(style="text", query=3.5), PlotOptionError, "query cannot be 3.5", "'3'"),
    (drawn(style=None), PlotOptionError, "style cannot be None", "heatmap, lines"),
    (drawn(style=[1]), PlotOptionError, "style cannot be [1]", "heatmap, lines"),
    (drawn(theme=[1]), PlotOptionError, "theme cannot be [1]", "light, dark"),
    (drawn(log="yes"), PlotOptionError, "log cannot be 'yes'", "True or False"),
    (drawn(annotate=[]), PlotOptionError, "annotate cannot be []", "True or False"),
    (drawn(colorbar=None), PlotOptionError, "colorbar cannot be None", "True or False"),
    (drawn(transparent=np.zeros(2)), PlotOptionError, "transparent cannot be array(", "True or False"),
    (drawn(ax=3), PlotOptionError, "ax cannot be 3", "pyplot.gca()"),
    (drawn(kind=3), SelectionError, "3 is not a kind", "self, masked-self, cross"),
    (traced(kinds=3), SelectionError, "3 is not a kind", "self, masked-self, cross"),
    (traced(kinds=[["self"]]), SelectionError, "['self'] is not a kind", "self, masked-self, cross"),
    (traced(words="x"), SelectionError, "words cannot be 'x'", "True or False"),
    (traced(words=None), SelectionError, "words cannot be None", "True or False"),
    (traced(trust_remote_code="no"), ModelError, "trust_remote_code cannot be 'no'", "True or False"),
    (lambda: attnviz.open(None), FileError, "None", '"trace.safetensors"'),
    (lambda: attnviz.open(3), FileError, "3", '"trace.safetensors"'),
    (lambda: TRACE.save(None), FileError, "None", '"trace.safetensors"'),
    (lambda: TRACE["self"].weights([1]), SelectionError, "layer [1]", "0-3"),
    (lambda: TRACE["self"].weights("1"), SelectionError, "layer '1'", "0-3"),
    (lambda: TRACE["self"].weights(np.array([0, 1])), SelectionError, "layer array([0, 1])", "0-3"),
    (lambda: TRACE["self"].heads([1]), SelectionError, "layer [1]", "0-3"),
    (lambda: TRACE["self"].matrix(1, [1]), SelectionError, "head [1]", "0-3"),
    (lambda: TRACE["self"].matrix(1, np.array([0, 1])), SelectionError, "head array([0, 1])", "0-3"),
    (lambda: TRACE[["self"]], SelectionError, "has no ['self']", "self, masked-self, cross"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "says", "hint"), REFUSED, ids=lambda one: one if isinstance(one, str) else ""
)
def test_an_invalid_argument_is_refused_with_its_value_and_a_hint(call, error, says, hint):
    with pytest.raises(AttnvizError) as caught:
        call()
    assert type(caught.value) is error
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_numbers_and_flags_of_numpy_are_accepted():
    axes = drawn(vmax=np.float32(0.5), dpi=np.int64(60), log=np.True_, annotate=np.False_)()
    pyplot.close(axes.figure)
    assert (TRACE["self"].matrix(np.int64(1), np.int32(2)) == TRACE["self"].weights(1)[2]).all()


@pytest.fixture
def registered():
    """A colour map that is registered as other libraries do it."""
    colour_map = ListedColormap(["white", "red"], "of_another_library")
    colormaps.register(colour_map)
    yield colour_map
    colormaps.unregister("of_another_library")


def test_a_colour_map_is_a_name_or_an_object_of_matplotlib(registered):
    seen = []
    for cmap in ("of_another_library", registered, "viridis", colormaps["viridis"]):
        axes = drawn(cmap=cmap)()
        axes.figure.canvas.draw()
        seen.append(np.asarray(axes.figure.canvas.buffer_rgba()).copy())
        pyplot.close(axes.figure)
    assert (seen[0] == seen[1]).all()
    assert (seen[2] == seen[3]).all()
    assert (seen[1] != seen[2]).any()


@pytest.mark.parametrize("name", ["zz.png", "zz", "zz.SAFETENSORS"])
def test_a_trace_is_saved_only_under_a_name_with_its_ending(name, tmp_path):
    with pytest.raises(FileError, match=f"a trace is not saved as {name}\nName it x.safetensors"):
        TRACE.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
