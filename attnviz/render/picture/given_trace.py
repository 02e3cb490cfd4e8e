"""What `attnviz.plot` is given, as a trace."""

import os
from collections.abc import Sequence
from typing import Any

from attnviz.attention import Attention, Trace
from attnviz.attention.trace_file import ENDING, open_trace
from attnviz.errors import InputError


def trace_of_given(
    given: Any, kind: str | None, tokens: Sequence[str] | None, keys: Sequence[str] | None
) -> tuple[Trace, str | None]:
    """The trace to draw, made of weights and the names of their tokens where these are given; and its kind."""
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.endswith(ENDING)):
        given = open_trace(given)
    if isinstance(given, Attention):
        given = Trace("given attention", " ".join(token.text for token in given.keys), (given,))
    if isinstance(given, Trace):
        if (tokens, keys) != (None, None):
            hint = f"The kind is a keyword: kind={tokens!r}." if isinstance(tokens, str) else "Leave them out."
            raise InputError("a trace names its own tokens and keys", hint)
        return given, kind
    if isinstance(given, str):
        raise InputError(f"{given!r} is no trace", f"Trace the text first: attnviz.plot(attnviz.trace({given!r})).")
    if (tokens, keys) == (None, None) and (shape := getattr(given, "shape", None)) is not None:
        raise InputError(
            f"weights of shape {list(shape)} have no names for their tokens",
            "A list of them: attnviz.plot(weights, ['I', 'ate', 'an', 'apple']).",
        )
    if (tokens, keys) == (None, None):
        needs = "A Trace is drawn, attnviz.plot(attnviz.trace(TEXT)), or weights: attnviz.plot(weights, tokens)."
        raise InputError(f"what is given is of type {type(given).__name__}, and no trace", needs)
    trace = Trace.of(given, () if tokens is None else tokens, keys=keys, kind=kind)
    return trace, None
