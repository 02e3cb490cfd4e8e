"""Text in terminal cells: columns stay aligned with Hangul, emoji and combining characters."""

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
_ARROW = re.compile(f"( [{WRITES}{GENERATES}] )")
"""The arrow between the token that a row reads and the one that it writes."""
LEGIBLE, WHOLE = 4, 0.75
"""Labels are legible if none is cut to fewer than LEGIBLE cells and at least the share WHOLE is not cut."""


def ltr(text: str) -> str:
    """`text` with marks that keep a terminal which reorders right-to-left letters from moving the text beside them.

    Tokens that are joined by an arrow or a dot keep their order too.
    """
    if text.isascii() or not any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text):
        return text
    return re.sub(f"(?= [{WRITES}{GENERATES}·] |$)", "\N{LEFT-TO-RIGHT MARK}", text)


def graphemes(text: str) -> list[str]:
    """`text` in user-perceived characters: a combining mark stays with its letter."""
    spans, _ = split_graphemes(text)
    return [text[start:end] for start, end, _ in spans]


def fit(text: str, width: int, align: str = "left") -> str:
    """`text` in exactly `width` cells, aligned `left`, `right` or `center`, or cut with an ellipsis.

    If it is a token read and a token written, both keep their beginning.
    """
    read, *rest = _ARROW.split(text, maxsplit=1)
    if rest and 5 <= width < cell_len(text):
        arrow, written = rest
        available = width - cell_len(arrow)
        left = min(max(available // 2, available - cell_len(written)), cell_len(read))
        text = _cut(read, left) + arrow + _cut(written, available - left)
    text = _cut(text, width)
    spare, text = width - cell_len(text), ltr(text)
    left = {"left": 0, "right": spare, "center": (spare + 1) // 2}[align]
    return " " * left + text + " " * (spare - left)


def _cut(text: str, width: int) -> str:
    """`text`, or its beginning and an ellipsis in at most `width` cells."""
    if cell_len(text) <= width:
        return text
    kept = ""
    for piece in graphemes(text):
        if cell_len(kept + piece) > width - 1:
            break
        kept += piece
    return kept + "…" if width else ""


def heading(text: str, width: int) -> Text:
    """`text` in bold; a line that would fill more than three lines of `width` cells loses its middle."""
    most, cut = 3 * width, 3 * width - 15  # lines break at words
    lines = (line if cell_len(line) <= most else without_middle(line, cut) for line in text.split("\n"))
    return Text("\n".join(lines), style=BOLD)


def without_middle(text: str, available: int) -> str:
    """`text`, or its beginning and end if it has more than `available` cells."""
    if cell_len(text) <= available:
        return text
    half, end = max((available - 1) // 2, 1), ""
    for piece in reversed(graphemes(text)):
        if cell_len(piece + end) > half:
            break
        end = piece + end
    return f"{_cut(text, half)} {end.lstrip()}"


def readable(labels: Sequence[str], width: int) -> bool:
    """Whether `width` cells are enough for `labels`: all fit, or most do and the others stay legible when cut."""
    whole = sum(cell_len(label) <= width for label in labels)
    return whole == len(labels) or (width >= LEGIBLE and whole >= WHOLE * len(labels))


def across(labels: Sequence[str], width: int, cuts: Sequence[int] = ()) -> str:
    """Labels on one line, each centred in its column of `width` cells, and cut so that it does not touch the next.

    A cell stays free before each of the columns `cuts`.
    """
    shown = (
        fit(fit(label, width - 1).rstrip(" ") if cell_len(label) > width - 1 else label, width, "center")
        for label in labels
    )
    return "".join(" " * (index in cuts) + label for index, label in enumerate(shown))


def ruler(labels: Sequence[str], width: int, cuts: Sequence[int] = (), first: Sequence[int] = ()) -> str:
    """Labels on one line, each from the start of its column of `width` cells; those that do not fit are left out.

    Labels of the columns `first` are placed before the others, and moved left where the line would end too early. A
    cell stays free before each of the columns `cuts`.
    """
    end = len(labels) * width + len(cuts)
    placed: dict[int, str] = {}
    for number, index in enumerate((*first, *range(len(labels)))):
        start, label = index * width + sum(cut <= index for cut in cuts), labels[index]
        start = max(min(start, end - len(label)), 0) if number < len(first) else start
        is_free = all(start + len(label) < other or other + len(placed[other]) < start for other in placed)
        if label and start + len(label) <= end and is_free:
            placed[start] = label
    line = ""
    for start in sorted(placed):
        line = line.ljust(start) + placed[start]
    return line.ljust(end)


def flowing(pieces: Iterable[Text], width: int) -> Iterator[Text]:
    """`pieces` with two spaces between them, in lines of at most `width` cells; no piece is broken."""
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
