"""Text in pictures: the choice of fonts, with fonts made here; the order, the shape and the width of text."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from handmade_traces import HOSTILE, attention, labelled
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags
from PIL import Image

from attnviz.attention import Trace
from attnviz.render.bidi import base_level
from attnviz.render.options import PlotOptions
from attnviz.render.picture import fonts, picture
from attnviz.render.picture.outlines import outline
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.scene import GENERATES, WRITES, scene

SLOTH, OTTER = "\U0001f9a5", "\U0001f9a6"

Install = Callable[..., None]


def font(path: Path, characters: str, family: str = "Made Here", style: str = "Regular", empty: bool = False) -> str:
    """A font in which each of `characters` is a square as large as its 1000 units, or nothing at all."""
    text_style = TTGlyphPen(None)
    if not empty:
        for move, point in (
            (text_style.moveTo, (0, 0)),
            *((text_style.lineTo, p) for p in ((0, 1000), (1000, 1000), (1000, 0))),
        ):
            move(point)
        text_style.closePath()
    square, names = text_style.glyph(), [f"u{ord(c):X}" for c in characters]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(c): name for c, name in zip(characters, names, strict=True)})
    builder.setupGlyf(dict.fromkeys([".notdef", *names], square))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 0)))
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": family, "styleName": style})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return str(path)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Sets which fonts are installed; none, to begin with."""

    def install(*paths: str) -> None:
        fonts._installed.cache_clear()
        fonts._candidates.clear()
        monkeypatch.setattr(fonts, "findSystemFonts", lambda: list(paths))

    install()
    yield install
    monkeypatch.undo()
    fonts._installed.cache_clear()
    fonts._candidates.clear()


def ink(typesetting: Typesetting, text: str) -> np.ndarray:
    """`text` as the fonts draw it at 40 points, uint8 `[pixel row, pixel column]`, without empty columns around it."""
    chain = get_font(list(typesetting.files))
    chain.set_size(40, 72)
    chain.set_text(typesetting.shown(text), 0.0, flags=LoadFlags.NO_HINTING)
    chain.draw_glyphs_to_bitmap(antialiased=False)
    drawn = np.asarray(chain.get_image())
    columns = np.nonzero(drawn.any(0))[0]
    return drawn[:, columns[0] : columns[-1] + 1]


def alike(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two inks leave the same columns empty, but for a pixel here and there."""
    return bool(np.mean(left.any(0) != right.any(0)) < 0.1)


def test_latin_and_cjk_need_no_installed_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: pytest.fail("looked for installed fonts"))
    assert Typesetting(["apple", "café →", "❤\ufe0f"]).family == ["DejaVu Sans"]
    korean = Typesetting(["사과를", "日本語", "ひらがな"])
    assert korean.family == ["DejaVu Sans", "Noto Sans CJK JP"]
    assert [Path(file).name for file in korean.files] == ["DejaVuSans.ttf", "NotoSansCJKjp-Regular.otf"]
    assert not korean.missing
    assert korean.note is None


def test_an_installed_font_draws_what_the_others_lack(tmp_path: Path, installed: Install) -> None:
    path = font(tmp_path / "a.ttf", SLOTH)
    installed(path)
    typesetting = Typesetting([f"a{SLOTH}", "사과"])
    assert typesetting.files == (fonts.latin(), fonts.cjk(), path)
    assert typesetting.shown(f"a{SLOTH}") == f"a{SLOTH}"
    assert typesetting.width(SLOTH, 72) == pytest.approx(1.0)  # a square of one em, at 72 points, is an inch wide
    figure = Figure((1, 1), dpi=100)
    figure.text(0.2, 0.2, SLOTH, fontfamily=typesetting.family, fontsize=36, parse_math=False)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    dark = np.asarray(Image.open(buffer).convert("L")) < 128
    rows, columns = np.nonzero(dark)
    assert dark.sum() == pytest.approx(50 * 50, rel=0.05)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == pytest.approx((50, 50), abs=1)


@pytest.mark.parametrize("turned", [False, True])
def test_the_choice_is_the_best_font_and_not_the_first_that_is_listed(
    tmp_path: Path, installed: Install, turned: bool
) -> None:
    def made(name: str, characters: str, *named: str) -> str:
        return font(tmp_path / f"{name}.ttf", characters, *named)

    both = SLOTH + OTTER
    ranked = [
        [made("z", SLOTH, "Noto Sans Animals"), made("y", OTTER, "Noto Sans Otters")],
        [made("x", both, "Noto Serif Animals")],
        [made("w", both, "Animals")],
        [made("v", OTTER, "Otters"), made("u", SLOTH, "Sloths")],
        [made("a", both, "Noto Sans Animals", "Bold")],
    ]
    while len(ranked) > 1:
        every = [path for rank in ranked for path in rank]
        installed(*(reversed(every) if turned else every))
        assert sorted(Typesetting([both]).files[1:]) == sorted(ranked[0])
        del ranked[0]


def test_fonts_that_draw_nothing_or_boxes_are_not_used(tmp_path: Path, installed: Install) -> None:
    damaged = tmp_path / "damaged.ttf"
    damaged.write_bytes(b"\0\1\0\0 no font")
    installed(
        font(tmp_path / "bitmaps.ttf", SLOTH, "Noto Sans Colour", empty=True),
        font(tmp_path / "boxes.ttf", SLOTH, "Last Resort"),
        str(damaged),
        str(tmp_path / "gone.ttf"),
    )
    assert Typesetting([SLOTH]).shown(SLOTH) == "⟨U+1F9A5⟩"


def test_a_character_without_a_font_is_a_code_point_with_a_note() -> None:
    typesetting = Typesetting([f"a{SLOTH}b", "␛[31m"])
    assert typesetting.shown(f"a{SLOTH}b") == "a⟨U+1F9A5⟩b"
    assert typesetting.shown("␛[31m") == "⟨U+001B⟩[31m"
    assert typesetting.missing == {SLOTH, "␛"}
    assert "U+1F9A5 SLOTH" in typesetting.note
    assert "and 12 more" in Typesetting([chr(0x12000 + i) for i in range(20)]).note
    assert typesetting.width(f"a{SLOTH}b", 10) == typesetting.width("a⟨U+1F9A5⟩b", 10)


@pytest.mark.parametrize(
    ("text", "has", "shown"),
    [
        ("👨\u200d👩", "", "⟨U+1F468 1F469⟩"),
        ("🇰🇷", "🇰", "🇰⟨U+1F1F7⟩"),
        ("🇰🇷🇫🇷", "", "⟨U+1F1F0 1F1F7⟩⟨U+1F1EB 1F1F7⟩"),
        ("👨\u200d👩", "👨", "👨⟨U+1F469⟩"),
        ("👨\u200d👩", "👨👩", "👨\u200d👩"),  # one font has all: it draws them joined, or side by side
        ("👍🏽", "👍", "👍⟨U+1F3FD⟩"),
        ("👍🏽", "👍🏽", "👍🏽"),
        ("❤\ufe0f\u200d🔥", "", "❤⟨U+1F525⟩"),
        ("1\ufe0f\u20e3", "1\u20e3", "1⟨U+20E3⟩"),  # most fonts draw this beside the digit
        ("q\u1de8", "\u1de8", "q⟨U+1DE8⟩"),  # a mark of another font would not sit on its letter
        ("e\u0301", "", "e\u0301"),
    ],
)
def test_a_character_and_its_marks_are_drawn_by_one_font(
    text: str, has: str, shown: str, tmp_path: Path, installed: Install
) -> None:
    installed(*([font(tmp_path / "a.ttf", has)] if has else []))
    assert Typesetting([text]).shown(text) == shown


def test_right_to_left_text_is_shaped_and_keeps_its_place() -> None:
    for read, written in (("אכלתי.", "תפוח"), ("أكلت", "تفاحة"), ("I ate", "אכלתי."), ("אכלתי.", "I ate"), ("", "אב")):
        typesetting = Typesetting([label := f"{read} → {written}"])
        drawn, arrow, last = ink(typesetting, label), ink(typesetting, "→"), ink(typesetting, written)
        assert alike(drawn[:, -last.shape[1] :], last)
        if read:
            first = ink(typesetting, read)
            assert alike(drawn[:, : first.shape[1]], first)
        assert drawn.shape[1] > arrow.shape[1] + last.shape[1]
    hebrew = Typesetting(["שלום"])
    assert alike(ink(hebrew, "ששיי")[:, -30:], ink(hebrew, "שש")[:, -30:])  # the first letter is the rightmost
    joined, apart = hebrew.width("بب", 10), 2 * hebrew.width("ب", 10)
    assert joined < 0.8 * apart
    assert hebrew.shown("(שלום)…") == "(שלום)…"


def test_text_is_shortened_and_wrapped() -> None:
    typesetting = Typesetting(["사과를", "שלום → אב", "e\u0301", SLOTH])
    assert typesetting.short("apple", 9, 3) == "apple"
    for text in ("x" * 200, "e\u0301" * 200, "שלום " * 40, SLOTH * 30, "사과를" * 20):
        short = typesetting.short(text, 9, 1.0)
        assert short.endswith("…")
        assert 0.7 < typesetting.width(short, 9) <= 1.0
        assert typesetting.width(typesetting.short(text, 9, 0.01, available=0.01), 9) == typesetting.width("…", 9)
    assert re.fullmatch("(e\u0301)+…", typesetting.short("e\u0301" * 200, 9, 1.0))
    lines = typesetting.wrapped("one two three four " * 5 + "y" * 300, 9, 1.5)
    assert all(typesetting.width(line, 9) <= 1.5 for line in lines)
    assert "".join(lines).endswith("y" * 300)  # what has no spaces is broken anywhere, and nothing is lost
    assert " ".join(typesetting.wrapped("one two three four " * 5, 9, 1.5)) == "one two three four " * 5


def test_a_pair_of_tokens_keeps_the_beginnings_of_both() -> None:
    typesetting = Typesetting([])
    assert typesetting.short("internationalisation → an", 9, 1.0) == "internati… → an"
    assert typesetting.short("an → internationalisation", 9, 1.0) == "an → internati…"
    for sign in (WRITES, GENERATES):
        both = typesetting.short(f"internationalisation {sign} antidisestablishment", 9, 1.0)
        assert re.fullmatch(f"inte\\w*… {sign} anti\\w*…", both)
        assert typesetting.width(both, 9) <= 1.0


def test_every_line_of_a_paragraph_has_the_direction_of_the_first() -> None:
    hebrew, english = "שלום לכולם and then he ate 3 apples", "and then he said שלום לכולם שלום"
    typesetting = Typesetting([hebrew, english])
    for text, base in ((hebrew, 1), (english, 0)):
        for width in (0.5, 0.9, 1.4):
            lines = typesetting.wrapped(text, 9, width)
            assert len(lines) > 1
            assert {base_level([line]) for line in lines} == {base}
            assert " ".join(line.strip("\u200e\u200f") for line in lines) == text


def test_a_text_of_too_many_lines_loses_its_middle() -> None:
    typesetting = Typesetting(["가"])
    text = "first " + "word " * 500 + "last"
    lines = typesetting.wrapped(text, 9, 3, 3)
    assert len(lines) == 3
    assert lines[0].startswith("first")
    assert lines[-1].endswith("last")
    assert sum(line.count("…") for line in lines) == 1
    assert max(typesetting.width(line, 9) for line in lines) <= 3
    assert typesetting.wrapped("one two", 9, 3, 3) == ["one two"]
    assert len(typesetting.wrapped("가" * 20_000, 9, 3, 2)) == 2
    assert len(typesetting.wrapped("a\nb\nc\nd", 9, 3, 3)) == 3
    even = [typesetting.width(line, 9) for line in typesetting.wrapped("words of a line " * 4, 9, 3, 3)]
    assert len(even) == 2
    assert min(even) > 0.6 * max(even)


def test_a_code_point_is_never_cut() -> None:
    typesetting = Typesetting([SLOTH])
    for shown in (typesetting.short(SLOTH * 30, 9, 2.0), *typesetting.wrapped(SLOTH * 300, 9, 2.0, 3)):
        assert re.fullmatch("(⟨U\\+1F9A5⟩| ?… ?)+", shown)


FAMILY, CODES = "👨\u200d👩\u200d👧\u200d👦", "⟨U+1F468 1F469 1F467 1F466⟩"


def test_a_character_of_many_code_points_can_be_cut_but_keeps_some() -> None:
    many = "\u200d".join("👨👩👧👦👶🧒")
    typesetting = Typesetting([FAMILY, many, "🏳\ufe0f\u200d🌈"])
    assert typesetting.short(FAMILY, 9, 0.8) == CODES  # a few are always written
    assert typesetting.short(many, 9, 0.8) == "⟨U+1F468 1F469 1F467 1F466⟩…"
    assert typesetting.short(FAMILY, 9, 0.8, available=1.0) == "⟨U+1F468⟩…"
    assert typesetting.short(FAMILY, 9, 3.0, available=1.7) == "⟨U+1F468 1F469 1F467⟩…"
    assert typesetting.short(f"the {FAMILY}", 9, 1.7) == "the ⟨U+1F468 1F469⟩…"
    assert typesetting.short(f"{FAMILY} → {FAMILY}", 9, 1.7) == f"{CODES} → {CODES}"
    assert typesetting.short(f"{FAMILY} → {FAMILY}", 9, 1.7, available=2.2) == "⟨U+1F468⟩… → ⟨U+1F468⟩…"
    assert typesetting.short(f"{FAMILY} → internationalisation", 9, 1.7).startswith(f"{CODES} → intern")
    for text in (f"fa → {FAMILY}", f"{FAMILY} → fa"):
        assert typesetting.short(text, 9, 1.7) == text.replace(FAMILY, CODES)
    assert typesetting.short(f"{many}s → ate", 9, 1.7) == "⟨U+1F468 1F469 1F467 1F466⟩… → ate"
    assert typesetting.wrapped(f"the {FAMILY} ate", 9, 3) == [f"the {CODES} ate"]


@pytest.mark.parametrize("style", ["heatmap", "lines", "arcs", "text"])
@pytest.mark.parametrize("heads", [1, 2])
def test_the_code_points_of_a_family_emoji_are_written_in_pictures(style: str, heads: int) -> None:
    words = ["the", FAMILY, "ate"]
    trace = Trace("by hand", "", (attention([np.roll(np.eye(3), 1, 1)] * heads, words),))
    shown = scene(trace, "self", tuple((0, head) for head in range(heads)))
    svg = picture(trace, [shown], ".svg", PlotOptions(style=style)).decode()
    assert f"<!-- {CODES} -->" in svg
    assert "<!-- … -->" not in svg


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_no_text_is_drawn_as_a_box_or_breaks_a_file(suffix: str) -> None:
    trace = labelled([*HOSTILE, "\\frac", "a_b", "<b>&amp;", "👍🏽", "1\ufe0f\u20e3", "मि", "אב"])
    one = scene(trace, "self", ((0, 0),), title="</title> $x_1$ שלום → אב", caption="<!-- & ]]>")
    data = picture(trace, [one], suffix)  # matplotlib warns of every glyph that is missing
    if suffix == ".svg":
        ElementTree.fromstring(data)
        assert b"<b>" not in data


@pytest.mark.filterwarnings("error")
def test_a_caption_can_have_several_lines() -> None:
    typesetting = Typesetting(["사과 1\n사과 2"])
    assert typesetting.missing == set()
    assert typesetting.wrapped("사과 1\n사과 2", 9, 2) == ["사과 1", "사과 2"]
    one = scene(labelled(["a", "b"]), "self", ((0, 0),), title="사과\nb\nc", caption="사과\ne")
    assert picture(labelled(["a", "b"]), [one], ".png")


def test_right_to_left_text_is_outlined_and_the_rest_stays_text() -> None:
    page = Figure()
    for text in ("א → ب", "ب", "a → b", "사과"):
        page.text(0, 0, text)
    outline(page)
    assert [bool(text.get_path_effects()) for text in page.texts] == [True, True, False, False]
    trace = labelled(["a", "א"])
    one = scene(trace, "self", ((0, 0),), title="א → ב")
    assert not re.search("[\u200e\u2066-\u2069]", picture(trace, [one], ".svg").decode())


def test_a_text_is_split_into_pieces_for_one_font() -> None:
    assert fonts.clusters("e\u0301a👨\u200d👩👍🏽") == ["e\u0301", "a", "👨\u200d👩", "👍🏽"]
    assert fonts.clusters("") == []


def test_a_long_text_is_cut_in_few_steps() -> None:
    typesetting, measured = Typesetting([]), []

    def width(text: str, size: float) -> float:
        measured.append(text)
        return len(text) * size / 100

    typesetting.width = width
    assert typesetting.short("x" * 10_000, 1, 1.0) == "x" * 99 + "…"
    assert len(measured) < 20


def test_the_kind_of_outlines_is_read_from_the_file(tmp_path) -> None:
    assert not fonts.has_postscript_outlines(fonts.latin())
    assert fonts.has_postscript_outlines(fonts.cjk())
    for kind in (b"OTTO", b"\x00\x01\x00\x00"):
        file = tmp_path / f"{kind[0]}.ttc"
        file.write_bytes(b"ttcf\0\1\0\0" + (1).to_bytes(4, "big") + (20).to_bytes(4, "big") + b"\0" * 4 + kind)
        assert fonts.has_postscript_outlines(str(file)) == (kind == b"OTTO")


def test_a_title_of_two_texts_is_broken_before_the_second() -> None:
    two = "Je mange une pomme → She ate an apple"
    typesetting = Typesetting([two])
    assert typesetting.title(two, 12, 2.5, 3) == ["Je mange une pomme", "→ She ate an apple"]
    assert typesetting.title(two, 12, 9, 3) == [two]
    assert len(typesetting.title(two, 12, 1.2, 3)) == 3
