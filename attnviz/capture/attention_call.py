"""One call of attention, as any code of torch makes it: how large it is, and the weights that it computes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from attnviz.capture.blockwise import Block, Numbers
from attnviz.capture.call_sites import is_causal_mask
from attnviz.capture.record import Record
from attnviz.errors import ModelError
from attnviz.kinds import Kind


@dataclass(frozen=True)
class Call:
    """One call that computes attention weights, `[text, head, query, key]`.

    `blocks` gives those of some heads and rows, as `attention_blocks` does. `hides_later` is as `is_causal_mask` tells
    it. `groups` are the key-value groups of the heads where some share one. `one_input` says whether queries and keys
    were made of the same numbers, where that is known. `dtype` is the type to which the weights were rounded. `flaw`
    says why they are no attention weights, which is an error once they are wanted. `number` counts the calls of a pass
    from 1 on, and `after` is the number of the last one of which it reads what it gave, or 0.
    """

    texts: int
    heads: int
    queries: int
    keys: int
    hides_later: bool | None
    blocks: Callable[[Sequence[int], Numbers], Iterator[Block]]
    groups: tuple[int, ...] = ()
    one_input: bool | None = None
    dtype: torch.dtype = torch.float32
    flaw: str | None = None
    number: int = 0
    after: int = 0

    @classmethod
    def of_weights(cls, weights: torch.Tensor, sink: torch.Tensor | None = None, **known: Any) -> "Call":
        """The call that gave these `weights`, and the mass `[text, head, query]` that went to what is no token."""

        def blocks(heads: Sequence[int], rows: Numbers) -> Iterator[Block]:
            some, index = weights[:, list(heads)], list(rows)
            yield Block(rows, some[:, :, index].float(), None if sink is None else sink[:, list(heads)][:, :, index])

        texts, heads, n, m = weights.shape
        return cls(texts, heads, n, m, is_causal_mask(weights > 0, n), blocks, **{"dtype": weights.dtype, **known})

    @classmethod
    def joined(cls, heads: "Sequence[Call]") -> "Call":
        """One call of all the `heads`, each of which was a call of one head."""
        weights = torch.cat([head.whole(head.queries) for head in heads], 1)
        sinks, sink = [head.sink() for head in heads], None
        if any(each is not None for each in sinks):
            none = torch.zeros_like(weights[:, :1, :, 0])
            sink = torch.cat([none if each is None else each for each in sinks], 1)
        flaw = next((head.flaw for head in heads if head.flaw), None)
        return cls.of_weights(weights, sink, dtype=heads[0].dtype, flaw=flaw)

    def sink(self) -> torch.Tensor | None:
        """What of each row's mass went to what is no token, `[text, head, query]`; None where nothing did."""
        parts = [block.sink for block in self.blocks(range(self.heads), range(self.queries)) if block.sink is not None]
        return torch.cat(parts, 2) if parts else None

    def whole(self, queries: int) -> torch.Tensor:
        """The weights of so many queries, the first ones, `[text, head, query, key]`."""
        parts = list(self.blocks(range(self.heads), range(queries)))
        return torch.cat([functional.pad(part.weights, (0, self.keys - part.weights.shape[-1])) for part in parts], 2)

    def record(self, records: Sequence[Record], kind: Kind, layer: int) -> None:
        """Put what is wanted of it into the record of each text. Raises ModelError where they are no weights."""
        if self.flaw:
            raise ModelError(self.flaw, "If it gives them, draw the weights themselves: attnviz.plot(weights, tokens).")
        wanted = {record.register(kind, layer, self.heads) for record in records}.pop()  # the same for each
        if not wanted:
            return
        if self.groups:
            for record in records:
                record.groups.setdefault(kind, {})[layer] = tuple(self.groups[head] for head in wanted)
        kept = [record.open_buffer(kind, layer, wanted, self.queries, self.keys) for record in records]
        rows = sorted({query for each in kept for query in each.queries})
        for block in self.blocks(wanted, rows) if rows else ():
            for text, each in enumerate(kept):
                sink = None if block.sink is None else block.sink[text]
                each.put(block.queries, block.weights[text], sink)


def folded(tensor: torch.Tensor, texts: int) -> torch.Tensor:
    """`[…, row, column]` as `[text, head, row, column]`; the first of several axes is the texts'."""
    before = tensor.shape[:-2]
    several = len(before) > 1 and before[0] != texts and before[1:].numel() > 1
    batch = before[0] if several else texts if before.numel() % texts == 0 else 1
    return tensor.reshape(batch, -1, *tensor.shape[-2:])
