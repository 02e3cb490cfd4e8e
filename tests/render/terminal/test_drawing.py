"""What all drawings in the terminal share."""

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, labelled
from rich.console import Console, RenderableType

from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.render import on_screen
from attnviz.render.options import PlotOptions
from attnviz.render.scene import scene
from attnviz.render.terminal.head_table import HeadTable


def drawing(trace: Trace, kind: str, style: str, heads: int) -> Callable[[], RenderableType]:
    layer = trace[kind].layers[0]
    some = tuple((layer, head) for head in range(heads))
    return lambda: on_screen(scene(trace, kind, some, title="a title", caption="a caption"), PlotOptions(style))


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
} | {f"{name} table": (lambda trace=trace: HeadTable(trace)) for name, (trace, _, _) in TRACES.items()}


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
def test_no_line_ends_in_a_space(name: str, width: int) -> None:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None, _environ={}).print(DRAWINGS[name]())
    lines = file.getvalue().split("\n")
    assert [line for line in lines if line.endswith(" ")] == []
    assert len(lines) > 3


def difference() -> Trace:
    trace = encoder_decoder()
    a = trace["self"]
    apart = {layer: a.weights(layer) - a.weights(layer)[:, ::-1] for layer in a.layers}
    return replace(trace, attentions=(replace(a, by_layer=apart),))


@pytest.mark.parametrize("colours", [None, "standard", "256", "truecolor"])
def test_a_negative_weight_looks_neither_empty_nor_like_0(colours: str | None) -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, color_system=colours, force_terminal=colours is not None, _environ={})
    console.print(on_screen(scene(difference(), "self", ((1, 1),))))
    cells = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
    assert cells.split("\n")[2].split() == ["I", ".85", "−.70", "−.10", "−.05"]
    assert "−0.85" in cells
    if colours:
        found = {
            number.strip(): style for style, number in re.findall(r"\x1b\[([\d;]*)m +(−?\.\d\d) +", file.getvalue())
        }
        backgrounds = {
            number: re.search(r"(?:^|;)(4[0-8](?:;[25];[\d;]+)?)$", found[number])[1] for number in (".28", "−.28")
        }
        assert backgrounds[".28"] != backgrounds["−.28"]


def test_without_colours_a_negative_weight_is_marked() -> None:
    file = io.StringIO()
    Console(file=file, width=40, color_system=None, _environ={}).print(
        on_screen(scene(difference(), "self", ((1, 1),)), PlotOptions(annotate=False))
    )
    apple = next(line for line in file.getvalue().split("\n") if line.lstrip().startswith("apple "))
    assert "apple −█" in apple


@pytest.mark.parametrize("style", ["lines", "text"])
def test_styles_that_show_how_strong_links_are_refuse_a_difference(style: str) -> None:
    with pytest.raises(SelectionError, match="negative"):
        on_screen(scene(difference(), "self", ((1, 1),)), PlotOptions(style))
