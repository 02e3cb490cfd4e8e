"""A trace as text or bytes: one file an output.

`on_screen` gives what rich prints; `render` gives the bytes of a file. A new output is a file here, and a line in
`OUTPUTS`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attnviz.errors import FileError, PlotOptionError
from attnviz.render.options import DEFAULT, PlotOptions

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.render.scene import Scene
    from attnviz.render.terminal.grid import Grid
    from attnviz.render.terminal.heatmap import Heatmap
    from attnviz.render.terminal.lines import Lines
    from attnviz.render.terminal.text import RunningText

Writer = Callable[["Trace", Sequence["Scene"], str, PlotOptions], bytes]
PICTURES = (".png", ".svg", ".pdf")


def render(trace: "Trace", scenes: Sequence["Scene"], suffix: str, options: PlotOptions = DEFAULT) -> bytes:
    """The bytes of a file with the ending `suffix`, such as `.png`: pictures of `scenes`, data of the whole `trace`.

    Raises FileError for an ending that no output has, PlotOptionError and SelectionError for a picture that cannot be
    drawn.
    """
    return writer(suffix)(trace, scenes, suffix.lower(), options)


def remarks(scenes: Sequence["Scene"], suffix: str) -> list[str]:
    """What a reader of `scenes` in a file with that ending ought to be told: which characters no font draws."""
    if suffix.lower() not in PICTURES:
        return []
    from attnviz.render.picture import lettering_of

    note = lettering_of(scenes).note
    return [note] if note else []


def require_screen(options: PlotOptions) -> None:
    """Raise PlotOptionError for a style that a terminal cannot show."""
    if options.style == "arcs":
        raise PlotOptionError("style arcs cannot be drawn in a terminal", "Name a picture with -o: arcs.png")


def on_screen(scene: "Scene", options: PlotOptions = DEFAULT) -> "Heatmap | Grid | Lines | RunningText":
    """`scene` as something that rich prints: it adapts to the terminal's width and colours.

    Raises PlotOptionError for a style that a terminal cannot show.
    """
    if options.style == "text":
        from attnviz.render.terminal.text import RunningText

        return RunningText(scene, options)
    if options.style == "lines":
        from attnviz.render.terminal.lines import Lines

        return Lines(scene, options)
    require_screen(options)
    if len(scene.heads) > 1:
        from attnviz.render.terminal.grid import grid

        return grid([scene], options)
    from attnviz.render.terminal.heatmap import heatmap

    return heatmap(scene, options)


def writer(suffix: str) -> Writer:
    """What writes files that end in `suffix`: to be asked before a model is loaded. Raises FileError."""
    if suffix.lower() == ".html":
        raise FileError("the interactive page (.html) is not built yet", f"Endings: {', '.join(OUTPUTS)}.")
    if suffix.lower() not in OUTPUTS:
        what = f"cannot write {suffix} files" if suffix else "a file name without an ending does not say what to write"
        raise FileError(what, f"Endings: {', '.join(OUTPUTS)}.")
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
