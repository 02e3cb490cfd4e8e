"""Names of queries and keys: numbers, or `prompt`, `answer`, `last:20`, whose numbers depend on the text."""

import re
from collections.abc import Iterable, Sequence
from operator import index

from attnviz.attention import Attention, Token, Trace
from attnviz.errors import SelectionError

Name = int | str
"""The number of a token, or `prompt`, `answer`, `last:20`."""

NAMES = "prompt, answer, last:20"


def names(what: str, given: Sequence[Name] | Name | None) -> tuple[Name, ...] | None:
    """`given` as names, numbers first and in order. Raises SelectionError for an unknown name or an empty sequence."""
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
            raise SelectionError(f"{what}: {given!r} is not a whole number or several", hint) from None
    return (*sorted(numbers), *dict.fromkeys(words))


def is_name(text: str) -> bool:
    """Whether `text` is a name of tokens, not a number."""
    return text in ("prompt", "answer") or re.fullmatch(r"last:0*[1-9]\d{0,5}", text) is not None


def rows_named(named: Sequence[Name], trace: Trace, attention: Attention) -> tuple[int, ...]:
    """The numbers of the `named` queries of `attention`, in order; none if it has no prompt, or no answer.

    `answer` means the queries that write the answer, of which the first is the prompt's last token. `prompt` means the
    queries that read the prompt.
    """
    answer = _answer(attention.predicts or (), trace, attention.part)
    read = _answer(attention.queries, trace, attention.part)
    return _numbers(named, len(attention.queries), read, answer)


def columns_named(named: Sequence[Name], trace: Trace, attention: Attention) -> tuple[int, ...]:
    """The numbers of the `named` keys of `attention`, in order; `prompt` and `answer` mean the keys of its tokens."""
    answer = _answer(attention.keys, trace, "encoder" if attention.kind == "cross" else attention.part)
    return _numbers(named, len(attention.keys), answer, answer)


def _answer(tokens: Sequence[Token | None], trace: Trace, part: str) -> list[int]:
    """The indices of those `tokens` of `part` that the model wrote, or that were given as its target."""
    if trace.target is not None:
        return [index for index, token in enumerate(tokens) if token is not None and part == "decoder"]
    if "generated" not in trace.provenance:
        return []
    last = max((token.segment for token in tokens if token is not None), default=0)
    return [index for index, token in enumerate(tokens) if token is not None and token.segment == last > 0]


def _numbers(named: Sequence[Name], size: int, read: Sequence[int], answer: Sequence[int]) -> tuple[int, ...]:
    """The numbers of the `named` tokens of `size` in all; `prompt` is all but `read`, and `answer` is `answer`."""
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
