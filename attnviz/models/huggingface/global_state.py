"""Temporary changes to state that all threads share, such as transformers' logging."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager


def restores_global_state(
    change: Callable[[], AbstractContextManager[None]],
) -> Callable[[], AbstractContextManager[None]]:
    """`change`, made by the first thread that enters and undone by the last thread that leaves.

    If each thread made the change, a second thread would remember the changed state of the first as the original, and
    restore the wrong state.
    """
    lock, undo, inside = threading.Lock(), ExitStack(), 0

    @contextmanager
    def shared() -> Iterator[None]:
        nonlocal inside
        with lock:
            if not inside:
                undo.enter_context(change())
            inside += 1
        try:
            yield
        finally:
            with lock:
                inside -= 1
                if not inside:
                    undo.close()

    return shared
