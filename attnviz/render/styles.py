"""The table of styles: what each draws, and which options it takes. A new style is a class and a row in this table."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Style:
    """A way to draw heads: `picture` is the class that draws into axes, `terminal` the class for a screen.

    Both are written as `module:class` and imported when they are first used; a style without `terminal` is for files
    only. A style that `is_matrix` draws cells: several heads form one grid, several tokens can share a cell, and
    weights can be negative. `takes_numbers` says whether weights can be written into it, and `shows_one_query` whether
    `query` names the row that it shows. It draws at most `most_tokens`. A style that `shades_background` draws colours
    behind text, in paler colours. `rows_note` replaces the usual note on a decoder's rows.
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
    """The object at `module:name`, imported now: a screen needs no matplotlib, and a picture no rich."""
    module, name = where.split(":")
    return getattr(import_module(module), name)
