"""Text on streams whose encoding does not have all of it: a mark is written as what looks like it, or else as `?`."""

import codecs
import io
import unicodedata
from collections.abc import Iterable
from typing import TextIO

NAME = "attnviz-likeness"
"""What this way of handling what cannot be encoded is called, beside Python's own `strict` and `replace`."""
_LIKE = {
    **dict(zip("→⇒⇥←↑↓·•−–—‑─━╸╺│┃┼…⋮×≤≥", ">~><^v.*--------||+~:x<>", strict=True)),
    **dict(zip("␣⏎␡⟨⟩“”‘’ ░▒▓█▀▄▌", "_/^<>\"\"'' .:#@@@@", strict=True)),
    **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)),
    **{chr(0x2400 + control): "^" for control in range(32)},
    **{chr(0x2800 + dots): "*" for dots in range(1, 256)},
    "\u2800": " ",
}


def prepare(streams: Iterable[TextIO]) -> None:
    """Let `streams` write everything, what their encoding lacks by its likeness."""
    codecs.register_error(NAME, _alike)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=NAME)


def _alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_LIKE.get(character) or _unknown(character) for character in lacking), error.end


def _unknown(character: str) -> str:
    """As many question marks as the columns that `character` takes."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    return "??" if unicodedata.east_asian_width(character) in "WF" else "?"
