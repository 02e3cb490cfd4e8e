"""What a person sees on stderr while long work goes on, and how Ctrl-C ends it."""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attnviz.cli.console import printable, shows_progress, stderr


def collect_garbage() -> None:
    """Switch the garbage collector on, which `__main__` switched off for the start: now long work is ahead."""
    gc.freeze()  # what was imported and loaded stays: no collection need look at it
    gc.enable()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on stderr that something long goes on, where someone is watching; afterwards collect garbage again."""
    console = stderr()
    try:
        if shows_progress(console):
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
    name, available = printable(name), max(8, console.width - 57)
    name = name if len(name) <= available else f"…{name[1 - available :]}"
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[now]}", markup=False),
        TimeElapsedColumn(),
    )
    try:
        with Progress(*columns, console=console, transient=True, disable=not shows_progress(console)) as progress:
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
    if not shows_progress(console):
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
    with Progress(*columns, console=console, disable=not shows_progress(console)) as progress:
        task = progress.add_task(printable(what), total=total)

        def advance(steps: int = 1, now: str | None = None) -> None:
            progress.update(task, advance=steps, description=printable(now) if now else None)

        yield advance
