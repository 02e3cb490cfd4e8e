"""A trace as text or bytes: one file an output.

`terminal.heatmap` and `terminal_grid.grid` give what rich prints; `render` gives the bytes of a file. A new output is
a file here, and a line in `OUTPUTS`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attnviz.errors import FileError

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.render.scene import Scene

Writer = Callable[["Trace", Sequence["Scene"], str], bytes]


def render(trace: "Trace", scenes: Sequence["Scene"], suffix: str) -> bytes:
    """The bytes of a file with the ending `suffix`, such as `.png`: pictures of `scenes`, data of the whole `trace`.

    Raises FileError for an ending that no output has.
    """
    return writer(suffix)(trace, scenes, suffix.lower())


def writer(suffix: str) -> Writer:
    """What writes files that end in `suffix`: to be asked before a model is loaded in vain. Raises FileError."""
    if suffix.lower() == ".html":
        raise FileError("the interactive page (.html) is not built yet", f"Endings: {', '.join(OUTPUTS)}.")
    if suffix.lower() not in OUTPUTS:
        what = f"cannot write {suffix} files" if suffix else "a file name without an ending does not say what to write"
        raise FileError(what, f"Endings: {', '.join(OUTPUTS)}.")
    return OUTPUTS[suffix.lower()]


def _picture(trace: "Trace", scenes: Sequence["Scene"], suffix: str) -> bytes:
    from attnviz.render.picture import picture

    return picture(trace, scenes, suffix)


def _json(trace: "Trace", scenes: Sequence["Scene"], suffix: str) -> bytes:
    from attnviz.render.data import as_json

    return as_json(trace)


def _npz(trace: "Trace", scenes: Sequence["Scene"], suffix: str) -> bytes:
    from attnviz.render.data import as_npz

    return as_npz(trace)


def _safetensors(trace: "Trace", scenes: Sequence["Scene"], suffix: str) -> bytes:
    return trace.to_bytes()


OUTPUTS: dict[str, Writer] = {
    ".png": _picture,
    ".svg": _picture,
    ".pdf": _picture,
    ".json": _json,
    ".npz": _npz,
    ".safetensors": _safetensors,
}
