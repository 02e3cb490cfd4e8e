"""What every drawing in the terminal has in common."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType
from traces import HOSTILE, decoder_only, encoder_decoder, labelled

from attnviz.attention import Trace
from attnviz.render import on_screen
from attnviz.render.look import Look
from attnviz.render.scene import scene
from attnviz.render.terminal.table import table


def drawing(trace: Trace, kind: str, style: str, heads: int) -> Callable[[], RenderableType]:
    layer = trace[kind].layers[0]
    some = tuple((layer, head) for head in range(heads))
    return lambda: on_screen(scene(trace, kind, some, title="a title", caption="a caption"), Look(style))


TRACES = {
    "encoder": (encoder_decoder(), "self", 2),
    "decoder": (encoder_decoder(), "masked-self", 2),
    "cross": (encoder_decoder(), "cross", 2),
    "decoder only": (decoder_only(), "masked-self", 1),
    "hostile": (labelled(HOSTILE), "self", 1),
    "many words": (labelled([f"w{i}" for i in range(70)]), "self", 1),
}
DRAWINGS = {
    f"{name} {style} {heads}": drawing(trace, kind, style, heads)
    for name, (trace, kind, most) in TRACES.items()
    for style in ("heatmap", "lines", "text")
    for heads in {1, most}
} | {f"{name} table": (lambda trace=trace: table(trace)) for name, (trace, _, _) in TRACES.items()}


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
def test_no_line_ends_in_a_space(name: str, width: int) -> None:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None, _environ={}).print(DRAWINGS[name]())
    lines = file.getvalue().split("\n")
    assert [line for line in lines if line.endswith(" ")] == []
    assert len(lines) > 3
