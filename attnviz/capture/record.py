"""What a pass of a model leaves behind: which attention there is, and the weights of what was asked for."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from attnviz.errors import CaptureError, InputError
from attnviz.kinds import KIND_NAMES, Kind
from attnviz.selection import Selection


@dataclass
class Record:
    """The attention of one pass, by kind and true layer number.

    `available` is all that the model computed, `weights` `[head, query, key]` and `sink_mass` `[head, query]` what
    `selection` asks for, as float32 on the CPU; `path` says how it was had.
    """

    selection: Selection
    path: str
    available: dict[Kind, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    heads: dict[Kind, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    weights: dict[Kind, dict[int, np.ndarray]] = field(default_factory=dict)
    sink_mass: dict[Kind, dict[int, np.ndarray]] = field(default_factory=dict)
    size: int = 0  # of all weights, in bytes

    def wanted(self, kind: Kind, layer: int, heads: int) -> tuple[int, ...]:
        """Note that `layer` has so many `heads`; which of them were asked for."""
        every = tuple(range(heads))
        self.available.setdefault(kind, {})[layer] = every
        asked = self.selection
        if (asked.kinds is not None and kind not in asked.kinds) or (
            asked.layers is not None and layer not in asked.layers
        ):
            return ()
        return every if asked.heads is None else tuple(head for head in every if head in asked.heads)

    def keep(
        self, kind: Kind, layer: int, heads: Sequence[int], weights: torch.Tensor, sink: torch.Tensor | None = None
    ) -> None:
        """Keep the weights `[1, head, query, key]` of `heads`, and the mass `[1, head, query]` that a sink took.

        Raises CaptureError where they are of more than one text, and InputError where all that is kept outgrows half
        the machine's memory.
        """
        if weights.ndim != 4 or weights.shape[0] != 1:
            raise CaptureError(
                f"{KIND_NAMES[kind]}, layer {layer}: weights of shape {list(weights.shape)},"
                " where [1, head, query, key] was expected"
            )
        self.size += 4 * weights.numel()
        if self.size > memory() / 2:
            raise InputError(
                f"the attention of {weights.shape[2]} tokens, all together, is more than half of this machine's memory",
                "Name fewer layers or heads: --layer 3 --head 0.",
            )
        self.heads.setdefault(kind, {})[layer] = tuple(heads)
        self.weights.setdefault(kind, {})[layer] = _numpy(weights[0])
        if sink is not None:
            self.sink_mass.setdefault(kind, {})[layer] = _numpy(sink[0])


def memory() -> int:
    """This machine's memory in bytes; without end where the system does not say."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
