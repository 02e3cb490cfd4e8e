"""Text in pictures: a font for every script, widths before anything is drawn, wrapping, and no character lost."""

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby, islice

from matplotlib.font_manager import FontEntry, fontManager, get_font
from matplotlib.ft2font import LoadFlags

from attnviz.render.bidi import base_level, runs_left
from attnviz.render.picture import fonts
from attnviz.render.scene import GENERATES, WRITES

SMALL, BODY, LARGE = 8.0, 9.5, 12.0
"""Sizes of captions and legends, of labels, and of titles, in points."""
LATIN, CJK = "DejaVu Sans", "Noto Sans CJK JP"
POINT = 1 / 72
"""One point in inches."""
NAMED = 8
"""A note names at most this many characters."""
WHOLE = 4
"""This many code points of a cut character are always written: one code point could belong to many characters."""
_CLOSE = 1e-3
"""The largest difference between the width of a text and the sum of those of its parts, in inches."""
DENSEST = 360
"""The most letters in an inch, times their size in points."""
_ARROW = re.compile(f"( [{WRITES}{GENERATES}] )")
"""The arrow between the token that is read and the one that is written."""
_BETWEEN = re.compile(f"((?:^| )[{WRITES}{GENERATES}·](?: |$)|   )")
"""Separators of texts that are read one after the other, such as the token read and the token written."""
_LEFT_TO_RIGHT, _RIGHT_TO_LEFT, _ISOLATED = "\u200e", "\u200f", "\u2068{}\u2069"


class Typesetting:
    """The fonts and sizes of the texts of one picture.

    `files` are the fonts, each used for characters that those before it lack, and `family` their names in matplotlib,
    which shapes and orders the text: Arabic is joined, Hebrew runs from right to left. The CJK font and installed fonts
    are slow to load and used only for texts that need them. A character that no font draws is written as its code
    points; `missing` holds these characters. Labels have `body` points; `small` and `large` scale with them, by `zoom`.
    """

    def __init__(self, texts: Iterable[str], body: float | None = None) -> None:
        self.zoom = (body or BODY) / BODY
        self.small, self.body, self.large = (size * self.zoom for size in (SMALL, BODY, LARGE))
        lines = (line for text in texts if not text.isascii() for line in text.split("\n"))
        pieces = {piece for line in lines for piece in fonts.clusters(line)}
        _, broken = fonts.choose(pieces)
        alone = {char for piece in broken for char in piece if not fonts.changes(char)}
        files, without = fonts.choose(pieces - broken | alone)
        drawn = alone - without  # a piece that no single font draws is written character by character
        self.files = tuple(files)
        self.family = [_registered(file) for file in files]
        self._drawn = drawn
        self._spelled = {piece: _spelled(piece, drawn) for piece in broken}
        self.missing = {char for piece in broken for char in piece if fonts.is_drawn(char) and char not in drawn}

    @property
    def note(self) -> str | None:
        """A note on the characters that are written as code points; None without any."""
        if not self.missing:
            return None
        named = [f"U+{ord(c):04X} {unicodedata.name(c, '')}".rstrip() for c in sorted(self.missing)]
        more = [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
        return f"no font here has {', '.join(named[:NAMED] + more)}: written as code points. Noto fonts may have them."

    def shown(self, text: str) -> str:
        """One line of `text` as it is given to the font: `⟨U+1F9A5⟩` for a character that no font has.

        Texts between arrows and dots keep their order from left to right, whatever their own direction is.
        """
        text = self._written(text)
        parts = _BETWEEN.split(text) if runs_left(text) else [text]
        if len(parts) == 1:
            return text
        parts[::2] = [part and _ISOLATED.format(part) for part in parts[::2]]
        return _LEFT_TO_RIGHT + "".join(parts)

    def width(self, text: str, size: float) -> float:
        """The width of one line of `text` at `size` points, in inches."""
        return self.width_as_drawn(self.shown(text), size)

    def width_as_drawn(self, text: str, size: float) -> float:
        """The width of a line that `shown`, `short` or `wrapped` made, at `size` points, in inches."""
        return _width(text, self.files) * size

    def short(self, text: str, size: float, width: float, available: float = math.inf) -> str:
        """`text` as it is drawn, cut with an ellipsis to at most `width` inches at `size` points.

        If it is a token read and a token written, both keep their beginning. The first code points of a character at
        the beginning are not cut if they fit `available` inches.
        """
        read, *rest = _ARROW.split(text, maxsplit=1)
        if not rest:
            return self.shown(self._cut(text, size, min(max(width, self._least(text, size)), available)))
        arrow, written = rest
        free = width - self.width(arrow, size)
        least = [max(self._least(part, size), min(self.width(part, size), free / 2)) for part in (read, written)]
        free = min(max(free, sum(least)), available - self.width(arrow, size))
        if self.width(text, size) <= free + self.width(arrow, size) + _CLOSE:
            return self.shown(text)
        least = [each * min(free / sum(least), 1) for each in least]
        left = max(free - self.width(written, size), min(free - least[1], max(free / 2, least[0])))
        read = self._cut(read, size, left)
        return self.shown(read + arrow + self._cut(written, size, free - self.width(read, size)))

    def _least(self, text: str, size: float) -> float:
        """The least width, in inches, that shows which the first character is, if it is written as code points."""
        pieces = fonts.clusters(text) if self._spelled else []
        if not pieces or pieces[0] not in self._spelled:
            return 0.0
        codes = [char for char in pieces[0] if fonts.is_drawn(char)]
        is_cut = len(pieces) > 1 or len(codes) > WHOLE
        return self.width(_spelled("".join(codes[:WHOLE]), self._drawn) + "…" * is_cut, size)

    def wrapped(self, text: str, size: float, width: float, most: int | None = None) -> list[str]:
        """`text` as it is drawn, wrapped to lines of at most `width` inches at `size` points.

        A text of more than `most` lines loses its middle; the lines of a shorter one are balanced.
        """
        lines = list(islice(self._lines(text, size, width), most and most + 1))
        if most is not None and len(lines) > most:
            lines = self._ends(text, size, width, most)
        elif most is not None and len(lines) > 1:
            narrower = (list(self._lines(text, size, part * width)) for part in (0.6, 0.7, 0.8, 0.9))
            lines = next((even for even in narrower if len(even) == len(lines)), lines)
        return [self.shown(line) for line in lines]

    def title(self, text: str, size: float, width: float, most: int) -> list[str]:
        """`text` as in `wrapped`; the second of two texts with an arrow between them begins a line."""
        parts = text.replace(f" {WRITES} ", f"\n{WRITES} ", 1)
        if parts == text or self.width(text, size) <= width or len(list(self._lines(parts, size, width))) > most:
            return self.wrapped(text, size, width, most)
        return self.wrapped(parts, size, width, most)

    def _lines(self, text: str, size: float, width: float) -> Iterator[str]:
        """The lines of `text`, each with the direction of its paragraph, whatever the line begins with."""
        for paragraph in text.split("\n"):
            base = base_level([paragraph])
            yield from (_directed(line, base) for line in self._pieces(paragraph, size, width))

    def _pieces(self, paragraph: str, size: float, width: float) -> Iterator[str]:
        line, length = "", 0.0
        for word in paragraph.split(" "):
            more = self.width(f" {word}", size)
            if line and length + more <= width:
                line, length = f"{line} {word}", length + more
                continue
            if line:
                yield line
            *whole, line = self._broken(word, size, width)
            yield from whole
            length = self.width(line, size)
        yield line

    def _broken(self, word: str, size: float, width: float) -> list[str]:
        """`word` in pieces that fit a line: a text without spaces, such as Chinese, is broken between characters."""
        lines, pieces = [], fonts.clusters(word)
        while pieces:
            ahead = pieces[: int(DENSEST * width / size) + 1]
            fits = self.width("".join(ahead), size) <= width
            kept = len(ahead) if fits else max(self._fitting(ahead, "", size, width), 1)
            lines.append("".join(pieces[:kept]))
            pieces = pieces[kept:]
        return lines or [""]

    def _ends(self, text: str, size: float, width: float, most: int) -> list[str]:
        """`text` in `most` lines, without its middle, cut between words where there are spaces."""
        pieces = fonts.clusters(text)

        def cut(kept: int) -> list[str]:
            first, last = "".join(pieces[: (kept + 1) // 2]), "".join(pieces[len(pieces) - kept // 2 :])
            first, last = first.rpartition(" ")[0] or first, last.partition(" ")[2] or last
            return list(self._lines(f"{first} … {last}", size, width))

        longest = min(len(pieces), int(DENSEST * width / size) * most)
        return cut(_last(range(longest), most, lambda kept: len(cut(kept))))

    def _cut(self, text: str, size: float, width: float) -> str:
        if self.width(text, size) <= width:
            return text
        pieces = fonts.clusters(text)[: int(DENSEST * width / size) + 1]
        kept = self._fitting(pieces, "…", size, width)
        first, last = "".join(pieces[:kept]), pieces[kept]
        if last in self._spelled:  # some of its code points fit

            def length(end: int) -> float:
                return self.width(f"{first}{_spelled(last[:end], self._drawn)}…", size)

            first += _spelled(last[: _last(range(len(last)), width, length)], self._drawn)
        return f"{first}…"

    def _fitting(self, pieces: list[str], end: str, size: float, width: float) -> int:
        """How many of `pieces`, followed by `end`, fit `width` inches at `size` points."""

        def length(kept: int) -> float:
            return self.width("".join(pieces[:kept]) + end, size)

        return _last(range(len(pieces)), width, length)

    def _written(self, text: str) -> str:
        if not self._spelled or text.isascii():
            return text
        return "".join(self._spelled.get(piece, piece) for piece in fonts.clusters(text))


def _directed(line: str, base: int | None) -> str:
    """`line`, with a direction mark before it if it would not run as its paragraph does, whose level is `base`."""
    own = base_level([line])
    if own == base or (own is None and base == 0):
        return line
    return (_RIGHT_TO_LEFT if base else _LEFT_TO_RIGHT) + line


def _last(counts: range, most: float, measure: Callable[[int], float]) -> int:
    """The last of `counts` whose `measure` is at most `most`, or else the first; `measure` grows with the count."""
    return max(bisect_right(counts, most, key=measure) - 1, 0)


def _spelled(piece: str, drawn: set[str]) -> str:
    """The characters of `piece`; those not in `drawn` are written as code points: `⟨U+1F468 1F469⟩`."""
    runs = groupby(filter(fonts.is_drawn, piece), drawn.__contains__)
    return "".join(
        "".join(run) if is_drawn else f"⟨U+{' '.join(f'{_code(char):04X}' for char in run)}⟩" for is_drawn, run in runs
    )


def _code(char: str) -> int:
    code = ord(char)
    return code - 0x2400 if 0x2400 <= code < 0x2420 else code  # ␛ stands for the control character U+001B


@cache
def _width(text: str, files: tuple[str, ...]) -> float:
    """The width of `text`, in inches per point of font size."""
    font = get_font(list(files))
    font.set_size(100, 72)  # a point is a pixel, of 64 units
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0]) / 64 / 100 * POINT


@cache
def _registered(file: str) -> str:
    """The name by which matplotlib finds `file`; for an installed font its path, since families can share a name."""
    if file == fonts.latin():
        return LATIN
    if file == fonts.cjk():
        fontManager.addfont(file)
        return CJK
    fontManager.ttflist.append(FontEntry(fname=file, name=file, weight=400, size="scalable"))
    return file
