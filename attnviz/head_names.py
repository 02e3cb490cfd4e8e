"""Names of layers and heads: `3`, `"L3"`, `"0-3,5"`, `"L3H1"`; `-1` or `"last"` is the last layer."""

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import index

from attnviz.attention import format_ranges
from attnviz.errors import SelectionError

Names = Sequence[int | str] | int | str
"""One name or several."""
Pair = tuple[int, int]
"""A layer and one of its heads."""

NAMED = 8
"""At most this many heads are named one by one."""
LAYERS = "Layers: 3, L3, 0-3,5; from the end: last, -2."
HEADS = "Heads: 1, H1, 0-3,5; with its layer: L3H1."

_LAYERS = re.compile(r"L?(\d{1,6})(?:-L?(\d{1,6}))?|(last)|-(\d{1,6})", re.IGNORECASE)
_HEADS = re.compile(r"H?(\d{1,6})(?:-H?(\d{1,6}))?", re.IGNORECASE)
_PAIR = re.compile(r"L(\d{1,6})H(\d{1,6})", re.IGNORECASE)


def head_name(layer: int, head: int) -> str:
    """The name of a head as people write it: `L3H5`."""
    return f"L{layer}H{head}"


def parse_layers(given: Names | None) -> tuple[int, ...] | None:
    """The numbers of the named layers, each once; a number below 0 counts from the end: -1 is the last layer.

    Raises SelectionError if something is not the name of a layer, and if there are no names.
    """
    if given is None:
        return None
    found: dict[int, None] = {}
    for name in _split("layers", given, LAYERS):
        if isinstance(name, int):
            found[name] = None
            continue
        match = _LAYERS.fullmatch(name)
        if match and match[1]:
            found |= dict.fromkeys(_range("layers", name, match[1], match[2], LAYERS))
        elif match:
            found[-1 if match[3] else -int(match[4])] = None
        else:
            raise _name_error("layers", name, LAYERS)
    return tuple(found)


def parse_heads(given: Names | None) -> tuple[tuple[int, ...] | None, tuple[Pair, ...] | None]:
    """The numbers of the named heads, or, if they are named with their layers, `(layer, head)` of each.

    Raises SelectionError if something is not the name of a head, if there are no names, and if only some have a layer.
    """
    if given is None:
        return None, None
    numbers: dict[int, None] = {}
    pairs: dict[Pair, None] = {}
    for name in _split("heads", given, HEADS):
        if isinstance(name, int):
            numbers[name] = None
        elif match := _PAIR.fullmatch(name):
            pairs[int(match[1]), int(match[2])] = None
        elif match := _HEADS.fullmatch(name):
            numbers |= dict.fromkeys(_range("heads", name, match[1], match[2], HEADS))
        else:
            raise _name_error("heads", name, HEADS)
    if numbers and pairs:
        layer, head = next(iter(pairs))
        raise SelectionError(
            f"head {head_name(layer, head)} names its layer, and head {next(iter(numbers))} does not",
            "Name the layer of every head, or of none.",
        )
    return tuple(numbers) or None, tuple(pairs) or None


def _split(what: str, given: Names, hint: str) -> Iterator[int | str]:
    """Each name in `given`, split at commas. Raises SelectionError if there is none, or one of another type."""
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
                raise _name_error(what, name, hint) from None


def _range(what: str, name: str, first: str, last: str | None, hint: str) -> range:
    if int(last or first) < int(first):
        raise _name_error(what, name, hint)
    return range(int(first), int(last or first) + 1)


def _name_error(what: str, name: object, hint: str) -> SelectionError:
    return SelectionError(f"{name!r} is not a {what[:-1]} or a range of {what}", hint)


def describe_heads(pairs: Sequence[Pair]) -> str:
    """Heads in words: one, or some that are not the same of each layer, by their names."""
    layers, heads = ({pair[index] for pair in pairs} for index in (0, 1))
    if len(pairs) == 1 or len(pairs) < len(layers) * len(heads):
        names = [head_name(*pair) for pair in pairs]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return ", ".join(names[:NAMED]) + more
    ranges = [(noun, format_ranges(tuple(numbers))) for noun, numbers in (("layer", layers), ("head", heads))]
    return ", ".join(f"{noun} {numbers}" if numbers.isdecimal() else f"{noun}s {numbers}" for noun, numbers in ranges)
