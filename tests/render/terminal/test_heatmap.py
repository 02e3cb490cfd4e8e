"""Heatmaps in the terminal: goldens at pinned widths and colours, weights read back from the colours of the cells, and
lines that stay aligned whatever is in a token.

`PYTHONPATH=tests/support python tests/render/terminal/test_heatmap.py` writes the goldens again; look at the
difference before you keep it.
"""

import io
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from handmade_traces import HOSTILE, attention, decoder_only, encoder_decoder, labelled
from palette_indices import shade
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

from attnviz.attention import Token, Trace
from attnviz.labels import word_spans
from attnviz.pooling import layout, reduce_attention
from attnviz.render.colours import oklab, palette
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.scene import scene
from attnviz.render.terminal.cells import across, fit, graphemes, heading, ltr, readable, ruler
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.terminal.grid import grid
from attnviz.render.terminal.head_table import HeadTable
from attnviz.render.terminal.heatmap import heatmap
from attnviz.render.weight_format import format_weight

GOLDENS = Path(__file__).parent / "goldens"
LONG = [f"word{i}" for i in range(40)]
WORDS = ["[CLS]", "I", "ate", "an", "apple", "because", "it", "was", "sweet", "[SEP]"]

SENTENCE = [
    "[CLS]", "The", "cat", "sat", "on", "the", "mat", "because", "it", "was", "very", "tired", "today", ".", "[SEP]",
]  # fmt: skip


def one(trace=None, kind: str = "self", **texts: str) -> RenderableType:
    trace = trace or encoder_decoder()
    layer = trace[kind].layers[-1]
    return heatmap(scene(trace, kind, ((layer, trace[kind].heads(layer)[-1]),), **texts))


def every(kinds: tuple[str, ...] = ("self", "masked-self", "cross")) -> RenderableType:
    trace = encoder_decoder()
    return grid([scene(trace, kind, ((0, 0), (0, 1), (1, 0), (1, 1)), title=trace[kind].name) for kind in kinds])


def drawn(n: int, kind: str = "masked-self", heads: int = 1) -> Trace:
    """One layer of weights without a pattern on tokens `w0`, `w1`, …"""
    weights = np.random.default_rng(n).random((heads, n, n)).astype(np.float32) ** 6
    weights *= np.tri(n, dtype=np.float32) if kind == "masked-self" else 1
    weights /= weights.sum(-1, keepdims=True)
    return Trace("by hand", "many words", (attention(weights, [f"w{i}" for i in range(n)], kind),))


def part(trace: Trace, cells: int | None = None, rows=None, columns=None) -> Trace:
    """`trace` pooled to so many cells, or cut to these rows and columns."""
    [a] = trace.attentions
    n = len(a.queries)
    return replace(trace, attentions=(reduce_attention(a, layout(n, rows, cells), layout(n, columns, cells)),))


def pair_of_sentences() -> Trace:
    trace = labelled(["[CLS]", "a", "cat", "[SEP]", "it", "sat", "[SEP]"])
    [a] = trace.attentions
    tokens = tuple(replace(token, segment=int(at > 3)) for at, token in enumerate(a.queries))
    return replace(trace, attentions=(replace(a, queries=tokens, keys=tokens),))


def translated() -> Trace:
    """Cross-attention whose keys are other words than its queries, most of them long."""
    a = attention(np.random.default_rng(0).dirichlet(np.full(9, 0.3), (1, 3)), kind="cross")
    words = ["attention", "looks", "everywhere", "while", "translating", "sentences", "carefully", "and", "quickly"]
    keys = tuple(Token(at, word, None, at) for at, word in enumerate(words))
    return Trace("by hand", "many words", (replace(a, keys=keys),))


def answer() -> Trace:
    """The last 6 of 200 rows, which write an answer; their keys are pooled."""
    trace = drawn(200)
    [a] = trace.attentions
    predicts = (*(replace(token, generated=token.id > 193) for token in a.queries[1:]), None)
    a = replace(a, predicts=predicts)
    rows = [(at, at + 1) for at in range(193, 199)]
    return replace(trace, attentions=(reduce_attention(a, rows, layout(200, None, 50)),))


def shown(what: RenderableType, width: int, colours: str | None = None, **options: object) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, color_system=colours, force_terminal=colours is not None, legacy_windows=False,
        _environ={}, **{"height": 40, **options},
    )  # fmt: skip
    console.print(what)
    return file.getvalue()


@dataclass(frozen=True)
class Untrimmed:
    """A drawing with the spaces at the ends of its lines."""

    drawing: Drawing

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return self.drawing.parts(console, options)


def whole(trace: Trace):
    """All heads of the first kind."""
    [a, *_] = trace.attentions
    return scene(trace, a.kind, tuple((layer, head) for layer in a.layers for head in a.heads(layer)))


CASES: dict[str, tuple[Callable[[], RenderableType], int, str | None]] = {
    "self-truecolor-80": (lambda: one(title="I ate an apple", caption="chosen by the rule"), 80, "truecolor"),
    "self-256-80": (one, 80, "256"),
    "self-plain-80": (lambda: one(title="I ate an apple", caption="chosen by the rule"), 80, None),
    "cross-plain-80": (lambda: one(kind="cross"), 80, None),
    "masked-upright-40": (lambda: one(kind="masked-self"), 40, None),
    "hostile-plain-120": (lambda: one(labelled(HOSTILE)), 120, None),
    "hostile-narrow-60": (lambda: one(labelled(HOSTILE)), 60, None),
    "numbers-plain-60": (lambda: one(labelled(LONG)), 60, None),
    "numbers-truecolor-30": (lambda: one(drawn(20), "masked-self"), 30, "truecolor"),
    "pooled-plain-40": (lambda: one(part(drawn(300), 60), "masked-self"), 40, None),
    "pooled-cells-plain-60": (lambda: one(part(drawn(48), 6), "masked-self"), 60, None),
    "cut-plain-80": (lambda: one(part(drawn(90), None, (2, 30, 89), (0, 2, 30, 31)), "masked-self"), 80, None),
    "segments-plain-80": (lambda: one(pair_of_sentences()), 80, None),
    "segments-truecolor-16": (lambda: one(pair_of_sentences()), 16, "truecolor"),
    "long-words-plain-80": (lambda: one(labelled(WORDS)), 80, None),
    "sentence-plain-80": (lambda: one(labelled(SENTENCE)), 80, None),
    "cross-numbers-plain-60": (lambda: one(translated(), "cross"), 60, None),
    "answer-truecolor-80": (lambda: one(answer(), "masked-self"), 80, "truecolor"),
    "grid-words-plain-80": (lambda: grid([whole(labelled(WORDS))]), 80, None),
    "self-standard-80": (one, 80, "standard"),
    "grid-pooled-plain-80": (lambda: grid([whole(drawn(100, heads=2))]), 80, None),
    "table-pooled-plain-80": (lambda: HeadTable(part(drawn(100, heads=2), 20)), 80, None),
    "table-cut-plain-80": (lambda: HeadTable(part(drawn(10), None, (3, 9), (0, 2, 9))), 80, None),
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
    lines = without_escapes(shown(Untrimmed(one(labelled(texts))), width, colours)).split("\n")
    assert max(map(cell_len, lines)) <= width
    first = next(at for at in range(len(lines)) if cell_len(lines[at]) == cell_len(lines[lines.index("") - 1]))
    assert len({cell_len(row) for row in lines[first : lines.index("")]}) == 1
    assert lines.index("") - first > len(texts) // 4


def test_every_column_stands_below_its_label() -> None:
    lines = shown(one(labelled(["나는", "사과를", "ate", "e\u0301te\u0301"])), 80).split("\n")
    labels, rows = lines[1], lines[2:6]
    for label, row in zip(["사과를", "ate", "e\u0301te\u0301"], rows, strict=False):  # row i looks at token i + 1
        at = cell_len(row[: row.index("1.0")]) + 1.5
        start = cell_len(labels[: labels.index(label)])
        assert start <= at <= start + cell_len(label)


def test_a_token_cannot_control_the_terminal() -> None:
    plain = shown(heatmap(scene(labelled(HOSTILE), "self", ((0, 0),), "\x1b[2J [bold]", "\x07")), 80)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", plain)
    assert "[bold]" in plain


def test_output_without_colours_has_no_escape_codes() -> None:
    assert "\x1b" not in shown(one(), 80)
    assert "\x1b[38" not in shown(one(), 80, "truecolor", no_color=True)


@pytest.mark.parametrize(
    ("colours", "codes"), [("truecolor", r"[34]8;2;\d+;\d+;\d+"), ("256", r"[34]8;5;\d+"), ("standard", r"[34][0-7]")]
)
def test_each_console_gets_colours_that_it_can_show(colours: str, codes: str) -> None:
    for what in (one(), one(drawn(60), "masked-self"), grid([whole(drawn(30))]), HeadTable(encoder_decoder())):
        found = re.findall(r"\x1b\[([\d;]*)m", shown(what, 80, colours))
        assert len(found) > 20
        for code in found:
            assert re.fullmatch(rf"0|1|2|({codes})(;({codes}))?|1;({codes});({codes})", code), code


def test_the_first_16_of_256_colours_are_not_used() -> None:
    assert min(int(n) for n in re.findall(r"[34]8;5;(\d+)", shown(one(drawn(60), "masked-self"), 80, "256"))) >= 16


@pytest.mark.parametrize("name", ["violet", "lilac", "amber", "grey"])
def test_in_256_colours_lightness_is_monotonic_and_hue_changes_in_small_steps(name: str) -> None:
    wanted = palette(name)
    scale = replace(scale_of(PlotOptions(), [1.0]), colours=wanted)
    brush = Brush(256, scale)
    found = oklab(np.array([brush.style(index).bgcolor.get_truecolor() for index in range(256)]))
    lightness = np.diff(found[:, 0]) * np.sign(oklab(wanted)[-1, 0] - oklab(wanted)[0, 0])
    assert lightness.min() > -1e-9
    assert np.linalg.norm(np.diff(found[:, 1:], axis=0), axis=1).max() < 0.2
    assert np.linalg.norm(found - oklab(wanted), axis=1).max() < 0.12
    assert len({tuple(colour) for colour in found}) > 8


def pixels(text: str) -> list[list[int]]:
    """The palette's index of each half block of a screen in true colours, −1 for none, by rows of cells."""
    index = {tuple(colour): at for at, colour in enumerate(palette().tolist())}
    rows = []
    for line in (line for line in text.split("\n") if "▀" in line or "▄" in line):
        pairs = re.findall(r"(?:\x1b\[([\d;]*)m)?([▀▄ ])(?:\x1b\[0m)?", line[line.index("\x1b") :])
        upper, lower = [], []
        for style, block in pairs:
            at = {n: re.search(rf"{n}8;2;(\d+;\d+;\d+)", style) for n in (3, 4)}
            front, back = (index[tuple(map(int, m[1].split(";")))] if m else -1 for m in at.values())
            upper.append(front if block == "▀" else back)
            lower.append(back if block == "▀" else front)
        rows += [upper, lower]
    return rows


@pytest.mark.parametrize(("n", "block"), [(40, 1), (57, 1), (100, 2), (301, 5)])
@pytest.mark.parametrize("kind", ["self", "masked-self"])
def test_half_blocks_show_the_largest_weight_that_they_cover(n: int, block: int, kind: str) -> None:
    trace = drawn(n, kind)
    text = shown(one(trace, kind), 72, "truecolor")
    [weights] = trace[kind].weights(0)
    top = scene(trace, kind, ((0, 0),)).top
    found = pixels(text)
    size = -(-n // block)
    for y, row in enumerate(found[:size]):
        assert len(row) in (size, y + 1, y + 2)  # nothing is written where nothing may be looked at
        for x, got in enumerate(row):
            part = weights[y * block : (y + 1) * block, x * block : (x + 1) * block]
            seen = kind == "self" or x <= y
            assert got == (int(shade(np.array(part.max()), top)) if seen else -1), (y, x)
    said = f"the largest weight of {block} × {block} tokens"
    assert (said in " ".join(without_escapes(text).split())) == (block > 1)


@pytest.mark.parametrize(
    ("n", "width"), [(40, 40), (57, 80), (100, 80), (100, 200), (301, 40), (301, 80), (301, 200), (1000, 120)]
)
def test_numbers_on_the_axes_are_at_their_cells_and_never_touch(n: int, width: int) -> None:
    trace = part(drawn(n, "self"), 512)
    lines = without_escapes(shown(one(trace), width, "truecolor")).split("\n")
    first = next(at for at, line in enumerate(lines) if "▀" in line)
    blocks = re.search(r"of (\d+) × \1 tokens", " ".join(lines[:first]))
    block = int(blocks[1]) if blocks else 1
    across, start = lines[first - 1], lines[first].index("▀")
    found = [(int(m[0]), m.start() - start) for m in re.finditer(r"\d+", across)]
    columns = trace["self"].columns
    each = block // (columns[1][1] - columns[1][0])  # cells of the trace in one of the terminal's
    assert [number for number, _ in found] == [columns[at * each][0] for _, at in found]
    assert 2 <= len(found) <= 36
    down = [(int(line[:start]), y) for y, line in enumerate(lines[first : lines.index("")]) if line[:start].strip()]
    assert [number for number, _ in down] == [columns[y * 2 * each][0] for _, y in down]
    assert 2 <= len(down) <= 36


def test_tokens_are_listed_with_their_numbers_where_words_do_not_fit() -> None:
    text = " ".join(shown(one(drawn(60), "masked-self"), 80).split())
    for at in range(60):
        assert f" {at} w{at} " in f"{text} "


def test_a_cell_of_several_tokens_is_not_labelled_by_a_word() -> None:
    for width in (40, 80, 200):
        words = re.findall(r"\bw\d+", shown(one(part(drawn(90), 30), "masked-self"), width))
        assert set(words) <= {"w0", "w89"}  # the first token stands apart, and the last is left over


@pytest.mark.parametrize("words", [SENTENCE, [*SENTENCE[:-1], *SENTENCE[1:]]], ids=len)
@pytest.mark.parametrize("longest", ["because", "internationalization"])
@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("colours", [None, "truecolor"])
def test_no_word_is_broken_and_a_number_above_is_beside_its_word(words, longest, width, colours) -> None:
    texts = [*words, longest]
    lines = without_escapes(shown(one(labelled(texts)), width, colours)).split("\n")
    above = lines[1].split()
    numbered = above[:2] == ["0", "1"]
    names = [f"{at} {text}" for at, text in enumerate(texts)] if numbered else texts
    for name, line in zip(names, lines[2:], strict=False):
        shortened = f"{name[: len(name) - len(longest) + 5]}" if longest in name else name
        assert line.lstrip().startswith(shortened)
    if numbered:
        assert {int(number) for number in above} <= set(range(len(texts)))
        assert len(above) > len(texts) / 2
    else:
        cut = [label for label in above if label.endswith("…")]
        assert len(above) == len(texts)
        assert len(cut) <= len(texts) / 4
        assert all(len(label) >= 4 for label in cut)
        assert {label for label in above if label not in cut} <= set(texts)


@pytest.mark.parametrize("height", [24, 40])
@pytest.mark.parametrize("width", [80, 120])
def test_rows_of_single_tokens_have_a_line_with_a_word_where_the_screen_is_high_enough(width: int, height: int) -> None:
    trace = part(drawn(200), None, range(178, 200), None)
    [a] = trace.attentions
    trace = replace(trace, attentions=(reduce_attention(a, a.rows, layout(200, None, 110)),))
    lines = without_escapes(shown(one(trace, "masked-self"), width, "truecolor", height=height)).split("\n")
    named = [line.split()[:2] for line in lines if re.match(r" *\d+ w\d+ *$", line)]
    assert named == ([] if height == 24 else [[str(at), f"w{at}"] for at in range(178, 200)])
    assert len(lines) < height


def test_numbers_above_the_columns_are_never_cut() -> None:
    trace = part(drawn(1300, "self"), None, range(1280, 1300), range(1280, 1300))
    for heads in (one(trace), grid([whole(trace)])):
        for width in (60, 80, 120):
            lines = shown(heads, width).split("\n")
            above = next(line.split() for line in lines if line.split()[:1] in (["1280"], ["w1280"]))
            assert {re.sub("w", "", label) for label in above} <= {str(at) for at in range(1280, 1300)}


def test_a_line_is_drawn_where_another_segment_begins() -> None:
    lines = shown(one(pair_of_sentences()), 80).split("\n")
    [ruling] = [at for at, line in enumerate(lines) if "┼" in line]
    assert lines[ruling - 1].strip().startswith("[SEP]")
    assert lines[ruling + 1].strip().startswith("it")
    column = lines[ruling].index("┼")
    rows = [line for line in lines[2 : lines.index("")] if "┼" not in line]
    assert {line[column] for line in rows} == {"│"}


def test_plot_options_are_used() -> None:
    assert ".96" in shown(one(), 80)
    assert ".96" not in shown(heatmap(scene(encoder_decoder(), "self", ((1, 1),)), PlotOptions(annotate=False)), 80)
    fixed = shown(heatmap(scene(encoder_decoder(), "self", ((1, 1),)), PlotOptions(vmax=0.5)), 80)
    assert "≥0.5" in fixed
    assert "attention weight (log)" in shown(grid([whole(encoder_decoder())], PlotOptions(log=True)), 80)


@pytest.mark.parametrize(("heads", "n", "width"), [(12, 10, 60), (12, 300, 80), (12, 70, 200), (3, 100, 40)])
@pytest.mark.parametrize("colours", [None, "truecolor"])
def test_a_grid_fits_its_width_and_shows_every_head(heads: int, n: int, width: int, colours) -> None:
    text = without_escapes(shown(grid([whole(drawn(n, heads=heads))]), width, colours))
    assert max(map(cell_len, text.split("\n"))) <= width
    assert re.findall(r"\bH(\d+)", text) == [str(head) for head in range(heads)]


def test_the_table_of_a_cut_trace_names_the_tokens_of_its_rows() -> None:
    a = attention([np.eye(6)[[5, 0, 1, 2, 3, 4]]], ["a", "red", "b", "green", "c", "blue"])
    trace = part(Trace("by hand", "x", (a,)), None, (3, 5), (1, 2, 4))
    text = shown(HeadTable(trace), 100)
    assert "6 × 6 tokens were cut to 2 × 3 cells" in text
    assert re.search(r"L0H0 +1\.0 green +b$", text, re.MULTILINE)


def test_a_cross_row_is_named_by_what_is_written_there() -> None:
    a = attention([[[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]], kind="cross")
    read = tuple(Token(i, t, None, i) for i, t in enumerate(["begin", "rot", "blau"]))
    a = replace(
        a,
        queries=read,
        predicts=(*read[1:], None),
        keys=tuple(Token(i, t, None, i) for i, t in enumerate(["red", "blue"])),
    )
    text = shown(HeadTable(part(Trace("by hand", "x", (a,)), None, (0, 2), (0, 1))), 100)
    assert re.search(r"L0H0 +\.90 begin → rot +blue$", text, re.MULTILINE)
    assert "rows: token read → token written" in text


def test_pooled_cells_are_named_by_their_words_and_their_numbers() -> None:
    source = "The old dog saw a long red letter"
    at = iter(word_spans(source))
    t = tuple(Token(i, source[a:b], (a, b), i) for i, (a, b) in enumerate(at))
    one = replace(attention([np.tri(8)[::-1] / 8], kind="cross"), queries=t, keys=t, predicts=(*t[1:], None))
    (self_like,) = (replace(one, kind="masked-self", predicts=None),)
    cells = [(0, 4), (4, 5), (5, 8)]  # cells side by side would be no link
    for a, row in ((one, "→ red letter"), (self_like, "long red letter")):
        weights = np.zeros((1, 8, 8), np.float32)
        weights[0, 6, 2] = 0.75  # of "red", which writes "letter", at "dog"
        trace = Trace("by hand", source, (reduce_attention(replace(a, by_layer={0: weights}), cells, cells),))
        assert re.search(rf"L0H0 +\.75 {row}  5–7 +The old dog saw  0–3\n", shown(HeadTable(trace), 100))
    long = tuple(replace(token, text=f"longword{i}", span=None) for i, token in enumerate(t))
    trace = Trace("by hand", source, (reduce_attention(replace(self_like, queries=long, keys=long), cells, cells),))
    assert re.search(r" longword… longword7  5–7 ", shown(HeadTable(trace), 120))


def test_a_narrow_table_takes_from_the_words_and_never_from_the_names_of_the_heads() -> None:
    for trace in (drawn(30, heads=12), part(drawn(100, heads=12), 20)):
        for width in range(40, 100, 3):
            text = shown(HeadTable(trace), width)
            assert re.findall(r"^(L0H\d+) ", text, re.M) == [f"L0H{head}" for head in range(12)]
            assert max(map(cell_len, text.splitlines())) <= width


def test_both_tokens_of_a_cut_label_keep_their_beginning() -> None:
    for sign in "→⇒":
        assert fit(f"internationalisation {sign} an", 12) == f"intern… {sign} an"
        assert fit(f"an {sign} internationalisation", 12) == f"an {sign} intern…"
        assert fit(f"internationalisation {sign} antidisestablishment", 12) == f"int… {sign} anti…"
        assert fit(f"사과를 {sign} 먹었다", 13) == f"사과… {sign} 먹었…"
        assert all(cell_len(fit(f"사과를 {sign} 먹었다", width)) == width for width in range(20))


def test_rows_of_a_decoder_name_the_token_written() -> None:
    assert "나는 → 사과를" in shown(one(kind="masked-self"), 80)
    assert "사과를 → 먹었다" in shown(one(kind="cross"), 80)
    assert "cat → sat" in shown(one(decoder_only(), "masked-self"), 80)


def test_axes_and_scale_are_named() -> None:
    for what in (one(), every()):
        text = shown(what, 80)
        assert "query (from)" in text
        assert "key (to)" in text
        assert "attention weight" in text


def test_annotated_cells_have_numbers() -> None:
    weights = (0.0, 0.004, 0.005, 0.523, 0.994, 0.996, 1.0)
    assert [format_weight(w) for w in weights] == ["·", "·", ".01", ".52", ".99", "1.0", "1.0"]


def test_a_negative_number_has_its_sign() -> None:
    assert [format_weight(-w) for w in (0.004, 0.005, 0.523, 0.994, 0.996)] == ["·", "−.01", "−.52", "−.99", "−1.0"]


def test_text_is_fitted_to_terminal_cells() -> None:
    assert graphemes("e\u0301te\u0301") == ["e\u0301", "t", "e\u0301"]
    assert fit("사과를", 5) == "사과…"
    assert fit("사과를", 4) == "사… "
    assert fit("사과를", 8, "right") == "  사과를"
    assert across(["[CLS]", "because", "I"], 7) == " [CLS]  becau…   I   "
    assert readable(["[CLS]", "I"], 5)
    assert readable(["I", "ate", "an", "understanding"], 5)
    assert not readable(["I", "ate", "an", "understanding"], 3)
    assert not readable(["ate", "apple", "understanding"], 4)
    assert graphemes("👨\u200d👩\u200d👧❤\ufe0fx") == ["👨\u200d👩\u200d👧", "❤\ufe0f", "x"]
    assert ruler(["0", "", "", "30", "40", ""], 1) == "0  30 "
    assert ruler(["0", "", "10", ""], 2, (2,)) == "0    10  "
    assert ruler(["0", "", "", "100"], 1) == "0   "
    assert ruler(["0", "", "20", "30", "", "50"], 2, first=(3,)) == "0     30  50"
    assert ruler(["100", "101", "102", "103"], 2, first=(1,)) == "  101   "


def test_right_to_left_tokens_leave_the_columns_in_their_order() -> None:
    """UAX 9: a right-to-left letter takes along the letter or number that follows, unless a left one stands between."""
    texts = ["שלום", "עולם", "سلام", "abc"]
    for what in (one(labelled(texts)), grid([whole(labelled(texts))]), HeadTable(labelled(texts))):
        for line in shown(what, 80).split("\n"):
            strong = [[unicodedata.bidirectional(c) for c in word] for word in line.split()]
            strong = [[kind for kind in word if kind in ("L", "R", "AL", "EN")] for word in strong]
            for before, after in pairwise(word for word in strong if word):
                assert line == " ".join(texts) or before[-1] in ("L", "EN") or after[0] == "L"
    assert ltr("ate") == "ate"
    assert ltr("שלום → a · b") == "שלום\u200e → a\u200e · b\u200e"
    assert cell_len(fit("שלום", 9)) == 9


def test_a_long_title_keeps_its_ends() -> None:
    text = " ".join(f"word{i}" for i in range(200)) + " → end"
    for width in (30, 80):
        lines = shown(heading(text, width), width).split("\n")
        assert len(lines) <= 4  # the last is empty
        assert lines[0].startswith("word0 ")
        assert lines[-2].endswith("→ end")
    assert shown(heading("as it is", 30), 30) == "as it is\n"


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


if __name__ == "__main__":
    GOLDENS.mkdir(exist_ok=True)
    for name, (what, width, colours) in CASES.items():
        (GOLDENS / f"{name}.txt").write_bytes(shown(what(), width, colours).encode())
