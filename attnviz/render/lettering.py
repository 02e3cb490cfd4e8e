"""Text in pictures: a font for every script that is written, its width before it is drawn, and nothing lost."""

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import matplotlib
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.textpath import text_to_path

LATIN, CJK = "DejaVu Sans", "Noto Sans CJK JP"
POINT = 1 / 72
"""One point in inches."""


class Lettering:
    """How the texts of one picture are set: plain text, in the fonts that they need.

    `family` is matplotlib's font family; the CJK font, which takes a while to load, is in it only for texts that need
    it. What neither font has is written as its code point.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        beyond = {ord(c) for text in texts for c in text if ord(c) > 126 and not _has(_latin_file(), ord(c))}
        cjk = _cjk_file() if beyond else None
        self.lost = {code for code in beyond if cjk is None or not _has(cjk, code)}
        self.family = [LATIN, CJK] if cjk and beyond != self.lost else [LATIN]
        if len(self.family) == 2:
            _register(str(cjk))

    def shown(self, text: str) -> str:
        """`text` as it is drawn: `U+1F9A5` for a character that no font has, nothing for one that only selects."""
        if not any(ord(c) in self.lost for c in text):
            return text
        return "".join(_code_point(c) if ord(c) in self.lost else c for c in text if c != "\u200d")  # joins nothing now

    def width(self, text: str, size: float) -> float:
        """The width of one line of `text` at `size` points, in inches."""
        return _width(self.shown(text), tuple(self.family)) * size

    def short(self, text: str, size: float, width: float) -> str:
        """`text` as it is drawn, cut with an ellipsis to at most `width` inches at `size` points."""
        shown = self.shown(text)
        if self.width(shown, size) <= width:
            return shown
        while shown and self.width(shown + "…", size) > width:
            shown = shown[:-1]
        return shown + "…"

    def wrapped(self, text: str, size: float, width: float) -> list[str]:
        """`text` as it is drawn, in lines of at most `width` inches at `size` points."""
        lines = []
        for paragraph in self.shown(text).split("\n"):
            line = ""
            for word in paragraph.split(" "):
                longer = f"{line} {word}" if line else word
                if line and self.width(longer, size) > width:
                    lines.append(line)
                    longer = word
                line = self.short(longer, size, width) if longer == word else longer
            lines.append(line)
        return lines


def _code_point(character: str) -> str:
    if unicodedata.category(character) == "Mn":  # as a variation selector, which only says how to draw
        return ""
    code = ord(character)
    return f"U+{code - 0x2400 if 0x2400 <= code < 0x2420 else code:04X}"  # ␛ stands for the control character U+001B


def _has(path: str, code: int) -> bool:
    return bool(get_font(path).get_char_index(code))


@cache
def _width(text: str, family: tuple[str, ...]) -> float:
    """Inches a point of font size."""
    wide, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(family=list(family), size=10), False)
    return float(wide) / 10 * POINT


@cache
def _latin_file() -> str:
    return str(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"))


@cache
def _cjk_file() -> str | None:
    """The font in the package noto-cjk-sans-jp-regular, or None where it was not installed."""
    spec = find_spec("noto_cjk_sans_jp_regular")
    folders = (spec and spec.submodule_search_locations) or []
    return next((str(path) for folder in folders for path in sorted(Path(folder).glob("*.otf"))), None)


@cache
def _register(path: str) -> None:
    fontManager.addfont(path)
