"""A trace as text or bytes: one file per output.

`on_screen` gives what rich prints; `render` gives the bytes of a file. A new output is a file here, and a line in
`OUTPUTS`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attnviz.errors import FileError, PlotOptionError
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.styles import load

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.render.scene import Scene
    from attnviz.render.terminal.drawing import Drawing

Writer = Callable[["Trace", Sequence["Scene"], str, PlotOptions], bytes]
PICTURES = (".png", ".svg", ".pdf")
PAGES = (".html", ".htm")
"""The endings of the interactive page, which `render.page` makes."""
_PICTURE_OPTIONS = ("size", "dpi", "font_size", "transparent", "colorbar")
_PAGE_OPTIONS = ("style", "query", "log", "sink", "special", "mean", "max", "theme")
"""The options that the page has too."""


def render(trace: "Trace", scenes: Sequence["Scene"], suffix: str, options: PlotOptions = DEFAULT) -> bytes:
    """The bytes of a file with the ending `suffix`, such as `.png`: pictures of `scenes`, data of the whole `trace`.

    Raises FileError for an ending that no output has, PlotOptionError and SelectionError for a picture that cannot be
    drawn.
    """
    return writer(suffix)(trace, scenes, suffix.lower(), options)


def font_notes(scenes: Sequence["Scene"], suffix: str) -> list[str]:
    """Notes on the characters that no font draws, where `scenes` become a picture with that ending."""
    if suffix.lower() not in PICTURES:
        return []
    from attnviz.render.picture import typesetting_of

    note = typesetting_of(scenes).note
    return [note] if note else []


def check(options: PlotOptions, suffix: str | None, is_drawn: bool = True) -> None:
    """Raise PlotOptionError for options without effect on a file with that ending, or on the terminal for None.

    Without `is_drawn` the terminal shows numbers, as a file does that is not a picture.
    """
    if suffix is not None and suffix.lower() in PICTURES:
        return
    hint = f"Name a picture with -o, one of: {' '.join(PICTURES)}"
    if suffix is not None and suffix.lower() in PAGES:
        for name in (name for name in options.given if name not in _PAGE_OPTIONS):
            raise PlotOptionError(f"{_flag(options, name)} is for pictures, not for the page", hint)
        if options.theme == "print":
            raise PlotOptionError("the page has no theme print", "Themes of the page: light, dark.")
        return
    if suffix is not None or not is_drawn:
        if names := ", ".join(_flag(options, name) for name in options.given):
            raise PlotOptionError(f"{names} would change nothing: the output is numbers", hint)
        return
    _require_terminal(options)
    for name in (name for name in _PICTURE_OPTIONS if name in options.given):
        raise PlotOptionError(f"{_flag(options, name)} is for pictures, not for the terminal", hint)


def _require_terminal(options: PlotOptions) -> None:
    """Raise PlotOptionError for a style that a terminal cannot show."""
    if options.drawn_as.terminal is None:
        hint = f"Name a picture with -o: {options.style}.png"
        raise PlotOptionError(f"style {options.style} cannot be drawn in a terminal", hint)


def _flag(options: PlotOptions, name: str) -> str:
    """The option as a user writes it: `--no-colorbar` for a field that is False."""
    return f"--{'no-' if getattr(options, name) is False else ''}{name.replace('_', '-')}"


def on_screen(scene: "Scene", options: PlotOptions = DEFAULT) -> "Drawing":
    """`scene` as a rich renderable: it adapts to the terminal's width and colours.

    Raises PlotOptionError for a style that a terminal cannot show.
    """
    _require_terminal(options)
    assert options.drawn_as.terminal is not None
    if options.drawn_as.is_matrix and len(scene.heads) > 1:
        from attnviz.render.terminal.grid import grid

        return grid([scene], options)
    drawing: Drawing = load(options.drawn_as.terminal)(scene, options)
    return drawing


def writer(suffix: str, others: Sequence[str] = ()) -> Writer:
    """The function that writes files with that ending; called early, so that a wrong ending fails before a model loads.

    Raises FileError for an unknown ending, and lists `others`, the endings that a command writes by other means.
    """
    endings = ", ".join(dict.fromkeys((*OUTPUTS, *others)))
    if suffix.lower() in PAGES:
        raise FileError(
            "the interactive page (.html) is written by other commands",
            f"attnviz view TEXT -o x.html; also by plot and heads.\nEndings: {endings}.",
        )
    if suffix.lower() not in OUTPUTS:
        what = f"cannot write {suffix} files" if suffix else "a file name without an ending does not say what to write"
        raise FileError(what, f"Endings: {endings}.")
    return OUTPUTS[suffix.lower()]


def _picture(trace: "Trace", scenes: Sequence["Scene"], suffix: str, options: PlotOptions) -> bytes:
    from attnviz.render.picture import picture

    return picture(trace, scenes, suffix, options)


def _json(trace: "Trace", scenes: Sequence["Scene"], suffix: str, options: PlotOptions) -> bytes:
    from attnviz.render.data import as_json

    return as_json(trace)


def _npz(trace: "Trace", scenes: Sequence["Scene"], suffix: str, options: PlotOptions) -> bytes:
    from attnviz.render.data import as_npz

    return as_npz(trace)


def _safetensors(trace: "Trace", scenes: Sequence["Scene"], suffix: str, options: PlotOptions) -> bytes:
    return trace.to_bytes()


OUTPUTS: dict[str, Writer] = {
    **dict.fromkeys(PICTURES, _picture),
    ".json": _json,
    ".npz": _npz,
    ".safetensors": _safetensors,
}
