"""Heatmaps in the terminal: goldens at pinned widths and colours, and lines that stay aligned whatever is in a token.

`python tests/render/test_terminal.py` writes the goldens again; look at the difference before you keep it.
"""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from traces import HOSTILE, decoder_only, encoder_decoder, labelled

from attnviz.render.cells import above, chopped, fit, graphemes, number
from attnviz.render.scene import scene
from attnviz.render.terminal import heatmap
from attnviz.render.terminal_grid import grid

GOLDENS = Path(__file__).parent / "goldens"
LONG = [f"word{i}" for i in range(40)]


def one(trace=None, kind: str = "self", **texts: str) -> RenderableType:
    trace = trace or encoder_decoder()
    layer = trace[kind].layers[-1]
    return heatmap(scene(trace, kind, ((layer, trace[kind].heads(layer)[-1]),), **texts))


def every(kinds: tuple[str, ...] = ("self", "masked-self", "cross")) -> RenderableType:
    trace = encoder_decoder()
    return grid([scene(trace, kind, ((0, 0), (0, 1), (1, 0), (1, 1)), title=trace[kind].name) for kind in kinds])


def shown(what: RenderableType, width: int, colours: str | None = None, **options: object) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, color_system=colours, force_terminal=colours is not None, legacy_windows=False,
        _environ={}, **options,
    )  # fmt: skip
    console.print(what)
    return file.getvalue()


CASES: dict[str, tuple[Callable[[], RenderableType], int, str | None]] = {
    "self-truecolor-80": (lambda: one(title="I ate an apple", caption="chosen by the rule"), 80, "truecolor"),
    "self-256-80": (one, 80, "256"),
    "self-plain-80": (lambda: one(title="I ate an apple", caption="chosen by the rule"), 80, None),
    "cross-plain-80": (lambda: one(kind="cross"), 80, None),
    "masked-upright-40": (lambda: one(kind="masked-self"), 40, None),
    "hostile-plain-120": (lambda: one(labelled(HOSTILE)), 120, None),
    "hostile-narrow-60": (lambda: one(labelled(HOSTILE)), 60, None),
    "bands-plain-60": (lambda: one(labelled(LONG)), 60, None),
    "grid-plain-60": (every, 60, None),
    "grid-truecolor-80": (every, 80, "truecolor"),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    what, width, colours = CASES[name]
    assert shown(what(), width, colours) == (GOLDENS / f"{name}.txt").read_bytes().decode()


@pytest.mark.parametrize("texts", [HOSTILE, LONG, ["a"], ["", " "], ["x" * 300, "y"]])
@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
@pytest.mark.parametrize("colours", [None, "truecolor"])
def test_no_line_is_wider_than_the_console_and_rows_are_equally_wide(texts: list[str], width: int, colours) -> None:
    lines = without_escapes(shown(one(labelled(texts)), width, colours)).split("\n")
    assert max(map(cell_len, lines)) <= width
    rows = [line for line in lines[1 : lines.index("")] if line]
    assert len({cell_len(row) for row in rows}) == 1


def test_every_column_stands_below_its_label() -> None:
    lines = shown(one(labelled(["나는", "사과를", "ate", "e\u0301te\u0301"])), 80).split("\n")
    labels, rows = lines[1], lines[2:6]
    for label, row in zip(["사과를", "ate", "e\u0301te\u0301"], rows, strict=False):  # row i looks at token i + 1
        at = cell_len(row[: row.index("1.0")]) + 1.5
        start = cell_len(labels[: labels.index(label)])
        assert start <= at <= start + cell_len(label)


def test_nothing_in_a_token_reaches_the_terminal_as_a_command() -> None:
    plain = shown(heatmap(scene(labelled(HOSTILE), "self", ((0, 0),), "\x1b[2J [bold]", "\x07")), 80)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", plain)
    assert "[bold]" in plain


def test_without_colours_there_are_no_escapes() -> None:
    assert "\x1b" not in shown(one(), 80)
    assert "\x1b[38" not in shown(one(), 80, "truecolor", no_color=True)
    assert "48;" not in shown(one(), 80, "standard")  # 16 colours make no scale


def test_rows_of_a_decoder_beside_an_encoder_name_the_token_written() -> None:
    assert "나는 → 사과를" in shown(one(kind="masked-self"), 80)
    assert "사과를 → 먹었다" in shown(one(kind="cross"), 80)
    assert "→ sat" not in shown(one(decoder_only(), "masked-self"), 80)


def test_axes_and_scale_are_named() -> None:
    for what in (one(), every()):
        text = shown(what, 80)
        assert "query (from)" in text
        assert "key (to)" in text
        assert "attention weight" in text


def test_a_layer_begins_a_row_of_its_own_and_rows_are_even() -> None:
    names = [re.findall(r"L\d+H\d+", line) for line in shown(every(("self",)), 35).split("\n") if "H0" in line]
    assert names == [["L0H0", "L0H1"], ["L1H0", "L1H1"]]


def test_numbers() -> None:
    assert [number(w) for w in (0.0, 0.004, 0.005, 0.523, 0.994, 0.996, 1.0)] == [
        "·",
        "·",
        ".01",
        ".52",
        ".99",
        "1.0",
        "1.0",
    ]


def test_text_in_cells() -> None:
    assert graphemes("e\u0301te\u0301") == ["e\u0301", "t", "e\u0301"]
    assert fit("사과를", 5) == "사과…"
    assert fit("사과를", 4) == "사… "
    assert fit("사과를", 8, "right") == "  사과를"
    assert chopped("understanding", 5) == ["under", "stand", "ing"]
    assert chopped("attention", 8) == ["atten", "tion"]
    assert chopped("", 8) == [""]
    assert chopped("사과를", 5) == ["사과", "를"]
    assert above([["a", "b"], ["한"]], 2, 9) == [" a  ", " b한"]
    assert above([list("abcd")], 2, 3) == [" a", " b", " ⋮"]


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


if __name__ == "__main__":
    GOLDENS.mkdir(exist_ok=True)
    for name, (what, width, colours) in CASES.items():
        (GOLDENS / f"{name}.txt").write_bytes(shown(what(), width, colours).encode())
