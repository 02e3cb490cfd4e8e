"""Names of layers and heads: `3`, `"L3"`, `"0-3,5"`, `"L3H1"`; `-1` or `"last"` is the last layer, or head."""

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import index

from attnviz.attention import format_ranges
from attnviz.errors import SelectionError

Names = Sequence[int | str] | int | str
"""One name or several."""
LayerHead = tuple[int, int]
"""A layer and one of its heads."""

NAMED = 8
"""At most this many heads are named one by one."""
LAYERS = "Layers: 3, L3, 0-3,5; from the end: last, -2; one head of a layer: L3H1."
HEADS = "Heads: 1, H1, 0-3,5; from the end: last, -2; with its layer: L3H1."

_FROM_END = r"|(last)|-(\d{1,6})"
_LAYERS = re.compile(r"L?(\d{1,6})(?:-L?(\d{1,6}))?" + _FROM_END, re.IGNORECASE)
_HEADS = re.compile(r"H?(\d{1,6})(?:-H?(\d{1,6}))?" + _FROM_END, re.IGNORECASE)
_LAYER_HEAD = re.compile(r"L(\d{1,6})H(\d{1,6})", re.IGNORECASE)


def head_name(layer: int, head: int) -> str:
    """The name of a head as people write it: `L3H5`."""
    return f"L{layer}H{head}"


def parse_layers(given: Names | None) -> tuple[tuple[int, ...] | None, tuple[LayerHead, ...] | None]:
    """The numbers of the named layers, or, if heads are named with their layers, `(layer, head)` of each.

    A number below 0 counts from the end: -1 is the last layer. Each comes once; both are None without names. Raises
    SelectionError if something is not the name of a layer, if there are no names, and if only some name a head.
    """
    return _parse("layers", given, _LAYERS, LAYERS)


def parse_heads(given: Names | None) -> tuple[tuple[int, ...] | None, tuple[LayerHead, ...] | None]:
    """The numbers of the named heads, or, if they are named with their layers, `(layer, head)` of each.

    A number below 0 counts from the end: -1 is the last head of each layer. Raises SelectionError if something is not
    the name of a head, if there are no names, and if only some have a layer.
    """
    return _parse("heads", given, _HEADS, HEADS)


def parse_names(
    layers: Names | None, heads: Names | None
) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None, tuple[LayerHead, ...] | None]:
    """The numbers of the named layers, those of the named heads, and heads that are named with their layers.

    Raises SelectionError as `parse_layers` and `parse_heads` do, and if layers or heads are named both with one another
    and alone.
    """
    layer_numbers, in_layers = parse_layers(layers)
    head_numbers, in_heads = parse_heads(heads)
    layer_heads = tuple(dict.fromkeys((*(in_layers or ()), *(in_heads or ()))))
    if layer_heads and layer_numbers is not None:
        raise SelectionError(f"head {head_name(*layer_heads[0])} already names its layer", "Leave out the layers.")
    if layer_heads and head_numbers is not None:
        raise SelectionError(f"{head_name(*layer_heads[0])} already names its head", "Leave out the heads.")
    return layer_numbers, head_numbers, layer_heads or None


def _parse(
    what: str, given: Names | None, pattern: re.Pattern[str], hint: str
) -> tuple[tuple[int, ...] | None, tuple[LayerHead, ...] | None]:
    """The numbers of the named layers or heads, or heads that are named with their layers."""
    if given is None:
        return None, None
    numbers: dict[int, None] = {}
    layer_heads: dict[LayerHead, None] = {}
    for name in _split(what, given, hint):
        if isinstance(name, int):
            numbers[name] = None
        elif named := _LAYER_HEAD.fullmatch(name):
            layer_heads[int(named[1]), int(named[2])] = None
        elif match := pattern.fullmatch(name):
            first, last, is_last, from_end = match.groups()
            counted = _range(what, name, first, last, hint) if first else [-1 if is_last else -int(from_end)]
            numbers |= dict.fromkeys(counted)
        else:
            raise _name_error(what, name, hint)
    if numbers and layer_heads:
        message = f"{head_name(*next(iter(layer_heads)))} names a layer and a head, and {next(iter(numbers))} does not"
        raise SelectionError(message, "Name both for each, or for none.")
    return tuple(numbers) or None, tuple(layer_heads) or None


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


def describe_heads(layer_heads: Sequence[LayerHead]) -> str:
    """Heads in words: one, or some that are not the same of each layer, by their names."""
    layers, heads = ({named[index] for named in layer_heads} for index in (0, 1))
    if len(layer_heads) == 1 or len(layer_heads) < len(layers) * len(heads):
        names = [head_name(*named) for named in layer_heads]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return ", ".join(names[:NAMED]) + more
    ranges = [(noun, format_ranges(tuple(numbers))) for noun, numbers in (("layer", layers), ("head", heads))]
    return ", ".join(f"{noun} {numbers}" if numbers.isdecimal() else f"{noun}s {numbers}" for noun, numbers in ranges)
