"""A trace in Jupyter, run by a real IPython in a separate process."""

import base64
import io
import re
import subprocess
import sys

import pytest
from handmade_traces import attention, decoder_only, encoder_decoder
from PIL import Image

from attnviz.analysis import choose_head
from attnviz.attention import Trace
from attnviz.notebook import heatmap
from attnviz.selection import Selection

SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
result = shell.run_cell({cell!r}, store_history=False)
result.raise_error()
data, _ = shell.display_formatter.format(result.result)
print(sorted(data))
print(data["text/plain"])
print(data.get("image/png", b"").hex() if isinstance(data.get("image/png"), bytes) else data.get("image/png"))
"""


def in_ipython(cell: str) -> tuple[list[str], str, str]:
    """What IPython shows for the last expression of `cell`: the types, the text, and the PNG."""
    done = subprocess.run(
        [sys.executable, "-c", SHELL.format(cell=cell)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    kinds, text, png = done.stdout.strip().split("\n")[-3:]
    return eval(kinds), text, png


@pytest.mark.parametrize("way", ["attnviz.trace('I ate an apple')", "attnviz.open({path!r})"])
def test_a_notebook_shows_a_trace_as_a_picture_and_a_short_text(way, tmp_path):
    path = str(encoder_decoder().save(tmp_path / "t.safetensors"))
    kinds, text, png = in_ipython(f"import attnviz\n{way.format(path=path)}")
    assert kinds == ["image/png", "text/plain"]
    assert text.startswith("<Trace of 'I ate an apple' by ")
    assert len(text) < 200
    data = bytes.fromhex(png) if png[0] != "i" else base64.b64decode(png)
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    assert min(picture.size) > 100


def test_other_objects_are_shown_as_before():
    kinds, text, _ = in_ipython("import attnviz\nattnviz.trace('I ate an apple')['self'].layers")
    assert (kinds, text) == (["text/plain"], "(0, 1, 2, 3)")


def test_in_a_notebook_importing_attnviz_imports_no_matplotlib():
    _, text, _ = in_ipython(
        "import attnviz, sys\nsorted({'matplotlib', 'torch', 'attnviz.attention'} & set(sys.modules))"
    )
    assert "attnviz.attention" not in text
    assert "torch" not in text


@pytest.mark.parametrize(
    "trace",
    [encoder_decoder(), decoder_only(), decoder_only(["one"]), Trace("m", "a b", (attention([[[0.5, 0.5], [0, 0]]]),))],
)
def test_every_trace_has_a_heatmap(trace):
    assert Image.open(io.BytesIO(heatmap(trace))).size[0] > 100


def test_the_heatmap_shows_the_head_that_plot_chooses():
    trace = encoder_decoder()
    choice = choose_head(trace)

    def only(layer: int, head: int) -> bytes:
        return heatmap(Selection.of(layer, head, choice.kind).apply(trace))

    assert heatmap(trace) == only(choice.layer, choice.head)
    assert heatmap(trace) != only(1 - choice.layer, choice.head)


def test_the_interactive_page_shows_itself_in_a_frame_that_reaches_nothing():
    kinds, text, _ = in_ipython("import attnviz\nattnviz.trace('I ate an apple').view()")
    assert kinds == ["text/html", "text/plain"]
    assert re.fullmatch(r"<Page of 0\.\d MB>", text)
    frame = encoder_decoder().view()._repr_html_()
    assert 'sandbox="allow-scripts allow-downloads"' in frame
    assert frame.count("<") == 2  # the page is an attribute of the frame, none of it markup of the notebook


def test_a_comparison_shows_itself_as_its_three_pictures(tmp_path):
    path = str(encoder_decoder().save(tmp_path / "t.safetensors"))
    kinds, text, png = in_ipython(f"import attnviz\nattnviz.compare({path!r}, heads='L1H1', with_heads='L0H1')")
    assert kinds == ["image/png", "text/plain"]
    assert text.startswith("<Comparison of L1H1 and L0H1")
    width, height = Image.open(io.BytesIO(bytes.fromhex(png) if png[0] != "i" else base64.b64decode(png))).size
    assert width > 2 * height
