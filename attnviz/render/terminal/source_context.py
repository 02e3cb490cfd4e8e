"""A token with some words around it, in one line of a terminal."""

import re

from rich.cells import cell_len
from rich.text import Text

from attnviz.attention import Token
from attnviz.labels import visible
from attnviz.render.terminal.cells import graphemes, ltr

MARKED = "bold underline"
"""The style that marks a token on a console with colours; other consoles show brackets."""
_LONGEST = 400
"""The most characters of the text that are considered on either side."""


def in_context(token: Token, text: str, width: int, styled: bool) -> Text:
    """`token` of `text` with the words around it, in at most `width` cells; a token outside the text is alone.

    A style marks it, or brackets where the style cannot be seen.
    """
    label = visible(token.text)
    label = label if styled else f"[{label}]"
    if token.span is None:
        return Text(ltr(label), style=MARKED if styled else "")
    start, end = token.span
    before, after = _line(text[max(start - _LONGEST, 0) : start]), _line(text[end : end + _LONGEST])
    room = max(width - cell_len(label), 0)
    after = _cut(after, max(room // 2, room - cell_len(before)))
    before = _cut(before, room - cell_len(after), from_end=True)
    marked = (label, MARKED if styled else "")
    return Text.assemble(before, marked, ltr(after), no_wrap=True, overflow="ellipsis")


def _line(text: str) -> str:
    """`text` in one line, with single spaces for its white space."""
    parts = (part for part in re.split(r"(\s+)", text) if part)
    return "".join(" " if part.isspace() else visible(part) for part in parts)


def _cut(text: str, width: int, from_end: bool = False) -> str:
    """`text`, or as many of its first words (or last ones, `from_end`) as fit `width` cells, and an ellipsis.

    If no word fits, as many letters as fit.
    """
    if cell_len(text) <= width:
        return text
    pieces, kept = graphemes(text)[:: -1 if from_end else 1], ""
    for piece in pieces:
        longer = piece + kept if from_end else kept + piece
        if cell_len(longer) > width - 2:
            break
        kept = longer
    if not kept:
        return "…" if width > 0 else ""
    words = kept.partition(" ")[2] if from_end else kept.rpartition(" ")[0]
    whole = words.strip()
    return (f"… {words}" if whole else f"…{kept}") if from_end else (f"{words} …" if whole else f"{kept}…")
