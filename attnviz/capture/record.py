"""What a pass of a model leaves behind of one text: which attention there is, and the weights of what was asked for."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from attnviz.attention import format_ranges
from attnviz.capture.buffers import CellBuffer, WordBuffer
from attnviz.errors import AbsentHeadError, CaptureError, InputError
from attnviz.kinds import KIND_NAMES, Kind
from attnviz.pooling import layout
from attnviz.selection import Layout, Selection
from attnviz.words import Words


@dataclass
class Record:
    """The attention of one text in one pass, by kind and true layer number.

    `available` is all that the model computed, `heads` what of it was kept, since `selection` asks for it, and `groups`
    the key-value groups that serve those heads, where they are known. `without` are the layers that have no softmax
    attention between tokens, and what they do instead. `path` says how it was had. `lengths` are the
    text's own numbers of queries and keys where it was padded; `words`, the number of each query's and each key's word,
    where they are to be merged: rows and columns are of words then. `layouts` say which tokens these cover, where
    it is not all of them, each its own.
    """

    selection: Selection
    path: str
    lengths: Mapping[Kind, tuple[int, int]] = field(default_factory=dict)
    words: Mapping[Kind, Words] = field(default_factory=dict)
    layouts: Mapping[Kind, Layout] | None = None
    available: dict[Kind, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    heads: dict[Kind, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    groups: dict[Kind, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    buffers: dict[Kind, dict[int, CellBuffer]] = field(default_factory=dict)
    without: dict[int, str] = field(default_factory=dict)
    size: int = 0  # of all weights, in bytes

    def resolve(self) -> dict[Kind, dict[int, tuple[int, ...]]]:
        """The heads that were asked for: kind → layer → head numbers.

        Raises AbsentHeadError for a layer that has no softmax attention, and as `Selection.resolve` does.
        """
        for layer in self.selection.selected_layers or ():
            if layer in self.without:
                numbers = format_ranges(
                    tuple(sorted({number for layers in self.available.values() for number in layers}))
                )
                raise AbsentHeadError(
                    f"layer {layer} has no softmax attention between tokens: it is {self.without[layer]}",
                    f"Layers that have: {numbers}.",
                )
        return self.selection.resolve(self.available)

    def register(self, kind: Kind, layer: int, heads: int) -> tuple[int, ...]:
        """Note that `layer` has so many `heads`; which of them were asked for.

        A layer that may be asked for, counted from the end, is kept until enough others have followed.
        """
        every = tuple(range(heads))
        layers = self.available.setdefault(kind, {})
        layers[layer] = every
        asked = self.selection.select_layers_so_far(layers)
        for passed in self.buffers.get(kind, {}).keys() - asked:
            self.size -= self.buffers[kind].pop(passed).weights.nbytes
            del self.heads[kind][passed]
        return self.selection.select_heads(kind, layer, every) if layer in asked else ()

    def open_buffer(
        self, kind: Kind, layer: int, heads: Sequence[int], queries: int, keys: int
    ) -> CellBuffer | WordBuffer:
        """Room for the weights of `heads`, of so many queries and keys, as many cells as were asked for.

        Raises InputError where all that is kept outgrows half the machine's memory.
        """
        rows, columns = self.cells(kind, queries, keys)
        self.size += 4 * len(heads) * len(rows) * len(columns)
        if self.size > machine_memory() / 2:
            raise InputError(
                f"the attention of {queries} tokens, all together, is more than half of this machine's memory",
                "Name fewer layers or heads (--layer 3 --head 0), or pool it: --cells 512.",
            )
        kept = CellBuffer(len(heads), rows, columns)
        self.heads.setdefault(kind, {})[layer] = tuple(heads)
        self.buffers.setdefault(kind, {})[layer] = kept
        return WordBuffer(kept, *self.words[kind]) if kind in self.words else kept

    def store(
        self, kind: Kind, layer: int, heads: Sequence[int], weights: torch.Tensor, sink: torch.Tensor | None = None
    ) -> None:
        """Keep the weights `[head, query, key]` of `heads`, and the mass `[head, query]` that a sink took.

        Raises CaptureError where they are of another shape, and InputError as `open_buffer` does.
        """
        if weights.ndim != 3 or len(weights) != len(heads):
            raise CaptureError(
                f"{KIND_NAMES[kind]}, layer {layer}: weights of shape {list(weights.shape)},"
                f" where [{len(heads)}, query, key] was expected"
            )
        self.open_buffer(kind, layer, heads, *weights.shape[1:]).put(range(weights.shape[1]), weights, sink)

    def cells(self, kind: Kind, queries: int, keys: int) -> Layout:
        """Which tokens, or words, the rows and the columns cover, of so many queries and keys."""
        if self.layouts is not None:
            return self.layouts.get(kind, ((), ()))
        n, m = self.lengths.get(kind, (queries, keys))
        if kind in self.words:
            n, m = (numbers[-1] + 1 for numbers in self.words[kind])
        return layout(n), layout(m)

    @property
    def weights(self) -> dict[Kind, dict[int, np.ndarray]]:
        """The weights, float32 `[head, row, column]`."""
        return {kind: {layer: kept.weights for layer, kept in layers.items()} for kind, layers in self.buffers.items()}

    @property
    def sink_mass(self) -> dict[Kind, dict[int, np.ndarray]]:
        """What learned sinks took, float32 `[head, query]`, in the layers that have one."""
        return {
            kind: {layer: kept.sink for layer, kept in layers.items() if kept.sink is not None}
            for kind, layers in self.buffers.items()
        }


def machine_memory() -> int:
    """This machine's memory in bytes; without end where the system does not say."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
