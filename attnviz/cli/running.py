"""Around every command: errors become a message, a hint and an exit code; results go to stdout, all else to stderr."""

import errno
import gc
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer
from typer.exceptions import TyperException

from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

FAILED, MISUSED, PARTLY_FAILED, INTERRUPTED = 1, 2, 3, 130


@dataclass
class Settings:
    """What holds for the whole run."""

    debug: bool = False


settings = Settings()


class UsageError(AttnvizError):
    """A command line that cannot be meant, as those are that Typer itself rejects."""


def exit_code(run: Callable[[], int | None]) -> int:
    """What `run` ends with; its errors are printed, and Ctrl-C is. Bugs stay loud, and all else with --debug."""
    settings.debug = False
    try:
        code = run() or 0
    except TyperException as error:
        report(_usage_error(error))
        return error.exit_code
    except UsageError as error:
        report(error)
        return MISUSED
    except AttnvizError as error:
        if settings.debug:
            raise
        report(error)
        return FAILED
    except OSError as error:
        if settings.debug or error.errno != errno.ENOSPC:
            raise
        report(AttnvizError(f"cannot write the result: {error.strerror}", "Make room, or write it elsewhere."))
        return FAILED
    if code == INTERRUPTED:
        say("Interrupted.")
    return code


def _usage_error(error: TyperException) -> UsageError:
    """What Typer rejects, as a message and a hint of ours."""
    about: Any = error  # which of these it has depends on what it is, and the classes are not Typer's public ones
    context, parameter = getattr(about, "ctx", None), getattr(about, "param", None)
    hint = f"All options: {context.command_path} --help" if context else ""
    if isinstance(error, typer.BadParameter) and parameter is not None:
        name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
        if not error.message:
            return UsageError(f"{name} is missing: {_lowered(parameter.help)}", hint)
        given = [f" cannot be {fault['input']!r}" for fault in getattr(error.__cause__, "errors", list)()]
        return UsageError(f"{name}{''.join(given[:1])}: {_lowered(error.message)}", hint)
    if hasattr(about, "possibilities"):
        near = get_close_matches(about.option_name, about.possibilities or (), 1, 0.8)
        if command := getattr(about, "as_text", None):
            hint += f"\nIf it is the text: {command}"
        return UsageError(f"there is no option {about.option_name}", f"Did you mean {near[0]}?" if near else hint)
    if hasattr(about, "option_name") and "requires" in error.format_message():
        return UsageError(f"{about.option_name} needs a value", hint)
    return UsageError(_lowered(error.format_message()), hint)


def _lowered(sentence: str) -> str:
    """A sentence as our messages are written: without its capital and its full stop."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def examples(lines: str) -> str:
    """Example commands as the end of a help text, a line each."""
    return "[bold]Examples:[/bold]\n" + lines


def paragraphs(docstring: str) -> str:
    """A docstring as a help text: a line a paragraph, for the terminal to wrap."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in docstring.split("\n\n"))


def report(error: AttnvizError) -> None:
    """Print an error and its hint on stderr."""
    from rich.text import Text

    _tell(Text.assemble(("Error: ", "bold red"), printable(_shortened(error.message))))
    if error.hint:
        hint = printable(_shortened(error.hint)).replace("\n", "\n" + " " * len("Hint:  "))
        _tell(Text.assemble(("Hint:  ", "bold"), hint))


def _shortened(message: str) -> str:
    """`message` with the first and the last characters of what is very long in it: a path, or a text in quotes."""
    return _VERY_LONG.sub(lambda found: f"{found[0][:40]}…{found[0][-40:]}", message)


_VERY_LONG = re.compile(r"""(?<!\w)'[^'\n]{200,}'(?!\w)|"[^"\n]{200,}"|\S{200,}""")


def say(message: str) -> None:
    """Print a note on stderr."""
    from rich.text import Text

    _tell(Text(printable(message), style="dim"))


def _tell(text: "Text") -> None:
    """Print `text` on stderr: broken between words on a screen, and not at all in a file."""
    console = stderr()
    console.print(text, soft_wrap=not console.is_terminal)


def notes(messages: Iterable[str]) -> None:
    """Print notes on stderr."""
    for message in messages:
        say(f"Note: {message}")


def printable(text: str) -> str:
    """`text` with its control characters made visible, so that no name or path can drive the terminal."""
    from attnviz.labels import visible

    return "\n".join(line and visible(line) for line in text.split("\n"))


def stdout(plain: bool = False) -> "Console":
    """The console of the result; a `plain` one has neither colours nor any other escape codes."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, color_system=None if plain else "auto")


def stderr() -> "Console":
    """The console of progress and notes."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False)


def watched(console: "Console") -> bool:
    """Whether someone is watching it, on a screen that can show what moves."""
    return console.is_terminal and not console.is_dumb_terminal


def collect_garbage() -> None:
    """Switch the garbage collector on, which `__main__` switched off for the start: now long work is ahead."""
    gc.freeze()  # what was imported and loaded stays: no collection need look at it
    gc.enable()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on stderr that something long goes on, where someone is watching; afterwards collect garbage again."""
    console = stderr()
    try:
        if watched(console):
            with console.status(printable(what)):
                yield
        else:
            yield
    finally:
        collect_garbage()


@contextmanager
def loading(name: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar on stderr for a model that is being loaded, where someone is watching; yields what moves it.

    That is called with what is counted (bytes, weights), how many are done, and of how many, where that is known.
    """
    from rich.filesize import decimal
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = stderr()
    name, room = printable(name), max(8, console.width - 57)
    name = name if len(name) <= room else f"…{name[1 - room :]}"
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[now]}", markup=False),
        TimeElapsedColumn(),
    )
    try:
        with Progress(*columns, console=console, transient=True, disable=not watched(console)) as progress:
            task = progress.add_task(f"Loading {name}", total=None, now="")

            def tell(what: str, done: int, total: int | None) -> None:
                doing, written = ("Downloading", decimal) if what == "bytes" else ("Loading", str)
                now = f"{written(done)}/{written(total)}" if total else written(done)
                progress.update(task, description=f"{doing} {name}", completed=done, total=total, now=now)

            yield tell
    finally:
        collect_garbage()


@contextmanager
def reading() -> Iterator[Callable[[str, int, int | None], None] | None]:
    """A line on stderr while a model writes and reads, where someone is watching; yields what moves it, or None.

    That is called with what is counted (tokens written, tokens read), how many, and of how many, where that is known.
    """
    console = stderr()
    if not watched(console):
        yield None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(what: str, done: int, total: int | None) -> None:
            doing = "Reading" if what == "tokens read" else "Writing"
            of = f"{done:,} of {total:,} tokens" if total else f"{done:,} tokens"
            progress.update(task, description=f"{doing} {of}")

        yield tell


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that is yielded is called, which raises KeyboardInterrupt then.

    Inside a job it can land in a library's callback, where Python drops it. The second Ctrl-C is not held back.
    """
    pressed: list[int] = []

    def remember(number: int, frame: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, before)

    def heed() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr, where someone is watching; yields a function that advances it and says where it is."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    collect_garbage()
    console = stderr()
    with Progress(*columns, console=console, disable=not watched(console)) as progress:
        task = progress.add_task(printable(what), total=total)

        def advance(steps: int = 1, now: str | None = None) -> None:
            progress.update(task, advance=steps, description=printable(now) if now else None)

        yield advance
