"""`attnviz view`: every head in one interactive page."""

import tempfile
import webbrowser
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from attnviz.cli import options
from attnviz.cli.console import notes, say, stdout
from attnviz.cli.errors import UsageError
from attnviz.cli.options import option
from attnviz.cli.output import write_page
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.cli.several_texts import require_one_piped, texts_given, trace_each
from attnviz.errors import FileError
from attnviz.files import is_standard_output, is_stream, require_writable
from attnviz.render import PAGES

EXAMPLES = """\
attnviz view "I ate an apple" --open
attnviz view "The cat sat on the mat." -m path/to/model -o cat.html
attnviz view saved.safetensors -o saved.html --exact
attnviz view "I ate an apple" "I ate a red apple" -o both.html
attnviz view before.safetensors after.safetensors -o both.html"""

Others = Annotated[
    list[str] | None,
    typer.Argument(metavar="OTHERS", help="More sentences or saved traces, for the same page.", show_default=False),
]
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


@dataclass(frozen=True)
class SeveralTexts(Text):
    """TEXT, and the others that are given."""

    others: Others = None

    @cached_property
    def each(self) -> list[Text]:
        """All texts in order, that of --text first."""
        return texts_given(self.as_text, self.text, *(self.others or ())) or [Text()]


@expand_option_groups
def view(
    run: Run,
    text: SeveralTexts,
    target: options.Target = None,
    output: Output = None,
    open_page: Open = False,
    exact: Exact = False,
    max_mb: MaxMb = 25.0,
    neurons: options.Neurons = None,
) -> None:
    """Write an interactive page of every head: one file that needs no network.

    It shows all heads side by side, and one of them as a matrix or as shaded text. It opens from disk in any current
    browser. Of several texts it shows any two side by side, with their difference.
    """
    if output is None and not open_page:
        raise UsageError("the page needs a file", "Name one: -o view.html. Or open it without keeping it: --open")
    if output is not None:
        _require_page(output)
        require_writable([output], [path for one in text.each for path in run.reads(one)])
    require_one_piped(text.each, "two texts")
    if not max_mb > 0:
        raise UsageError(f"--max-mb cannot be {max_mb:g}", "A number of megabytes above 0, such as 25.")
    if neurons is not None and all(one.saved for one in text.each):
        raise UsageError("--neurons cannot change a saved trace", "Trace the text again with it.")
    traces = trace_each([run] * len(text.each), text.each, "view", target, neurons)
    from attnviz.render.page import view as page_of

    notes(dict.fromkeys(note for trace in traces for note in trace.notes))
    page = page_of(traces, exact=exact, max_mb=max_mb, source=[one.saved for one in text.each])
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
