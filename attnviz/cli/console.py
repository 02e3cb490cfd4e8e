"""The consoles of a command: results go to stdout, all else to stderr, and control characters to neither."""

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def report(error: AttnvizError) -> None:
    """Print an error and its hint on stderr."""
    from rich.text import Text

    _print_to_stderr(Text.assemble(("Error: ", "bold red"), printable(_shortened(error.message))))
    if error.hint:
        hint = printable(_shortened(error.hint)).replace("\n", "\n" + " " * len("Hint:  "))
        _print_to_stderr(Text.assemble(("Hint:  ", "bold"), hint))


def _shortened(message: str) -> str:
    """`message`, in which a very long path or quoted text keeps only its first and last characters."""
    return _VERY_LONG.sub(lambda found: f"{found[0][:40]}…{found[0][-40:]}", message)


_VERY_LONG = re.compile(r"""(?<!\w)'[^'\n]{200,}'(?!\w)|"[^"\n]{200,}"|\S{200,}""")


def say(message: str) -> None:
    """Print a note on stderr."""
    from rich.text import Text

    _print_to_stderr(Text(printable(message), style="dim"))


def _print_to_stderr(text: "Text") -> None:
    """Print `text` on stderr: wrapped between words on a screen, and not wrapped in a file."""
    console = stderr()
    console.print(text, soft_wrap=not console.is_terminal)


def notes(messages: Iterable[str]) -> None:
    """Print notes on stderr."""
    for message in messages:
        say(f"Note: {message}")


def printable(text: str) -> str:
    """`text` with visible control characters, so that no name or path can control the terminal."""
    from attnviz.labels import visible

    return "\n".join(line and visible(line) for line in text.split("\n"))


def stdout(plain: bool = False) -> "Console":
    """The console for the result; a `plain` one has no colours and no other escape codes."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, color_system=None if plain else "auto")


def stderr() -> "Console":
    """The console for progress and notes."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False)


def shows_progress(console: "Console") -> bool:
    """Whether `console` is a screen that can show a moving progress bar."""
    return console.is_terminal and not console.is_dumb_terminal
