"""Which queries or keys are meant: by their numbers, or by a name, which only a text at hand gives numbers to."""

import re
from collections.abc import Iterable, Sequence
from operator import index

from attnviz.attention import Attention, Token, Trace
from attnviz.errors import SelectionError

Name = int | str
"""The number of a token, or `prompt`, `answer`, `last:20`."""

NAMES = "prompt, answer, last:20"


def names(what: str, given: Sequence[Name] | Name | None) -> tuple[Name, ...] | None:
    """`given` as names, the numbers in order. Raises SelectionError for what is none, and for a sequence of none."""
    if given is None:
        return None
    several = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if not several:
        raise SelectionError(f"no {what} were named", f"Leave {what} out for all of them.")
    numbers, words = set(), []
    for one in several:
        if isinstance(one, str) and is_name(one):
            words.append(one)
            continue
        try:
            numbers.add(index(one))  # type: ignore[arg-type]
        except TypeError:
            hint = f"For example {what}=3, {what}=range(6), or a name: {NAMES}."
            raise SelectionError(f"{what}: {given!r} is no whole number, nor several", hint) from None
    return (*sorted(numbers), *dict.fromkeys(words))


def is_name(text: str) -> bool:
    """Whether `text` names tokens otherwise than by a number."""
    return text in ("prompt", "answer") or re.fullmatch(r"last:0*[1-9]\d{0,5}", text) is not None


def rows_named(named: Sequence[Name], trace: Trace, attention: Attention) -> tuple[int, ...]:
    """The queries of `attention` that are meant, in order; none where that has no prompt, or no answer.

    `answer` are the queries that write the answer: the first is the prompt's last token. `prompt` are those that read
    the prompt.
    """
    answer = _answer(attention.predicts or (), trace, attention.part)
    read = _answer(attention.queries, trace, attention.part)
    return _numbers(named, len(attention.queries), read, answer)


def columns_named(named: Sequence[Name], trace: Trace, attention: Attention) -> tuple[int, ...]:
    """The keys of `attention` that are meant, in order: `prompt` and `answer` are the tokens of it."""
    answer = _answer(attention.keys, trace, "encoder" if attention.kind == "cross" else attention.part)
    return _numbers(named, len(attention.keys), answer, answer)


def _answer(tokens: Sequence[Token | None], trace: Trace, part: str) -> list[int]:
    """Those of `tokens`, of that part of the model, that it wrote, or was made to read as if it had."""
    if trace.target is not None:
        return [index for index, token in enumerate(tokens) if token is not None and part == "decoder"]
    if "generated" not in trace.provenance:
        return []
    last = max((token.segment for token in tokens if token is not None), default=0)
    return [index for index, token in enumerate(tokens) if token is not None and token.segment == last > 0]


def _numbers(named: Sequence[Name], size: int, read: Sequence[int], answer: Sequence[int]) -> tuple[int, ...]:
    """`read` are the tokens of the answer, `answer` what is called so."""
    found: set[int] = set()
    for name in named:
        if isinstance(name, int):
            found.add(name)
        elif name == "answer":
            found.update(answer)
        elif name == "prompt":
            found.update(set(range(size)) - set(read))
        else:
            found.update(range(max(size - int(name.removeprefix("last:")), 0), size))
    return tuple(sorted(found))
