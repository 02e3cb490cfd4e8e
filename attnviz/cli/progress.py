"""Progress on stderr during long work, and how Ctrl-C interrupts it."""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from attnviz.cli.console import printable, shows_progress, stderr


def collect_garbage() -> None:
    """Switch on the garbage collector, which `__main__` switched off for a quick start, before long work."""
    gc.freeze()  # what is imported and loaded stays: later collections can skip it
    gc.enable()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a status line on stderr during long work, if it is a screen; afterwards collect garbage again."""
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
    """A progress bar on stderr, if it is a screen, while a model loads; yields the function that updates it.

    Its arguments are the unit (bytes, weights), the number done, and the total where it is known.
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

            def update(unit: str, done: int, total: int | None) -> None:
                verb, format_count = ("Downloading", decimal) if unit == "bytes" else ("Loading", str)
                now = f"{format_count(done)}/{format_count(total)}" if total else format_count(done)
                progress.update(task, description=f"{verb} {name}", completed=done, total=total, now=now)

            yield update
    finally:
        collect_garbage()


@contextmanager
def reading() -> Iterator[Callable[[str, int, int | None], None] | None]:
    """A bar on stderr, if it is a screen, while a model writes and reads; yields the function to update it, or None.

    Its arguments are the unit (tokens written, tokens read), the number done, and the total where it is known.
    """
    console = stderr()
    if not shows_progress(console):
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = BarColumn(bar_width=16), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def update(unit: str, done: int, total: int | None) -> None:
            verb = "Reading" if unit == "tokens read" else "Writing"
            count = f"{done:,} of {total:,} tokens" if total else f"{done:,} tokens"
            progress.update(task, description=f"{verb} {count}", completed=done)
            progress.tasks[0].total = total  # None where the end is not known: the bar moves to and fro

        yield update


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Delay Ctrl-C: the yielded function raises KeyboardInterrupt if it was pressed. A second Ctrl-C is not delayed.

    Without this, Ctrl-C can interrupt a library's callback, where Python ignores the exception.
    """
    pressed: list[int] = []

    def remember(number: int, frame: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, before)

    def raise_if_pressed() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield raise_if_pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, if it is a screen; yields a function that takes the number done and the total.

    Nothing is shown before it is called.
    """
    with ExitStack() as stack:
        advance: Callable[..., None] | None = None

        def update(done: int, total: int) -> None:
            nonlocal advance
            if advance is None or done == 1:
                stack.close()
                advance = stack.enter_context(bar(what, total))
            advance()

        yield update


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr, if it is a screen; yields a function that advances it and sets its description."""
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
