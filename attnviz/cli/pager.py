"""The terminal as a reader has it: a result that is taller than the screen goes through a pager."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.cli.console import stdout

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from attnviz.render.options import PlotOptions

PROMPT = "q leaves, space and b turn pages, arrows scroll, / searches   line %lt?e (end)."
"""The last line of `less`, in its own language: how to leave and to scroll, and where the reader is."""
LESS = f"-FRX -Ps{PROMPT}$"
"""How `less` is run unless LESS says otherwise, as git does: colours, and what was shown stays on the screen."""
COLOURED = "-R"
"""What is put before a reader's own LESS: without it `less` shows the codes of colours instead of colours."""
SHOW_COLOURS = ("less", "cat")
"""The pagers that are known to show colours; any other gets plain text."""


def show(what: "RenderableType", picture: Callable[[], bytes] | None = None) -> None:
    """Print `what`; in a pager where someone is watching and it is taller than the screen.

    `picture` makes a PNG, and is given where `what` is too coarse to be labelled: on a terminal that can show one, it
    takes its place. A pipe gets nothing but text.
    """
    console = stdout()
    if not is_interactive() or console.is_dumb_terminal:
        console.print(what)
        return
    if picture is not None and not console.no_color:
        from attnviz.cli.terminal_graphics import show_inline

        if show_inline(picture):
            return
    text = _printed(what, console)
    if text.count("\n") < console.height or not _paged(what, text):
        sys.stdout.write(text)


def _printed(what: "RenderableType", console: "Console") -> str:
    with console.capture() as printed:
        console.print(what)
    return printed.get()


def with_background_theme(plot_options: "PlotOptions") -> "PlotOptions":
    """The options with the theme of the terminal's background, if text is shaded in many colours and none is named."""
    if (
        not plot_options.drawn_as.shades_background
        or plot_options.theme
        or not is_interactive()
        or stdout().color_system not in ("truecolor", "256")
    ):
        return plot_options
    from attnviz.cli.terminal_graphics import background

    return replace(plot_options, theme=background())


def is_interactive() -> bool:
    """Whether someone sees the result and can answer: a terminal at both ends, and the process in its foreground."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # Windows; a stream that has no file
        return os.name == "nt"


def _paged(what: "RenderableType", text: str) -> bool:
    """Show `what`, which is `text` in colours, in the reader's pager, to the end; False where there is none."""
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
        if Path(command[0]).stem not in SHOW_COLOURS:
            text = _printed(what, stdout(plain=True))
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment())
    except (OSError, ValueError, IndexError):  # not installed; no command line; PAGER is empty, which says none
        return False
    heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager, which stops a search by it
    try:
        pager.communicate(text.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
    finally:
        signal.signal(signal.SIGINT, heeded)
    return True


def _environment() -> dict[str, str]:
    """That of the pager: `less` is told how to show our text, and else does as its reader has told it."""
    utf8 = {"LESSCHARSET": "utf-8"} if sys.stdout.encoding.lower() in ("utf-8", "utf8") else {}
    own = os.environ.get("LESS")
    return {**utf8, **os.environ, "LESS": LESS if own is None else f"{COLOURED} {own}"}
