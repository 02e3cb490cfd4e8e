"""Limits for an untrusted tokenizer: it must end within seconds, and must not make a text much longer.

A tokenizer.json is a program: its regular expressions can search forever, its replacements can double a text at each
step, and the Rust code that runs it panics on faults. Rust releases Python's lock, so the work runs in a thread while
another thread waits. This needs no signal, which only the main thread could get, and no process for each text.
"""

import contextvars
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from typing import IO, TYPE_CHECKING, Any, TypeVar

from attnviz.errors import ModelError
from attnviz.models.huggingface.global_state import restores_global_state

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_T = TypeVar("_T")
_SECONDS = 10
_EACH_SECOND = 2000  # characters, or ids, that a slow tokenizer reads; most read a hundred times as many
_MOST_GROWTH = 100  # the most times longer that a text can become before it is split
_MOST_MARKS = 100  # the most marks around a text
_HINT = "Another one can be given: --tokenizer NAME"


def with_limits(run: Callable[[], _T], size: int) -> _T:
    """The result of `run` for a text of `size` characters or ids.

    Raises ModelError if it does not end or panics, and any error of `run`. Work that does not end goes on in a thread
    until the process ends, because a thread cannot be stopped from outside.
    """
    answer: Future[_T] = Future()

    def work() -> None:
        try:
            answer.set_result(run())
        except BaseException as error:  # a panic of Rust is not an Exception
            answer.set_exception(error)

    seconds = _SECONDS + size / _EACH_SECOND
    with held_stderr():
        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        try:
            return answer.result(seconds)
        except TimeoutError:
            if answer.done():  # `run` raised it
                raise
            raise ModelError(f"the tokenizer does not end within {seconds:.0f} seconds", _HINT) from None
        except BaseException as error:
            if not is_panic(error):
                raise
            raise ModelError(f"the tokenizer fails on this text: {error}", _HINT) from error


def is_panic(error: BaseException) -> bool:
    """Whether `error` is a panic of Rust, whose class has no public name."""
    return type(error).__name__ == "PanicException"


@restores_global_state
@contextmanager
def held_stderr() -> Iterator[None]:
    """Hold back output to stderr, and drop it if it is the report of a panic in Rust.

    The panic is also an exception with the same message.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # there is none
        yield
        return
    held = _held()
    os.dup2(held.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        held.seek(0)
        written = held.read()
        held.seek(0)
        held.truncate()
        if b"panicked at" not in written:
            os.write(stderr, written)
        os.close(stderr)


@cache
def _held() -> IO[bytes]:
    """The file that holds the output; it is reused, because creating a file takes longer than most texts."""
    return tempfile.TemporaryFile()


def require_bounds(tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
    """Raise ModelError for a tokenizer whose replacements make a text or a token many times longer.

    Also for one that puts many marks around a text, or whose longest text length is not a number.
    """
    longest = tokenizer.model_max_length
    if isinstance(longest, bool) or not isinstance(longest, int | float) or not longest > 0:
        raise ModelError(f"the tokenizer of {name} has the model_max_length {longest!r}, which is not a length", _HINT)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    for part in ("normalizer", "decoder"):
        growth = 1.0
        for pattern, content in _replacements(_state(getattr(backend, part, None))):
            growth *= max(1, len(content) / len(pattern) if pattern else 1 + len(content))
        if growth > _MOST_GROWTH:
            raise ModelError(f"the {part} of the tokenizer of {name} makes a text {growth:.0f} times as long", _HINT)
    count = getattr(backend, "num_special_tokens_to_add", lambda is_pair: 0)
    if (marks := max(map(count, (False, True)))) > _MOST_MARKS:
        raise ModelError(f"the post_processor of the tokenizer of {name} puts {marks} tokens around a text", _HINT)


def _state(part: Any) -> Any:
    """The state of a part of a tokenizer as in its tokenizer.json; None for a part that is written in Python."""
    try:
        return json.loads(part.__getstate__())
    except Exception:
        return None


def _replacements(state: Any) -> Iterator[tuple[str, str]]:
    """Each replaced text and its replacement, in all parts; for a regular expression the replaced text is empty."""
    if isinstance(state, dict):
        if state.get("type") == "Replace":
            yield state["pattern"].get("String", ""), state["content"]
        for value in state.values():
            yield from _replacements(value)
    elif isinstance(state, list):
        for value in state:
            yield from _replacements(value)
