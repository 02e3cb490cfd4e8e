"""What a tokenizer of anyone's is kept to: an end within seconds, and no more text than it was given.

A tokenizer.json is a program: its regular expressions can search for ever, its replacements can double a text at each
step, and Rust, which runs it, panics where it is not as it should be. Rust does not hold Python's lock meanwhile, so a
thread can wait for another: no signal, which the main thread alone would get, and no process for each text.
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
_MOST_GROWTH = 100  # times that a text may become longer before it is divided
_MOST_MARKS = 100  # that may stand around a text
_HINT = "Another one can be given: --tokenizer NAME"


def with_limits(run: Callable[[], _T], size: int) -> _T:
    """What `run` makes of a text of `size` characters, or as many ids.

    Raises ModelError where it does not end, or panics, and else what `run` raises. What does not end goes on in a
    thread that ends with the process: nothing can stop it from outside.
    """
    answer: Future[_T] = Future()

    def work() -> None:
        try:
            answer.set_result(run())
        except BaseException as error:  # Rust's panics are no Exception
            answer.set_exception(error)

    seconds = _SECONDS + size / _EACH_SECOND
    with held_stderr():
        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        try:
            return answer.result(seconds)
        except TimeoutError:
            if answer.done():  # it is the error of `run`
                raise
            raise ModelError(f"the tokenizer does not end within {seconds:.0f} seconds", _HINT) from None
        except BaseException as error:
            if not is_panic(error):
                raise
            raise ModelError(f"the tokenizer fails on this text: {error}", _HINT) from error


def is_panic(error: BaseException) -> bool:
    """Whether it is what Rust raises where it cannot go on: its class has no public name."""
    return type(error).__name__ == "PanicException"


@restores_global_state
@contextmanager
def held_stderr() -> Iterator[None]:
    """Hold back what is written to stderr, and drop it where Rust tells of a panic, backtrace and all.

    The panic is an exception too, which says the same.
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
    """Where it is held: one file for all times, for to make one takes longer than most texts."""
    return tempfile.TemporaryFile()


def require_bounds(tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
    """Raise ModelError for a tokenizer whose replacements make a text, or a token, many times as long as it is.

    And for one that puts many marks around a text, or says how long a text may be, and does not say a length.
    """
    longest = tokenizer.model_max_length
    if isinstance(longest, bool) or not isinstance(longest, int | float) or not longest > 0:
        raise ModelError(f"the tokenizer of {name} has the model_max_length {longest!r}, which is no length", _HINT)
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
    """A part of a tokenizer as its tokenizer.json has it; None for one that is written in Python."""
    try:
        return json.loads(part.__getstate__())
    except Exception:
        return None


def _replacements(state: Any) -> Iterator[tuple[str, str]]:
    """What is replaced, empty for a regular expression, which may match nothing, and by what; in all of its parts."""
    if isinstance(state, dict):
        if state.get("type") == "Replace":
            yield state["pattern"].get("String", ""), state["content"]
        for value in state.values():
            yield from _replacements(value)
    elif isinstance(state, list):
        for value in state:
            yield from _replacements(value)
