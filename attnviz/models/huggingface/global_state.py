"""Changes to what all threads of the process have in common, such as transformers' logging, and how they are undone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager


def restores_global_state(
    change: Callable[[], AbstractContextManager[None]],
) -> Callable[[], AbstractContextManager[None]]:
    """`change`, made by the first thread that enters it and undone by the last that leaves.

    Were it made once for each thread, a second would take what the first has set for what was there before, and leave
    that behind.
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
