"""Results in the terminal: one that is taller than the screen is shown in a pager."""

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
"""The last line of `less`, in the syntax of its prompts: how to leave and scroll, and the current line."""
LESS = f"-FRX -Ps{PROMPT}$"
"""The options of `less` unless LESS is set, as in git: colours, and the text stays on the screen afterwards."""
COLOURED = "-R"
"""The option added to a user's LESS: without it `less` shows the codes of colours instead of colours."""
SHOW_COLOURS = ("less", "cat")
"""The pagers that show colours; any other gets plain text."""


def show(what: "RenderableType", picture: Callable[[], bytes] | None = None) -> None:
    """Print `what`, in a pager if it is taller than the screen of an interactive terminal.

    `picture` makes a PNG, for a `what` that is too coarse to be labelled: a terminal that can show pictures shows it
    instead. A pipe always gets text.
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
    """The options with the theme of the terminal's background, if no theme is set and the style shades its background.

    This needs an interactive terminal of many colours.
    """
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
    """Whether a user sees the result and can type: stdin and stdout are a terminal with this process in foreground."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # Windows; a stream that has no file
        return os.name == "nt"


def _paged(what: "RenderableType", text: str) -> bool:
    """Show `what`, whose coloured form is `text`, in the user's pager until it ends; False where there is no pager."""
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
        if Path(command[0]).stem not in SHOW_COLOURS:
            text = _printed(what, stdout(plain=True))
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment())
    except (OSError, ValueError, IndexError):  # not installed; wrong quotes; an empty PAGER, which means no pager
        return False
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager, where it stops a search
    try:
        pager.communicate(text.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
    finally:
        signal.signal(signal.SIGINT, before)
    return True


def _environment() -> dict[str, str]:
    """The environment of the pager: options of `less` for our text, and the user's own settings."""
    utf8 = {"LESSCHARSET": "utf-8"} if sys.stdout.encoding.lower() in ("utf-8", "utf8") else {}
    own = os.environ.get("LESS")
    return {**utf8, **os.environ, "LESS": LESS if own is None else f"{COLOURED} {own}"}
