"""The traces of many texts, several at a time; a text that fails does not stop the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from attnviz.attention import Trace
from attnviz.errors import AttnvizError

TOGETHER = 16
"""The number of texts that a model gets at once, where nothing else is said."""
Item = TypeVar("Item")


def trace_each(
    items: Iterable[Item], trace_all: Callable[[Sequence[Item]], Iterator[Trace]], together: int = TOGETHER
) -> Iterator[tuple[Item, Trace | AttnvizError]]:
    """Each item with its trace or its error, in order. `trace_all` makes the traces of up to `together` items."""
    left = iter(items)
    while waiting := list(islice(left, together)):
        try:
            for trace in trace_all(tuple(waiting)):
                yield waiting.pop(0), trace
        except AttnvizError:  # to find the item that failed, each runs alone
            for item in waiting:
                try:
                    yield from ((item, trace) for trace in trace_all([item]))
                except AttnvizError as error:
                    yield item, error
