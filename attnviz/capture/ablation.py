"""Running a model without some of its heads, or without some of its links.

What a head gives is its slice of the input of the output projection W_O. As `output_projection` says, W_O belongs to
the one module that reads the result of attention as it is, and it must be linear; before that module runs, the slice
is replaced. The weights of a link are taken out of the result: with the weights a of the link, the values v of its keys
and the sum s of the row, z becomes (z − Σ a v) · s / (s − Σ a).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from attnviz.capture.blockwise import Block, Numbers
from attnviz.capture.output_projection import UNCHANGED, linear_map, reads_only
from attnviz.cuts import MEAN, Cut
from attnviz.errors import ModelError
from attnviz.kinds import Kind

Weights = Callable[[Sequence[int], Numbers], Iterator[Block]]
_LEAST = 1e-6
"""A row of which no more than this is left gives nothing."""


class Ablation:
    """The cuts of each text of a batch in one pass of `model`, a copy that can be given hooks; None for no cut."""

    def __init__(self, model: PreTrainedModel, cuts: Sequence[Cut | None]) -> None:
        self._name, self._cuts = type(model).__name__, cuts
        self._at: tuple[Kind, int] | None = None
        self._result: torch.Tensor | None = None
        self._readers: list[torch.nn.Module] = []
        self._linear: set[int] = set()
        for module in model.modules():
            module.register_forward_pre_hook(self._replace, with_kwargs=True)

    def enter(self, kind: Kind, layer: int) -> None:
        """Note which attention is computed next."""
        self._at = kind, layer

    def follow(self, result: torch.Tensor, value: torch.Tensor, weights: Weights) -> torch.Tensor:
        """The result `[text, query, head, d_v]` of a call without the links; heads are cut before W_O.

        `value` is `[text, group, key, d_v]`, and `weights` computes some rows of some heads. Raises ModelError, as
        `end` does, for the call before.
        """
        self.end()
        if any(self._heads(text) for text, cut in enumerate(self._cuts) if cut and not cut.is_of_link):
            self._result, self._readers = result.clone(), []
        for text, cut in enumerate(self._cuts):
            if cut is not None and cut.is_of_link and (heads := self._heads(text)):
                result = _without_link(result.clone(), text, heads, cut, value, weights)
        return result

    def end(self) -> None:
        """Check the last call. Raises ModelError unless exactly one linear module read what its heads gave."""
        result, self._result = self._result, None
        if result is None:
            return
        if len(self._readers) != 1:
            raise self._refusal("the result of its attention is not read as it is by one module")
        reader = self._readers[0]
        if id(reader) not in self._linear and linear_map(reader, result) is None:
            raise self._refusal(f"its attention is read by {type(reader).__name__}, which is not linear")
        self._linear.add(id(reader))

    def _heads(self, text: int) -> list[int]:
        """The heads that are cut in the layer of this call."""
        cut = self._cuts[text]
        if cut is None or self._at is None or cut.kind != self._at[0]:
            return []
        return [head for layer, head in cut.heads if layer == self._at[1]]

    def _replace(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Before `module` runs, give it the result without the heads, if that is all that it reads."""
        if self._result is None or isinstance(module, UNCHANGED) or not reads_only(args, kwargs, self._result):
            return None
        if any(module is part for reader in self._readers for part in reader.modules()):
            return None
        self._readers.append(module)
        changed = self._result.clone()
        for text, cut in enumerate(self._cuts):
            for head in self._heads(text):
                of_head = changed[text, :, head]
                changed[text, :, head] = of_head.mean(0) if cut is not None and cut.how == MEAN else 0.0

        def swap(given: Any) -> Any:
            return changed.reshape(given.shape) if isinstance(given, torch.Tensor) else given

        return tuple(map(swap, args)), {name: swap(given) for name, given in kwargs.items()}

    def _refusal(self, why: str) -> ModelError:
        return ModelError(
            f"a head of {self._name} cannot be taken out: {why}",
            "A gate or a norm may come first. A link can be cut: --link FROM→TO.",
        )


def _without_link(
    result: torch.Tensor, text: int, heads: Sequence[int], cut: Cut, value: torch.Tensor, weights: Weights
) -> torch.Tensor:
    """`result` `[text, query, head, d_v]`, in which `heads` of one text do not look from the queries to the keys."""
    keys, groups, every = list(cut.keys), value.shape[1], result.shape[2]
    V = torch.stack([value[text, head * groups // every][keys] for head in heads]).float()  # [head, key, d_v]
    for block in weights(heads, list(cut.queries)):
        A = block.weights[text]  # [head, row, seen]
        seen = [index for index, key in enumerate(keys) if key < A.shape[-1]]
        a = A[:, :, [keys[index] for index in seen]]
        total, taken = A.sum(-1), a.sum(-1)
        for index, query in enumerate(block.queries):
            z = result[text, query, heads].float() - (a[:, index, :, None] * V[:, seen]).sum(1)
            left = total[:, index] - taken[:, index]
            z = torch.where((left > _LEAST)[:, None], z * (total[:, index] / left.clamp(min=_LEAST))[:, None], 0.0)
            result[text, query, heads] = z.to(result.dtype)
    return result
