"""Where a result is written: to the file that -o names, or to the terminal."""

from collections.abc import Iterable, Sequence
from os.path import isdir
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from attnviz.cli.console import notes, printable, stdout
from attnviz.cli.options import option
from attnviz.errors import FileError
from attnviz.files import has_file_ending, is_standard_output, is_stream, require_writable, write_whole

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.render.options import PlotOptions
    from attnviz.render.page import Page
    from attnviz.render.scene import Scene

Output = Annotated[
    Path | None,
    option(
        *("--output", "-o"),
        metavar="FILE",
        help="Write to this file; its ending says what: .png .svg .pdf .json .npz .safetensors, or .html, the page of "
        "attnviz view, opened at this. A pipe, or a device such as /dev/stdout, gets .png.",
    ),
]


def check_writable(output: Path | None, inputs: Iterable[Path], tables: Sequence[str] = ()) -> None:
    """Raise FileError, before a model runs, for an output that cannot be written or that is an input.

    `tables` are endings that only this command has, in addition to those of pictures and traces.
    """
    if output is not None:
        from attnviz.render import writer

        require_writable([output], inputs)
        if is_standard_output(output) and stdout().is_terminal:
            raise FileError("a terminal cannot show the content of a file", "Leave out -o, or pipe it: … | COMMAND")
        if ending(output).lower() not in tables:
            writer(ending(output), tables)


def require_ending(output: Path, known: Sequence[str]) -> None:
    """Raise FileError for an output whose ending is not one of `known`."""
    if ending(output).lower() not in known:
        raise FileError(f"cannot write {ending(output) or 'a file without an ending'}", f"Endings: {', '.join(known)}.")


def require_folder_name(output: Path, why: str, or_else: str = "") -> None:
    """Raise FileError for a folder with the name of a file, such as x.png, unless it exists already."""
    if has_file_ending(output.name) and not isdir(output):
        raise FileError(f"{output} would be a folder: {why}", f"Name a folder: -o {output.with_suffix('')}{or_else}")


def ending(output: Path) -> str:
    """The ending of `output`, which decides the format; a device or a pipe without an ending gets a .png."""
    return output.suffix or (".png" if is_stream(output) else "")


def write(output: Path, trace: "Trace", scenes: Sequence["Scene"], plot_options: "PlotOptions") -> None:
    """Write the file and print its path. Raises FileError, PlotOptionError and SelectionError."""
    from attnviz.render import font_notes, render

    notes(font_notes(scenes, ending(output)))
    print_path(write_whole(output, render(trace, scenes, ending(output), plot_options)))


def write_page(output: Path, page: "Page") -> Path:
    """Write an interactive page, print its path, and say what was pooled. Raises FileError."""
    notes(page.notes)
    path = page.save(output)
    print_path(path)
    return path


def print_path(path: Path) -> None:
    """Print the path of a result, unless it was written to standard output."""
    if not is_standard_output(path):
        print(printable(str(path)))  # without rich, whose import would take longer than a small picture
