"""Lines and running text in the terminal, read from the printed output at several widths and colour depths."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, labelled
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment

from attnviz.errors import PlotOptionError, SelectionError
from attnviz.render import on_screen
from attnviz.render.colours import palette
from attnviz.render.options import PlotOptions
from attnviz.render.scene import Scene, scene
from attnviz.selection import Selection


def usual(layer: int = 1, head: int = 1, kind: str = "self") -> Scene:
    return scene(encoder_decoder(), kind, ((layer, head),), title="a title", caption="a caption")


def console(width: int, colours: str | None) -> Console:
    return Console(
        file=io.StringIO(), width=width, color_system=colours, force_terminal=colours is not None, legacy_windows=False
    )


def printed(shown: Scene, options: PlotOptions, width: int = 80, colours: str | None = None) -> list[str]:
    one = console(width, colours)
    one.print(on_screen(shown, options))
    return one.file.getvalue().splitlines()


def segments(shown: Scene, options: PlotOptions, width: int = 80) -> list[Segment]:
    one = console(width, "truecolor")
    return [segment for line in one.render_lines(on_screen(shown, options), pad=False) for segment in line]


def test_text_has_weights_below_it_on_a_console_without_colours():
    lines = printed(usual(), PlotOptions("text"))
    assert lines[:4] == ["a title", "query (from): ate", "I   ate an  apple", "·   .02 .02 .96"]
    assert lines[-1] == "a caption"


def test_text_is_shaded_and_the_query_is_underlined():
    found = {segment.text: segment.style for segment in segments(usual(), PlotOptions("text")) if segment.style}
    assert found["apple"].bgcolor.triplet == tuple(palette()[round(0.96 * 255)])
    assert found["ate"].underline
    assert not found.get("I") or found["I"].bgcolor is None  # nothing to speak of: the terminal's own colours
    assert not any(".96" in segment.text for segment in segments(usual(), PlotOptions("text")))
    assert any(".96" in segment.text for segment in segments(usual(), PlotOptions("text", annotate=True)))


@pytest.mark.parametrize(("theme", "wash"), [("light", "lilac"), ("dark", "amber"), ("print", "grey")])
def test_text_of_a_theme_is_shaded_from_its_background(theme, wash):
    found = {
        segment.text: segment.style for segment in segments(usual(), PlotOptions("text", theme=theme)) if segment.style
    }
    assert found["apple"].bgcolor.triplet == tuple(palette(wash)[round(0.96 * 255)])


def test_a_named_query_is_shown_and_masked_keys_are_dim():
    shown = replace(scene(decoder_only(), "masked-self", ((0, 0),)), queries=(1,))
    assert printed(shown, PlotOptions("text"))[:3] == [
        'query (from): reads "cat" · writes "sat"',
        "The cat sat",
        ".50 .50",
    ]
    [sat] = [segment for segment in segments(shown, PlotOptions("text")) if segment.text == "sat"]
    assert sat.style.dim
    assert sat.style.bgcolor is None


def test_the_colour_map_and_vmax_apply_in_the_terminal():
    options = PlotOptions("text", cmap="viridis", vmax=0.5)
    found = {segment.text: segment.style for segment in segments(usual(), options) if segment.style}
    assert found["apple"].bgcolor.triplet == (253, 231, 36)
    assert "≥0.5" in "".join(printed(usual(), options))


def without_styles(lines: list[str]) -> list[str]:
    return [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]


def test_lines_lead_from_queries_to_keys():
    lines = without_styles(printed(usual(), PlotOptions("lines"), colours="truecolor"))
    assert lines[:2] == ["a title", "query (from) → key (to)"]
    rows = [line.split() for line in lines[2:9:2]]
    assert [row[0] for row in rows] == [row[-1] for row in rows] == ["I", "ate", "an", "apple"]
    assert all(set(row[1]) <= set(map(chr, range(0x2800, 0x2900))) for row in rows)
    assert lines[-2] == "attention weight: ⣀⣀ from 0.1  ⣀⣀ from 0.33  ⣀⣀ from 0.67"


def test_without_colours_each_query_has_one_straight_line_with_its_weight_and_its_key():
    lines = printed(usual(), PlotOptions("lines"))
    assert [(line.split()[0], line.split()[2:]) for line in lines[2:6]] == [
        ("I", [".90", "→", "I"]),
        ("ate", [".96", "→", "apple"]),
        ("an", [".60", "→", "apple"]),
        ("apple", [".80", "→", "ate"]),
    ]
    assert [line.count("─") for line in lines[2:6]] == [36, 38, 24, 32]  # of 40, which is 1
    assert lines[7] == "the largest attention weight of each query; the longest line is 1"


def test_a_query_that_looks_at_nothing_has_no_line():
    none = replace(usual(), attention=replace(usual().attention, by_layer={1: np.zeros((2, 4, 4), np.float32)}))
    assert [line.strip() for line in printed(none, PlotOptions("lines"))[2:6]] == ["I", "ate", "an", "apple"]


def test_each_link_ends_at_its_key():
    n = 5
    matrix = np.roll(np.eye(n), 2, 1)
    from handmade_traces import attention

    from attnviz.attention import Trace

    shown = scene(Trace("m", "a b c d e", (attention([matrix]),)), "self", ((0, 0),))
    rows = without_styles(printed(shown, PlotOptions("lines"), colours="truecolor"))[1 : 2 * n : 2]
    assert all(row[2] != " " and row[-3] != " " for row in rows)
    only = replace(shown, attention=replace(shown.attention, by_layer={0: matrix[None] * (np.arange(n) == 1)[:, None]}))
    starts = [row[2] for row in without_styles(printed(only, PlotOptions("lines"), colours="truecolor"))[1 : 2 * n : 2]]
    ends = [row[-3] for row in without_styles(printed(only, PlotOptions("lines"), colours="truecolor"))[1 : 2 * n : 2]]
    assert [at for at, dot in enumerate(starts) if dot != " "] == [1]
    assert [at for at, dot in enumerate(ends) if dot != " "] == [3]


def test_stronger_lines_are_bolder():
    styles = {s.text[0]: s.style for s in segments(usual(), PlotOptions("lines")) if s.text.startswith("⣀⣀")}
    assert styles
    drawn = [s for s in segments(usual(), PlotOptions("lines")) if len(s.text) == 1 and 0x2800 < ord(s.text) < 0x2900]
    assert {(bool(s.style and s.style.dim), bool(s.style and s.style.bold)) for s in drawn} >= {
        (True, False),
        (False, True),
    }


@pytest.mark.parametrize("style", ["lines", "text"])
@pytest.mark.parametrize("width", [20, 60, 80, 200])
@pytest.mark.parametrize("colours", [None, "standard", "256", "truecolor"])
def test_no_line_is_wider_than_the_terminal(style, width, colours):
    several = scene(encoder_decoder(), "cross", ((0, 0), (1, 1)), caption="c")
    for shown in (several, scene(labelled(HOSTILE), "self", ((0, 0),)), scene(labelled(["a"]), "self", ((0, 0),))):
        one = console(width, colours)
        for line in one.render_lines(on_screen(shown, PlotOptions(style)), pad=False):
            assert sum(cell_len(segment.text) for segment in line) <= width


def test_cells_of_several_tokens_are_refused():
    pooled = Selection.of(cells=2).apply(encoder_decoder())
    for style in ("lines", "text"):
        with pytest.raises(SelectionError, match=r"attnviz trace TEXT .*--rows last:\d0 --columns "):
            on_screen(scene(pooled, "self", ((0, 0),)), PlotOptions(style))


def test_arcs_are_for_pictures():
    with pytest.raises(PlotOptionError, match=r"-o: arcs\.png"):
        on_screen(usual(), PlotOptions("arcs"))
