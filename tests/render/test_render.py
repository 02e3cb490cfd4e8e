"""The table of outputs, and what importing it costs."""

import subprocess
import sys

import pytest
from handmade_traces import encoder_decoder

from attnviz.attention.trace_file import open_trace
from attnviz.errors import FileError
from attnviz.render import OUTPUTS, render, writer
from attnviz.render.scene import scene


@pytest.mark.parametrize("suffix", OUTPUTS)
def test_every_output_gives_the_same_bytes_again(suffix: str) -> None:
    trace = encoder_decoder()
    scenes = [scene(trace, "self", ((1, 1),)), scene(trace, "cross", ((0, 0), (0, 1)))]
    data = render(trace, scenes, suffix)
    assert data
    assert data == render(encoder_decoder(), scenes, suffix.upper())


def test_safetensors_is_the_trace(tmp_path) -> None:
    path = tmp_path / "t.safetensors"
    path.write_bytes(render(encoder_decoder(), [], ".safetensors"))
    assert open_trace(path).kinds == ("self", "masked-self", "cross")


@pytest.mark.parametrize(
    ("suffix", "says"), [(".html", "by other commands"), (".gif", ".gif"), ("", "without an ending")]
)
def test_other_endings_are_refused_with_those_that_work(suffix: str, says: str) -> None:
    with pytest.raises(FileError, match=says) as caught:
        writer(suffix)
    assert ".png, .svg, .pdf" in caught.value.hint


def run(code: str) -> str:
    """What `code` prints in a fresh process."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


LOADED = "import sys; print(*sorted({'torch', 'transformers', 'matplotlib', 'numpy', 'PIL'} & set(sys.modules)))"


def test_importing_the_table_is_light() -> None:
    assert run(f"import attnviz.render; {LOADED}") == ""


def test_the_terminal_needs_only_numpy_and_rich() -> None:
    assert run(f"import attnviz.render.terminal.heatmap, attnviz.render.terminal.grid; {LOADED}") == "numpy"


def test_a_picture_needs_neither_pyplot_nor_torch() -> None:
    loaded = run(
        "import sys, attnviz.render.picture; print('matplotlib.pyplot' in sys.modules, 'torch' in sys.modules)"
    )
    assert loaded == "False False"
