"""The progress of loading a model, reported in one form for transformers and the Hub's client."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from attnviz.models.base import Progress
from attnviz.models.huggingface.global_state import restores_global_state

# The bar that counts the weights loaded by this thread.
_weights: ContextVar[type | None] = ContextVar("weights", default=None)


@contextmanager
def telling(progress: Progress | None) -> Iterator[type | None]:
    """Call `progress` for the weights that transformers reads while the body runs; None reports nothing.

    Yields a class of bars for `from_pretrained(tqdm_class=)`, which reports the bytes that it downloads.
    """
    if progress is None:
        yield None
        return
    last: list[Any] = []
    with _heard():
        before = _weights.set(_bar(progress, "weights", "it", last))
        try:
            yield _bar(progress, "bytes", "B", last)
        finally:
            _weights.reset(before)


@restores_global_state
@contextmanager
def _heard() -> Iterator[None]:
    """Make transformers use the bar in `_weights` in this thread, and its own bar in other threads."""
    from transformers.utils import logging

    before = logging.set_tqdm_hook(None)

    def make(factory: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if (bar := _weights.get()) is not None:
            return bar(*args, **kwargs)
        return factory(*args, **kwargs) if before is None else before(factory, args, kwargs)

    logging.set_tqdm_hook(make)
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)


def _bar(progress: Progress, what: str, unit: str, last: list[Any]) -> type:
    """A class of bars that draw nothing; bars that count in `unit` call `progress` with the number of `what` done.

    Only the newest bar, held by `last`, reports, because the Hub makes two bars for one download.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    class Told(tqdm):  # type: ignore[misc]
        monitor_interval = 0  # no thread that watches over it

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if kwargs.get("unit", "it") == unit:
                last[:] = [self]
            super().__init__(*args, **kwargs | {"file": io.StringIO(), "leave": False, "disable": False})

        def display(self, *_: Any, **__: Any) -> None:
            if last and last[0] is self:
                progress(what, int(self.n), int(self.total) if self.total else None)

        def update_transfer(self, _: float | None = 1) -> None:
            """Bytes from the network; they are reported once they are written."""

    Told.set_lock(threading.RLock())
    return Told
