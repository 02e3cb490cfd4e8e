"""Text on streams with a limited encoding: a character that it lacks is written as a similar one, or as `?`."""

import codecs
import io
import unicodedata
from collections.abc import Iterable
from typing import TextIO

NAME = "attnviz-likeness"
"""The name of our error handler, like Python's `strict` and `replace`."""
_SIMILAR = {
    **dict(zip("→⇒⇥←↑↓·•−–—‑─━╸╺│┃┼…⋮×≤≥", ">~><^v.*--------||+~:x<>", strict=True)),
    **dict(zip("␣⏎␡⟨⟩“”‘’ ░▒▓█▀▄▌", "_/^<>\"\"'' .:#@@@@", strict=True)),
    **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)),
    **{chr(0x2400 + control): "^" for control in range(32)},
    **{chr(0x2800 + dots): "*" for dots in range(1, 256)},
    "\u2800": " ",
}


def prepare(streams: Iterable[TextIO]) -> None:
    """Let `streams` write every character, with a similar one for those that their encoding lacks."""
    codecs.register_error(NAME, _replace_similar)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=NAME)


def _replace_similar(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_SIMILAR.get(character) or _question_marks(character) for character in missing), error.end


def _question_marks(character: str) -> str:
    """One question mark for each column of `character`."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    return "??" if unicodedata.east_asian_width(character) in "WF" else "?"
