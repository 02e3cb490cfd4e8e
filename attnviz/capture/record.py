"""What a pass of a model leaves behind: which attention there is, and the weights of what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from attnviz.errors import CaptureError
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

        Raises CaptureError where they are of more than one text.
        """
        if weights.ndim != 4 or weights.shape[0] != 1:
            raise CaptureError(
                f"{KIND_NAMES[kind]}, layer {layer}: weights of shape {list(weights.shape)},"
                " where [1, head, query, key] was expected"
            )
        self.heads.setdefault(kind, {})[layer] = tuple(heads)
        self.weights.setdefault(kind, {})[layer] = _numpy(weights[0])
        if sink is not None:
            self.sink_mass.setdefault(kind, {})[layer] = _numpy(sink[0])


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
