"""Text in pictures: a font for every script that is written, its width before it is drawn, and nothing lost."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from matplotlib.font_manager import FontEntry, fontManager, get_font
from matplotlib.ft2font import LoadFlags

from attnviz.render import fonts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATIN, CJK = "DejaVu Sans", "Noto Sans CJK JP"
POINT = 1 / 72
"""One point in inches."""
NAMED = 8
"""A note names at most so many characters."""

_BETWEEN = re.compile("((?:^| )[→·](?: |$)|   )")
"""What stands between texts that are read one by one, such as the token read and the token written."""
_LEFT_TO_RIGHT, _ISOLATED = "\u200e", "\u2068{}\u2069"


class Lettering:
    """How the texts of one picture are set: plain text, in the fonts that they need.

    `files` are those fonts, each asked for what the ones before it lack, and `family` their names for matplotlib, which
    shapes and orders the text: Arabic is joined, Hebrew runs from right to left. The CJK font and installed fonts take
    a while to load and are among them only for texts that need them. What no font draws is written as its code point;
    `lost` holds these characters.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        lines = (line for text in texts if not text.isascii() for line in text.split("\n"))
        pieces = {piece for line in lines for piece in fonts.clusters(line)}
        _, broken = fonts.choose(pieces)
        alone = {char for piece in broken for char in piece if not fonts.changes(char)}
        files, without = fonts.choose(pieces - broken | alone)
        drawn = alone - without  # what no font draws whole is written character by character
        self.files = tuple(files)
        self.family = [_registered(file) for file in files]
        self._spelled = {piece: _spelled(piece, drawn) for piece in broken}
        self.lost = {char for piece in broken for char in piece if fonts.is_drawn(char) and char not in drawn}

    @property
    def note(self) -> str | None:
        """What a reader ought to be told: which characters are written as code points."""
        if not self.lost:
            return None
        named = [f"U+{ord(c):04X} {unicodedata.name(c, '')}".rstrip() for c in sorted(self.lost)]
        more = [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
        return f"no font here has {', '.join(named[:NAMED] + more)}: written as code points. Noto fonts may have them."

    def shown(self, text: str) -> str:
        """One line of `text` as it is given to the font: `⟨U+1F9A5⟩` for a character that no font has.

        Texts between arrows and dots keep their places from left to right, whichever way each of them is read.
        """
        text = self._written(text)
        parts = _BETWEEN.split(text) if _runs_left(text) else [text]
        if len(parts) == 1:
            return text
        parts[::2] = [part and _ISOLATED.format(part) for part in parts[::2]]
        return _LEFT_TO_RIGHT + "".join(parts)

    def width(self, text: str, size: float) -> float:
        """The width of one line of `text` at `size` points, in inches."""
        return _width(self.shown(text), self.files) * size

    def short(self, text: str, size: float, width: float) -> str:
        """`text` as it is drawn, cut with an ellipsis to at most `width` inches at `size` points."""
        return self.shown(self._cut(text, size, width))

    def wrapped(self, text: str, size: float, width: float) -> list[str]:
        """`text` as it is drawn, in lines of at most `width` inches at `size` points."""
        return [self.shown(line) for line in self._lines(text, size, width)]

    def _lines(self, text: str, size: float, width: float) -> Iterator[str]:
        for paragraph in self._written(text).split("\n"):
            line, wide = "", 0.0
            for word in paragraph.split(" "):
                more = self.width(f" {word}", size)
                if line and wide + more > width:
                    yield line
                    line = ""
                if line:
                    line, wide = f"{line} {word}", wide + more
                else:
                    line = self._cut(word, size, width)
                    wide = self.width(line, size)
            yield line

    def _cut(self, text: str, size: float, width: float) -> str:
        if self.width(text, size) <= width:
            return text
        pieces = fonts.clusters(self._written(text))

        def cut(kept: int) -> str:
            return "".join(pieces[:kept]) + "…"

        return cut(max(bisect_right(range(len(pieces)), width, key=lambda kept: self.width(cut(kept), size)) - 1, 0))

    def _written(self, text: str) -> str:
        if not self._spelled or text.isascii():
            return text
        return "".join(self._spelled.get(piece, piece) for piece in fonts.clusters(text))


def _spelled(piece: str, drawn: set[str]) -> str:
    """The characters of `piece`, as a code point each that is not in `drawn`."""
    return "".join(c if c in drawn else f"⟨U+{_code(c):04X}⟩" for c in piece if fonts.is_drawn(c))


def _code(char: str) -> int:
    code = ord(char)
    return code - 0x2400 if 0x2400 <= code < 0x2420 else code  # ␛ stands for the control character U+001B


def outline_right_to_left(figure: "Figure") -> None:
    """Have text that runs from right to left drawn as outlines.

    matplotlib's PDF moves a letter that follows a mark of direction in another part of its font (3.11.2), and its SVG
    has the marks in comments.
    """
    from matplotlib.patheffects import Normal
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if _runs_left(text.get_text()):
            text.set_path_effects([Normal()])


def _runs_left(text: str) -> bool:
    return not text.isascii() and any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


@cache
def _width(text: str, files: tuple[str, ...]) -> float:
    """Inches a point of font size."""
    font = get_font(list(files))
    font.set_size(100, 72)  # a point is a pixel, of 64 units
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0]) / 64 / 100 * POINT


@cache
def _registered(file: str) -> str:
    """The name by which matplotlib finds `file`; that of an installed font is its path, for families share names."""
    if file == fonts.latin():
        return LATIN
    if file == fonts.cjk():
        fontManager.addfont(file)
        return CJK
    fontManager.ttflist.append(FontEntry(fname=file, name=file, weight=400, size="scalable"))
    return file
