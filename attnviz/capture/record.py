"""The result of a pass for one text: which attention there is, and the selected weights."""

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

    `available` are all heads that the model computed, `heads` those that were recorded because `selection` has them,
    and `groups` the key-value groups of the recorded heads, if known. `non_attention_layers` maps layers without
    softmax attention between tokens to what they do instead. `path` says how the weights were captured.

    `lengths` are the numbers of queries and keys of a padded text without its padding. `words` holds the number of each
    query's and each key's word, if tokens are merged to words; rows and columns are words then. `layouts` say which
    tokens rows and columns cover; without it there is one for each token.
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
    non_attention_layers: dict[int, str] = field(default_factory=dict)
    size: int = 0  # of all weights, in bytes

    def resolve(self) -> dict[Kind, dict[int, tuple[int, ...]]]:
        """The selected heads: kind → layer → head numbers.

        Raises AbsentHeadError for a layer without softmax attention, and as `Selection.resolve` does.
        """
        for layer in self.selection.selected_layers or ():
            if layer in self.non_attention_layers:
                numbers = format_ranges(
                    tuple(sorted({number for layers in self.available.values() for number in layers}))
                )
                raise AbsentHeadError(
                    f"layer {layer} has no softmax attention between tokens: it is {self.non_attention_layers[layer]}",
                    f"Layers with it: {numbers}.",
                )
        return self.selection.resolve(self.available)

    def register(self, kind: Kind, layer: int, heads: int) -> tuple[int, ...]:
        """Note that `layer` has this number of `heads`, and return the selected ones.

        A layer that could be selected by its number from the end is recorded until enough other layers have followed.
        """
        every = tuple(range(heads))
        layers = self.available.setdefault(kind, {})
        layers[layer] = every
        selected = self.selection.select_layers_so_far(layers)
        for dropped in self.buffers.get(kind, {}).keys() - selected:
            self.size -= self.buffers[kind].pop(dropped).weights.nbytes
            del self.heads[kind][dropped]
        return self.selection.select_heads(kind, layer, every) if layer in selected else ()

    def open_buffer(
        self, kind: Kind, layer: int, heads: Sequence[int], queries: int, keys: int
    ) -> CellBuffer | WordBuffer:
        """A new buffer for the weights of `heads`; `queries` and `keys` are numbers of tokens.

        Raises InputError if all buffers together need more than half of the machine's memory.
        """
        rows, columns = self.cells(kind, queries, keys)
        self.size += 4 * len(heads) * len(rows) * len(columns)
        if self.size > machine_memory() / 2:
            raise InputError(
                f"the attention of {queries} tokens, all together, is more than half of this machine's memory",
                "Name fewer layers or heads (--layer 3 --head 0), or pool it: --cells 512.",
            )
        cells = CellBuffer(len(heads), rows, columns)
        self.heads.setdefault(kind, {})[layer] = tuple(heads)
        self.buffers.setdefault(kind, {})[layer] = cells
        return WordBuffer(cells, *self.words[kind]) if kind in self.words else cells

    def store(
        self, kind: Kind, layer: int, heads: Sequence[int], weights: torch.Tensor, sink: torch.Tensor | None = None
    ) -> None:
        """Store the weights `[head, query, key]` of `heads`, and the mass `[head, query]` that a sink took.

        Raises CaptureError if they have another shape, and InputError as `open_buffer` does.
        """
        if weights.ndim != 3 or len(weights) != len(heads):
            raise CaptureError(
                f"{KIND_NAMES[kind]}, layer {layer}: weights of shape {list(weights.shape)},"
                f" where [{len(heads)}, query, key] was expected"
            )
        self.open_buffer(kind, layer, heads, *weights.shape[1:]).put(range(weights.shape[1]), weights, sink)

    def cells(self, kind: Kind, queries: int, keys: int) -> Layout:
        """Which tokens, or words, the rows and the columns cover; `queries` and `keys` are numbers of tokens."""
        if self.layouts is not None:
            return self.layouts.get(kind, ((), ()))
        n, m = self.lengths.get(kind, (queries, keys))
        if kind in self.words:
            n, m = (numbers[-1] + 1 for numbers in self.words[kind])
        return layout(n), layout(m)

    @property
    def weights(self) -> dict[Kind, dict[int, np.ndarray]]:
        """The weights, float32 `[head, row, column]`."""
        return {
            kind: {layer: buffer.weights for layer, buffer in layers.items()} for kind, layers in self.buffers.items()
        }

    @property
    def sink_mass(self) -> dict[Kind, dict[int, np.ndarray]]:
        """What learned sinks took, float32 `[head, query]`, in the layers that have a sink."""
        return {
            kind: {layer: buffer.sink for layer, buffer in layers.items() if buffer.sink is not None}
            for kind, layers in self.buffers.items()
        }


def machine_memory() -> int:
    """The memory of this machine in bytes; `sys.maxsize` if the system does not say."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
