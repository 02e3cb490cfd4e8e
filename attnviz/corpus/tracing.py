"""Texts to traces, several at once, where one that fails stops no other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from attnviz.attention import Trace
from attnviz.errors import AttnvizError

TOGETHER = 16
"""So many texts are handed to a model at once."""
Item = TypeVar("Item")


def trace_each(
    items: Iterable[Item], trace_all: Callable[[Sequence[Item]], Iterator[Trace]]
) -> Iterator[tuple[Item, Trace | AttnvizError]]:
    """Each item with its trace, in order, or why there is none; `trace_all` makes those of several, or fails."""
    left = iter(items)
    while waiting := list(islice(left, TOGETHER)):
        try:
            for trace in trace_all(tuple(waiting)):
                yield waiting.pop(0), trace
        except AttnvizError:  # of one of them: which, each alone will tell
            for item in waiting:
                try:
                    yield from ((item, trace) for trace in trace_all([item]))
                except AttnvizError as error:
                    yield item, error
