"""The layer number of a call of attention, from the path of its module in the model."""

import re
from collections import defaultdict

import torch

from attnviz.kinds import Kind

LIST_OF_HEADS = re.compile(r"(.*?\b\w*heads?\w*)\.\d+(?:\.|$)", re.IGNORECASE)
"""A path through a list of heads, such as `2.heads.3`."""
_COUNTED = "calls of attention have the same block number: layers are numbered in the order of calls, not by blocks"


class LayerNumbers:
    """Gives numbers to the layers of `model`; `used` are the numbers given so far, `notes` say how they count."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self.used: defaultdict[Kind, set[int]] = defaultdict(set)
        self.notes: dict[str, None] = {}

    def next(self, kind: Kind, path: str) -> int:
        """The number of the block in the path of a call, or the next number that is not used."""
        block, used = self._block(path), self.used[kind]
        layer = block or 0
        if block in used:
            self.notes[_COUNTED] = None
        while layer in used:
            layer += 1
        used.add(layer)
        return layer

    def _block(self, path: str) -> int | None:
        """The index in the outermost list of several blocks on a path; None if there is no such list."""
        steps = path.split(".")
        for index, step in enumerate(steps):
            if not step.isdecimal() or LIST_OF_HEADS.fullmatch(".".join(steps[: index + 1])):
                continue
            parent = self._model.get_submodule(".".join(steps[:index]))
            children = list(parent.children())
            alike = len({type(child) for child in children}) == 1
            if len(children) > 1 and (isinstance(parent, torch.nn.ModuleList) or alike):
                return int(step)
        return None
