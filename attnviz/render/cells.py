"""Text in terminal cells: Hangul, emoji and combining characters keep their columns."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from attnviz.render.colours import ink, palette, shade

Line = list[Segment]
DIM, BOLD = Style(dim=True), Style(bold=True)
SHADES = "·░▒▓█"


def graphemes(text: str) -> list[str]:
    """`text` in the pieces that a reader takes for characters: what adds no width stays with what it adds to."""
    pieces: list[str] = []
    for character in text:
        if pieces and (cell_len(character) == 0 or pieces[-1].endswith("\u200d")):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def fit(text: str, width: int, align: str = "left") -> str:
    """`text` in exactly `width` cells, padded (`left`, `right` or `center`), or cut with an ellipsis."""
    if cell_len(text) > width:
        kept = ""
        for piece in graphemes(text):
            if cell_len(kept + piece) > width - 1:
                break
            kept += piece
        text = kept + "…" if width else ""
    spare = width - cell_len(text)
    left = {"left": 0, "right": spare, "center": (spare + 1) // 2}[align]
    return " " * left + text + " " * (spare - left)


def chopped(text: str, width: int) -> list[str]:
    """`text` in pieces of at most `width` cells, as few and as even as they can be, never within a character."""
    fewest = len(_chop(text, width))
    even = -(-cell_len(text) // fewest)
    return next(pieces for w in range(even, width + 1) if len(pieces := _chop(text, w)) == fewest)


def _chop(text: str, width: int) -> list[str]:
    pieces = [""]
    for piece in graphemes(text):
        if pieces[-1] and cell_len(pieces[-1] + piece) > width:
            pieces.append("")
        pieces[-1] += piece
    return pieces


def above(columns: Sequence[list[str]], width: int, most: int) -> list[str]:
    """Labels in pieces, each written downwards in `width` cells, ending on the last of at most `most` lines."""
    columns = [c if len(c) <= most else [*c[: most - 1], "⋮"] for c in columns]
    height = max(map(len, columns), default=0)
    columns = [[""] * (height - len(c)) + c for c in columns]
    return ["".join(fit(column[y], width, "center") for column in columns) for y in range(height)]


def number(weight: float) -> str:
    """A weight in at most three characters: `.52`, `1.0`, or a dot for what would be `.00`."""
    if weight < 0.005:
        return "·"
    return "1.0" if weight >= 0.995 else f"{weight:.2f}"[1:]


def in_colour(console: Console) -> bool:
    """True where the console shows enough colours for a scale; 16 of them are not, and shading is clearer there."""
    return not console.no_color and console.color_system in ("truecolor", "256")


@cache
def colour(index: int) -> Style:
    """Background of the palette's colour `index`, and a text colour that can be read on it."""
    return Style(bgcolor=_hex(index), color=ink(palette()[index]))


@cache
def halves(upper: int, lower: int) -> Segment:
    """One cell that shows two weights, one above the other, by palette index; −1 for nothing."""
    if upper < 0 or lower < 0:
        shown = max(upper, lower)
        return Segment(" ") if shown < 0 else Segment("▀" if lower < 0 else "▄", Style(color=_hex(shown)))
    return Segment("▀", Style(color=_hex(upper), bgcolor=_hex(lower)))


def shading(weight: float, top: float) -> str:
    """Two cells whose darkness says `weight` on a scale from 0 to `top`; a dot is nearly nothing."""
    character = SHADES[min(int(weight / top * len(SHADES)), len(SHADES) - 1)]
    return " ·" if character == "·" else character * 2


def legend(top: float, coloured: bool, masked: bool, width: int) -> Iterator[Segment]:
    """The scale from 0 to `top`, in at most `width` cells; `masked` explains the cells that are left empty."""
    if coloured:
        bar = [Segment(" ", colour(int(index))) for index in shade(np.linspace(0, 1, 24), 1.0)]
    else:
        bar = [Segment("".join(shading(step, 1.0) for step in (0.1, 0.3, 0.5, 0.7, 0.9)))]
    scale = [Segment("0 ", DIM), *bar, Segment(f" {top:g}", DIM)]
    used = sum(segment.cell_length for segment in scale)
    yield from scale
    for note in ("attention weight", *(["empty: may not look there"] if masked else [])):
        used += len(note) + 2
        if used > width:
            yield Segment.line()
            used = len(note)
        else:
            note = "  " + note
        yield Segment(note, DIM)
    yield Segment.line()


def _hex(index: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*palette()[index])
