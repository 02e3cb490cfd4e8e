"""`attnviz view`: every head in one interactive page."""

import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

from attnviz.cli import options
from attnviz.cli.console import notes, say, stdout
from attnviz.cli.errors import UsageError
from attnviz.cli.options import option
from attnviz.cli.output import write_page
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.errors import FileError
from attnviz.files import is_standard_output, is_stream, require_writable
from attnviz.render import PAGES

EXAMPLES = """\
attnviz view "I ate an apple" --open
attnviz view "The cat sat on the mat." -m path/to/model -o cat.html
attnviz view saved.safetensors -o saved.html --exact"""

Output = Annotated[Path | None, option("--output", "-o", metavar="FILE", help="Write the page to this file: x.html.")]
Open = Annotated[bool, option("--open", group=options.OUTPUT, help="Open the page in the browser.")]
Exact = Annotated[
    bool,
    option(
        "--exact",
        group=options.OUTPUT,
        help="Keep weights to 16 bits, within 0.00002; by default to 8, within 0.004, which is smaller.",
    ),
]
MaxMb = Annotated[
    float,
    option(
        "--max-mb",
        group=options.OUTPUT,
        metavar="N",
        help="The most megabytes of the page; what does not fit is pooled, and the page says so. 25 by default.",
    ),
]


@expand_option_groups
def view(
    run: Run,
    text: Text,
    target: options.Target = None,
    output: Output = None,
    open_page: Open = False,
    exact: Exact = False,
    max_mb: MaxMb = 25.0,
) -> None:
    """Write an interactive page of every head: one file that needs no network.

    It shows all heads side by side, and one of them as a matrix or as shaded text. It opens from disk in any current
    browser.
    """
    if output is None and not open_page:
        raise UsageError("the page needs a file", "Name one: -o view.html. Or open it without keeping it: --open")
    if output is not None:
        _require_page(output)
        require_writable([output], run.reads(text))
    if not max_mb > 0:
        raise UsageError(f"--max-mb cannot be {max_mb:g}", "A number of megabytes above 0, such as 25.")
    trace = run.trace(text, "view", target)
    from attnviz.render.page import view as page_of

    notes(trace.notes)
    page = page_of(trace, exact=exact, max_mb=max_mb, source=text.saved)
    path = write_page(output or Path(tempfile.mkdtemp(prefix="attnviz-")) / "view.html", page)
    if open_page and not webbrowser.open(path.resolve().as_uri()):
        say("No browser was found: open the file yourself.")


def _require_page(output: Path) -> None:
    """Raise FileError for a name that is not one of a page, and for a terminal."""
    if is_standard_output(output) and stdout().is_terminal:
        raise FileError("a terminal cannot show a page", "Name a file: -o view.html, or open it: --open")
    if output.suffix.lower() not in PAGES and not is_stream(output):
        what = f"cannot write {output.suffix} files" if output.suffix else "a page's name ends in .html"
        raise FileError(what, f"Name a page: -o {output.with_suffix('.html')}")
