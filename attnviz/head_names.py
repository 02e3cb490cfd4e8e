"""What layers and heads may be called: `3`, `"L3"`, `"0-3,5"`; a layer from the end, `-1` or `"last"`; `"L3H1"`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import index

from attnviz.errors import SelectionError

Names = Sequence[int | str] | int | str
"""One name, or several."""
Pair = tuple[int, int]
"""A layer and one of its heads."""

LAYERS = "Layers: 3, L3, 0-3,5; from the end: last, -2."
HEADS = "Heads: 1, H1, 0-3,5; with its layer: L3H1."

_LAYERS = re.compile(r"L?(\d{1,6})(?:-L?(\d{1,6}))?|(last)|-(\d{1,6})", re.IGNORECASE)
_HEADS = re.compile(r"H?(\d{1,6})(?:-H?(\d{1,6}))?", re.IGNORECASE)
_PAIR = re.compile(r"L(\d{1,6})H(\d{1,6})", re.IGNORECASE)


def layers_named(given: Names | None) -> tuple[int, ...] | None:
    """The numbers of the layers that are named, each once; those from the end are negative: -1 is the last.

    Raises SelectionError for what is no name of a layer, and where none is named.
    """
    if given is None:
        return None
    found: dict[int, None] = {}
    for name in _each("layers", given, LAYERS):
        if isinstance(name, int):
            found[name] = None
            continue
        match = _LAYERS.fullmatch(name)
        if match and match[1]:
            found |= dict.fromkeys(_range("layers", name, match[1], match[2], LAYERS))
        elif match:
            found[-1 if match[3] else -int(match[4])] = None
        else:
            raise _no_name("layers", name, LAYERS)
    return tuple(found)


def heads_named(given: Names | None) -> tuple[tuple[int, ...] | None, tuple[Pair, ...] | None]:
    """The numbers of the heads that are named, or those that are named with their layers.

    Raises SelectionError for what is no name of a head, where none is named, and where some have a layer and some not.
    """
    if given is None:
        return None, None
    numbers: dict[int, None] = {}
    pairs: dict[Pair, None] = {}
    for name in _each("heads", given, HEADS):
        if isinstance(name, int):
            numbers[name] = None
        elif match := _PAIR.fullmatch(name):
            pairs[int(match[1]), int(match[2])] = None
        elif match := _HEADS.fullmatch(name):
            numbers |= dict.fromkeys(_range("heads", name, match[1], match[2], HEADS))
        else:
            raise _no_name("heads", name, HEADS)
    if numbers and pairs:
        layer, head = next(iter(pairs))
        raise SelectionError(
            f"head L{layer}H{head} names its layer, and head {next(iter(numbers))} does not",
            "Name the layer of every head, or of none.",
        )
    return tuple(numbers) or None, tuple(pairs) or None


def _each(what: str, given: Names, known: str) -> Iterator[int | str]:
    """Each name that was given, lists with commas taken apart. Raises SelectionError for none, and for no name."""
    names = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if not names:
        raise SelectionError(f"no {what} were named", f"Leave {what} out for all of them.")
    for name in names:
        if isinstance(name, str):
            yield from (part.strip() for part in name.split(","))
        else:
            try:
                yield index(name)
            except TypeError:
                raise _no_name(what, name, known) from None


def _range(what: str, name: str, first: str, last: str | None, known: str) -> range:
    if int(last or first) < int(first):
        raise _no_name(what, name, known)
    return range(int(first), int(last or first) + 1)


def _no_name(what: str, name: object, known: str) -> SelectionError:
    return SelectionError(f"{name!r} is not a {what[:-1]}, nor a range of {what}", known)
