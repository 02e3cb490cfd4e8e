"""The styles: what each of them draws, and what it takes. A new one is a class, and a row in this table."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Style:
    """A way to draw heads: `picture` is the class that draws it into axes, `terminal` that for a screen.

    Both are written as `module:class`, and imported when they are first used; a style without `terminal` is for files
    only. A `is_matrix` style draws cells: several heads are one grid, several tokens may share a cell, and a weight may
    be negative. `takes_numbers` says whether weights can be written into it, `shows_one_query` whether `query` names a
    row. Of more than `most_tokens` its lines could not be told apart. `shades_background` draws paler, beneath letters.
    `rows_note` is said of a decoder's rows, where something else than the usual is to be.
    """

    name: str
    picture: str | None = None
    terminal: str | None = None
    is_matrix: bool = False
    takes_numbers: bool = False
    shows_one_query: bool = False
    most_tokens: int | None = None
    shades_background: bool = False
    rows_note: str | None = None


MOST_TOKENS = 160
"""Links between more tokens than this cannot be told apart."""

_PICTURE, _TERMINAL = "attnviz.render.picture", "attnviz.render.terminal"
STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style("heatmap", terminal=f"{_TERMINAL}.heatmap:heatmap", is_matrix=True, takes_numbers=True),
        Style("lines", f"{_PICTURE}.lines:Lines", f"{_TERMINAL}.lines:Lines", most_tokens=MOST_TOKENS),
        Style(
            "arcs",
            f"{_PICTURE}.arcs:Arcs",
            most_tokens=MOST_TOKENS,
            rows_note="an arc starts at the token that the row reads; it writes the next one",
        ),
        Style(
            "text",
            f"{_PICTURE}.text:RunningText",
            f"{_TERMINAL}.text:RunningText",
            takes_numbers=True,
            shows_one_query=True,
            shades_background=True,
            rows_note="",
        ),
    )
}


def load(where: str) -> Any:
    """What `module:name` is. It is imported now: a screen needs no matplotlib, a picture no rich."""
    module, name = where.split(":")
    return getattr(import_module(module), name)
