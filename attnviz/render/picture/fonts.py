"""Which font files draw a text: matplotlib's, that of the CJK package, and installed ones."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import matplotlib
from matplotlib.font_manager import findSystemFonts, get_font
from matplotlib.ft2font import FT2Font, LoadFlags

_UNDRAWN = re.compile("[\u200c-\u200f\u2066-\u2069\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Characters that only change how their neighbours are drawn: joiners, direction marks, variation selectors."""
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_JOINER = "\u200d"
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


def clusters(text: str) -> list[str]:
    """`text` in pieces that one font has to draw: a character with its marks, a joined emoji, a flag."""
    pieces: list[str] = []
    for char in text:
        if pieces and (changes(char) or pieces[-1].endswith(_JOINER) or _FLAG.fullmatch(pieces[-1] + char)):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def is_drawn(char: str) -> bool:
    """False for a character without a shape, such as a joiner or a variation selector."""
    return not _UNDRAWN.match(char)


def changes(char: str) -> bool:
    """Whether `char` changes the character before it, as a combining mark does."""
    if char.isascii():
        return False
    return unicodedata.category(char).startswith("M") or char in _SKIN_TONES or not is_drawn(char)


def choose(pieces: Collection[str]) -> tuple[list[str], set[str]]:
    """The font files that draw `pieces`, in order of preference, and the pieces that no font draws.

    The first is always matplotlib's DejaVu Sans. Each piece is drawn by the first font that has all its characters.
    Installed fonts are searched only for pieces that neither DejaVu nor the CJK font has. The choice is deterministic.
    """
    files = [latin()]
    left = {piece for piece in pieces if not draws(get_font(latin()), piece)}
    if left and (packaged := cjk()):
        here = {piece for piece in left if draws(get_font(packaged), piece)}
        files += [packaged] if here else []
        left -= here
    candidates = _installed_for(left) if left else {}
    while counts := Counter(index for piece in left for index in candidates[piece]):
        best = min(counts, key=lambda index: (_installed()[index][0], -counts[index], index))
        files.append(_installed()[best][1])
        left = {piece for piece in left if best not in candidates[piece]}
    return files, left


def draws(font: FT2Font, piece: str) -> bool:
    """Whether `font` has an outline for every character of `piece`; colour bitmap fonts have none."""
    return all(_draws(font, char) for char in piece if is_drawn(char))


@cache
def has_postscript_outlines(file: str) -> bool:
    """Whether the glyphs of a font file, or of the first font in a collection, are PostScript (CFF), not TrueType."""
    with open(file, "rb") as font:
        kind = font.read(16)
        if kind.startswith(b"ttcf"):
            font.seek(int.from_bytes(kind[12:], "big"))
            kind = font.read(4)
    return kind.startswith(b"OTTO")


def _draws(font: FT2Font, char: str) -> bool:
    index = font.get_char_index(ord(char))
    if unicodedata.category(char) == "Me":  # most fonts draw a keycap beside its key
        return False
    if not index or char.isspace():
        return bool(index)
    try:
        font.load_glyph(index, LoadFlags.NO_HINTING)
    except RuntimeError:  # damaged
        return False
    return len(font.get_path()[0]) > 0


@cache
def latin() -> str:
    """matplotlib's DejaVu Sans."""
    return str(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"))


@cache
def bold() -> str:
    """matplotlib's DejaVu Sans Bold."""
    return str(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans-Bold.ttf"))


@cache
def cjk() -> str | None:
    """The font in the package noto-cjk-sans-jp-regular, or None where it is not installed."""
    spec = find_spec("noto_cjk_sans_jp_regular")
    folders = (spec and spec.submodule_search_locations) or []
    return next((str(path) for folder in folders for path in sorted(Path(folder).glob("*.otf"))), None)


_candidates: dict[str, list[int]] = {}


def _installed_for(pieces: Iterable[str]) -> dict[str, list[int]]:
    """For each piece, the indices of the installed fonts that draw it. Each font is opened once for all new pieces."""
    found: dict[str, list[int]] = {piece: [] for piece in pieces if piece not in _candidates}
    for index, (_, path) in enumerate(_installed() if found else ()):
        if font := _opened(path):
            for piece, numbers in found.items():
                if draws(font, piece):
                    numbers.append(index)
    _candidates.update(found)
    return _candidates


@cache
def _installed() -> list[tuple[int, str]]:
    """The installed outline fonts with their ranks, best first: Noto Sans, other Noto, others, not regular."""
    fonts = ((path, font) for path in findSystemFonts() if (font := _opened(path)) and font.scalable)
    return sorted((_rank(font), path) for path, font in fonts if not _is_last_resort(font))


def _rank(font: FT2Font) -> int:
    if font.style_name not in ("Regular", "Book", "Roman", "Normal"):
        return 3
    return 0 if font.family_name.startswith("Noto Sans") else 1 if font.family_name.startswith("Noto ") else 2


def _is_last_resort(font: FT2Font) -> bool:
    """Whether `font` draws a placeholder box for every character."""
    return "lastresort" in font.family_name.replace(" ", "").lower()


def _opened(path: str) -> FT2Font | None:
    try:
        return FT2Font(path)
    except (OSError, RuntimeError):  # gone, or damaged
        return None
