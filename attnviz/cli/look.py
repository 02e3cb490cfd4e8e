"""How a picture shall look, as options of the command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from attnviz.errors import LookError
from attnviz.render import PICTURES, require_screen
from attnviz.render.look import SINKS, SPECIALS, STYLES, THEMES, Look

PANEL = "Look"


def _option(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=PANEL, show_default=False, **settings)


@dataclass(frozen=True)
class LookOptions(Look):
    """A Look whose every field is an option; the defaults are those of Look."""

    style: Annotated[str, _option(metavar="STYLE", help=f"{', '.join(STYLES)}.")]
    query: Annotated[
        str | None,
        _option(
            metavar="WORD",
            help="For --style text: the word or token that looks, or its number; else that of the strongest link "
            "between content words.",
        ),
    ]
    cmap: Annotated[str | None, _option(metavar="NAME", help="A colour map of matplotlib's, such as viridis.")]
    vmax: Annotated[float | None, _option(metavar="X", help="The weight at which the scale ends; else the largest.")]
    log: Annotated[bool, _option("--log", help="A logarithmic scale, of three powers of ten.")]
    annotate: Annotated[bool | None, _option(help="Write the weights, or leave them out; else as room allows.")]
    title: Annotated[str | None, _option(metavar="TEXT", help="Instead of the sentence; '' for none.")]
    size: Annotated[str | None, _option(metavar="INCHES", help="The picture's width, or WxH: 6.5, 6.5x4.")]
    dpi: Annotated[int | None, _option(metavar="N", help="Dots per inch of a .png; else 150.")]
    theme: Annotated[str | None, _option(metavar="THEME", help=f"{', '.join(THEMES)}.")]
    sink: Annotated[
        str,
        _option(
            metavar="HOW",
            help=f"The first key, where many heads park their weight: {', '.join(SINKS)}. mask leaves its column "
            "empty; renorm also divides each row by what is left.",
        ),
    ]
    special: Annotated[
        str,
        _option(
            metavar="HOW",
            help=f"Special tokens, such as [CLS]: {', '.join(SPECIALS)}. hide leaves out their columns and rows; "
            "renorm also divides each row by what is left.",
        ),
    ]


def require_drawn(look: Look, output: Path | None) -> None:
    """Refuse what would be lost on this output, before a model is run in vain. Raises LookError."""
    if output is None:
        require_screen(look)
        for name in {"size", "dpi"} & look.given.keys():
            raise LookError(f"--{name} is for pictures, and a terminal has its own", f"Name one with -o: {_PICTURES}.")
    else:
        require_picture(look, output)


def require_picture(look: Look, output: Path | None) -> None:
    """Refuse all of it where numbers are written and nothing is drawn. Raises LookError."""
    if look.given and (output is None or output.suffix.lower() not in PICTURES):
        names = ", ".join(f"--{name}" for name in look.given)
        raise LookError(f"{names} would change nothing: these are the numbers", f"Draw them with -o: {_PICTURES}.")


_PICTURES = " ".join(PICTURES)
