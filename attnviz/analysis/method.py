"""What the numbers of a picture are: the weights of heads, or what a method makes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from attnviz.attention import Trace

Progress = Callable[[int, int], None]
"""Called with the number of rows done, and their number in all."""
Apply = Callable[[Trace, int | None, Progress | None], Trace]
"""From a trace of single tokens, the last layer that counts (None: all) and a callback, as `Method` says."""


@dataclass(frozen=True)
class Method:
    """A method, by its `name` on the command line, what it is called (`title`), and its `source`.

    `quantity` is the name of its numbers on a scale, and `meaning` says how they are computed. `apply` gives a trace
    with these numbers in place of weights; it raises SelectionError for a trace without what it needs. A method that
    `combines` makes one matrix of all heads of all layers up to one: head 0 of that layer. If it favours the first
    tokens of a decoder by itself, head 1 is the same for uniform attention, its baseline. `needs` says what the model
    has to hand over; gradients are taken while it runs (`attnviz.relevance`), and `apply` only checks for them.
    """

    name: str
    title: str
    source: str
    quantity: str
    meaning: str
    apply: Apply
    combines: bool = False
    needs: Literal["weights", "value norms", "gradients"] = "weights"

    @property
    def description(self) -> str:
        """What it is, its source, and how it is computed, in one sentence."""
        source = f" ({self.source})" if self.source else ""
        return f"{self.title}{source}: {self.meaning}"
