"""Which layer an attention is of, by the place of its module in the model."""

import re
from collections import defaultdict

import torch

from attnviz.kinds import Kind

LIST_OF_HEADS = re.compile(r"(.*?\b\w*heads?\w*)\.\d+(?:\.|$)", re.IGNORECASE)
"""What the name of a list of heads is on the way to a module: `2.heads.3`."""
_COUNTED = "several attentions have one block's number: layers count attentions in the order of their calls, not blocks"


class LayerNumbers:
    """The numbers of the layers of `model`: those that were `taken` of each kind, and `notes` on how they count."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self.taken: defaultdict[Kind, set[int]] = defaultdict(set)
        self.notes: dict[str, None] = {}

    def next(self, kind: Kind, path: str) -> int:
        """The number of the block on the path of a call, or the next one that is free."""
        block, taken = self._block(path), self.taken[kind]
        layer = block or 0
        if block in taken:
            self.notes[_COUNTED] = None
        while layer in taken:
            layer += 1
        taken.add(layer)
        return layer

    def _block(self, path: str) -> int | None:
        """Which block of the outermost list of several is on a path."""
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
