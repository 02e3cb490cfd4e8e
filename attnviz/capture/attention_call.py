"""One call of attention in torch code: its sizes and its weights."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from attnviz.capture.blockwise import Block, Numbers
from attnviz.capture.buffers import store_block
from attnviz.capture.call_sites import is_causal_mask
from attnviz.capture.record import Record
from attnviz.errors import ModelError
from attnviz.kinds import Kind


@dataclass(frozen=True)
class Call:
    """One call that computes attention weights, `[text, head, query, key]`.

    `blocks` yields the weights of some heads and rows, like `attention_blocks`. `hides_later` is the result of
    `is_causal_mask`. `groups` are the key-value groups of the heads if some heads share a group. `one_input` says
    whether queries and keys come from the same input, or None if unknown. `dtype` is the type to which the weights were
    rounded. `flaw` says why these are not attention weights, which is an error only if they are selected. `number`
    counts the calls of a pass from 1, and `after` is the number of the last call whose result this one reads, or 0.
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
        """The call with these `weights`; `sink` is the mass `[text, head, query]` that went to no token."""

        def blocks(heads: Sequence[int], rows: Numbers) -> Iterator[Block]:
            some, index = weights[:, list(heads)], list(rows)
            yield Block(rows, some[:, :, index].float(), None if sink is None else sink[:, list(heads)][:, :, index])

        texts, heads, n, m = weights.shape
        return cls(texts, heads, n, m, is_causal_mask(weights > 0, n), blocks, **{"dtype": weights.dtype, **known})

    @classmethod
    def of_heads(cls, heads: "Sequence[Call]") -> "Call":
        """One call of several heads, from a call of each head."""
        weights = torch.cat([head.first_rows(head.queries) for head in heads], 1)
        sinks, sink = [head.sink() for head in heads], None
        if any(each is not None for each in sinks):
            none = torch.zeros_like(weights[:, :1, :, 0])
            sink = torch.cat([none if each is None else each for each in sinks], 1)
        flaw = next((head.flaw for head in heads if head.flaw), None)
        return cls.of_weights(weights, sink, dtype=heads[0].dtype, flaw=flaw)

    def sink(self) -> torch.Tensor | None:
        """The mass of each row that went to no token, `[text, head, query]`; None if there is none."""
        parts = [block.sink for block in self.blocks(range(self.heads), range(self.queries)) if block.sink is not None]
        return torch.cat(parts, 2) if parts else None

    def first_rows(self, queries: int) -> torch.Tensor:
        """The weights of the first `queries` queries, `[text, head, query, key]`."""
        parts = list(self.blocks(range(self.heads), range(queries)))
        return torch.cat([functional.pad(part.weights, (0, self.keys - part.weights.shape[-1])) for part in parts], 2)

    def record(self, records: Sequence[Record], kind: Kind, layer: int) -> None:
        """Store the selected weights in the record of each text. Raises ModelError if they have a `flaw`."""
        if self.flaw:
            raise ModelError(self.flaw, "If the model returns its weights, draw those: attnviz.plot(weights, tokens).")
        selected = {record.register(kind, layer, self.heads) for record in records}.pop()  # the same for each
        if not selected:
            return
        if self.groups:
            for record in records:
                record.groups.setdefault(kind, {})[layer] = tuple(self.groups[head] for head in selected)
        buffers = [record.open_buffer(kind, layer, selected, self.queries, self.keys) for record in records]
        rows = sorted({query for buffer in buffers for query in buffer.queries})
        for block in self.blocks(selected, rows) if rows else ():
            store_block(block, buffers)


def with_head_axis(tensor: torch.Tensor, texts: int) -> torch.Tensor:
    """`[…, row, column]` as `[text, head, row, column]`; if `…` is several axes, the first is that of the texts."""
    before = tensor.shape[:-2]
    several = len(before) > 1 and before[0] != texts and before[1:].numel() > 1
    batch = before[0] if several else texts if before.numel() % texts == 0 else 1
    return tensor.reshape(batch, -1, *tensor.shape[-2:])
