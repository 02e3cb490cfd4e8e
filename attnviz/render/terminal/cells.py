"""Text in terminal cells: Hangul, emoji and combining characters keep their columns."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnviz.render.scene import GENERATES, WRITES

Line = list[Segment]
DIM, BOLD = Style(dim=True), Style(bold=True)
_SIGN = re.compile(f"( [{WRITES}{GENERATES}] )")
"""What stands between the token that a row reads and the one that it writes."""
LEGIBLE, MOST = 4, 0.75
"""A word that is cut to fewer cells tells nothing; and where more than one in four is cut, a reader has to guess."""


def ltr(text: str) -> str:
    """`text`, so that a terminal that turns right-to-left letters around leaves what stands beside them in its place.

    It holds the token and what it is joined to, by an arrow or a dot, in their order too.
    """
    if text.isascii() or not any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text):
        return text
    return re.sub(f"(?= [{WRITES}{GENERATES}·] |$)", "\N{LEFT-TO-RIGHT MARK}", text)


def graphemes(text: str) -> list[str]:
    """`text` in the pieces that a reader takes for characters: what adds no width stays with what it adds to."""
    spans, _ = split_graphemes(text)
    return [text[start:end] for start, end, _ in spans]


def fit(text: str, width: int, align: str = "left") -> str:
    """`text` in exactly `width` cells, padded (`left`, `right` or `center`), or cut with an ellipsis.

    Of a token read and a token written, both keep their beginning.
    """
    read, *rest = _SIGN.split(text, maxsplit=1)
    if rest and 5 <= width < cell_len(text):
        sign, written = rest
        available = width - cell_len(sign)
        left = min(max(available // 2, available - cell_len(written)), cell_len(read))
        text = _cut(read, left) + sign + _cut(written, available - left)
    text = _cut(text, width)
    spare, text = width - cell_len(text), ltr(text)
    left = {"left": 0, "right": spare, "center": (spare + 1) // 2}[align]
    return " " * left + text + " " * (spare - left)


def _cut(text: str, width: int) -> str:
    """`text`, or as much of it as leaves room for an ellipsis in `width` cells."""
    if cell_len(text) <= width:
        return text
    kept = ""
    for piece in graphemes(text):
        if cell_len(kept + piece) > width - 1:
            break
        kept += piece
    return kept + "…" if width else ""


def heading(text: str, width: int) -> Text:
    """`text` in bold; a line of it that would take more than three of `width` cells without its middle."""
    most, cut = 3 * width, 3 * width - 15  # lines break at words
    lines = (line if cell_len(line) <= most else without_middle(line, cut) for line in text.split("\n"))
    return Text("\n".join(lines), style=BOLD)


def without_middle(text: str, available: int) -> str:
    """`text`, or its beginning and its end where it takes more than `available` cells."""
    if cell_len(text) <= available:
        return text
    half, end = max((available - 1) // 2, 1), ""
    for piece in reversed(graphemes(text)):
        if cell_len(piece + end) > half:
            break
        end = piece + end
    return f"{_cut(text, half)} {end.lstrip()}"


def readable(labels: Sequence[str], width: int) -> bool:
    """Whether `width` cells are enough for `labels`: for each of them, or for most while the others are cut legibly."""
    whole = sum(cell_len(label) <= width for label in labels)
    return whole == len(labels) or (width >= LEGIBLE and whole >= MOST * len(labels))


def across(labels: Sequence[str], width: int, cuts: Sequence[int] = ()) -> str:
    """Labels on one line, each in the middle of its column of `width` cells, and cut where it would touch the next.

    A cell is left free before each of the columns `cuts`.
    """
    shown = (
        fit(fit(label, width - 1).rstrip(" ") if cell_len(label) > width - 1 else label, width, "center")
        for label in labels
    )
    return "".join(" " * (index in cuts) + label for index, label in enumerate(shown))


def ruler(labels: Sequence[str], width: int, cuts: Sequence[int] = (), first: Sequence[int] = ()) -> str:
    """`labels` of columns `width` cells wide, each from where its column begins, without those that have no room.

    Those of the columns `first` take it before the others do, and end where the line does. A cell is left free before
    each of the columns `cuts`.
    """
    end = len(labels) * width + len(cuts)
    placed: dict[int, str] = {}
    for number, index in enumerate((*first, *range(len(labels)))):
        start, label = index * width + sum(cut <= index for cut in cuts), labels[index]
        start = max(min(start, end - len(label)), 0) if number < len(first) else start
        apart = (start + len(label) < other or other + len(placed[other]) < start for other in placed)
        if label and start + len(label) <= end and all(apart):
            placed[start] = label
    line = ""
    for start in sorted(placed):
        line = line.ljust(start) + placed[start]
    return line.ljust(end)


def flowing(pieces: Iterable[Text], width: int) -> Iterator[Text]:
    """`pieces` one after the other, two spaces between them, in lines of at most `width` cells; none is broken."""
    line = Text()
    for piece in pieces:
        if line and line.cell_len + 2 + piece.cell_len > width:
            yield line
            line = Text()
        if line:
            line.append("  ")
        line.append_text(piece)
    if line:
        yield line
