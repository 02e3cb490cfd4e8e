"""Gradients of the built-in model: the code of `attnviz/scratch` runs under torch, which takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch

from attnviz.attention import Matrix
from attnviz.capture.gradients import keeping_graph, positive_means
from attnviz.kinds import Kind
from attnviz.scratch import transformer
from attnviz.scratch.store import Checkpoint


class BuiltinPass:
    """One pass of a model over sentences of word ids `source` and `read`, from which gradients can be taken."""

    def __init__(self, checkpoint: Checkpoint, source: Sequence[int], read: Sequence[int]) -> None:
        parts = checkpoint.tokenizer.parts
        self._W = _tensors(checkpoint.weights)
        self._W["E"].requires_grad_()  # so that torch keeps the graph
        ids, read_ids = (torch.as_tensor(parts[np.array([some])]) for some in (source, read))  # [1, n, 2]
        real, h = torch.ones(ids.shape[:2], dtype=torch.bool), checkpoint.config.h
        with keeping_graph():
            memory, encoded = transformer.encode(ids, real, self._W, h, xp)
            self._x, decoded = transformer.decode(read_ids, memory, real, self._W, h, xp)
        self._weights: dict[Kind, list[torch.Tensor]]
        self._weights = {"self": encoded.encoder, "masked-self": decoded.masked, "cross": decoded.cross}
        self._parts = parts

    def weighted(self, position: int, word: int) -> Mapping[Kind, Sequence[Matrix]]:
        """Mean over heads of (∂y/∂A ⊙ A)⁺ of each layer, `[query, key]`.

        y is the score of the stem of `word` at `position` plus that of its ending.
        """
        stem, ending = (int(part) for part in self._parts[word])
        weights = [one for layers in self._weights.values() for one in layers]
        with keeping_graph():
            x = self._x[:, position : position + 1]
            of_ending = transformer.ending_logits(x, torch.tensor([[stem]]), self._W)
            y = transformer.stem_logits(x, self._W)[0, 0, stem] + of_ending[0, 0, ending]
            gradients = torch.autograd.grad(y, weights, retain_graph=True)
        matrices = iter(positive_means(weights, gradients))
        return {kind: [next(matrices) for _ in layers] for kind, layers in self._weights.items()}


def _tensors(weights: Any) -> Any:
    """The tree of arrays as tensors."""
    if isinstance(weights, dict):
        return {name: _tensors(one) for name, one in weights.items()}
    if isinstance(weights, list):
        return [_tensors(one) for one in weights]
    return torch.tensor(weights)
