"""The third path, for models whose output gives something else than weights: their softmax itself, as it is called."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

from attnviz.capture.eager import be_eager
from attnviz.capture.record import Record
from attnviz.capture.sites import Sites, hides, sizes
from attnviz.kinds import KINDS

_SOFTMAX = {torch.softmax, torch.Tensor.softmax, torch.nn.functional.softmax}


def record_by_softmax(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], records: Sequence[Record]
) -> bool:
    """Run `model` once on `inputs`, and take what every softmax over as many tokens as there are gives.

    Leaves the model's attention implementation changed: give it a working copy.
    """
    be_eager(model)
    entered: list[torch.nn.Module] = []

    def leave(*_: Any) -> None:
        entered.pop()

    hooks = []
    for module in model.modules():
        hooks.append(module.register_forward_pre_hook(lambda inside, _args: entered.append(inside)))
        hooks.append(module.register_forward_hook(leave, always_call=True))
    try:
        with _Softmaxes(model, inputs, records, entered):
            model(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return bool(records[0].available)


class _Softmaxes(TorchFunctionMode):
    """Records the softmaxes of the pass that it is on for; the last of `entered` is the module that calls."""

    def __init__(
        self,
        model: PreTrainedModel,
        inputs: Mapping[str, torch.Tensor | bool],
        records: Sequence[Record],
        entered: Sequence[torch.nn.Module],
    ) -> None:
        super().__init__()
        self._sites, self._records, self._entered = Sites(model), records, entered
        self._streams = 1 + int(getattr(model.config, "ngram", 0))  # ProphetNet's: the text's own is the first
        self._sizes = {sizes(model, inputs, kind) for kind in KINDS}

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `function`; if it is a softmax that gives `[text, head, query, key]`, record that."""
        result = function(*args, **kwargs or {})
        if function in _SOFTMAX and result.ndim == 4:
            if result.shape[2:] in self._sizes:
                self._record(result)
            elif (result.shape[2] // self._streams, result.shape[3]) in self._sizes:
                self._record(result[:, :, : result.shape[2] // self._streams])
        return result

    def _record(self, weights: torch.Tensor) -> None:
        hides_later = hides(weights > 0, weights.shape[2])
        kind, layer = self._sites.locate(self._entered[-1], hides_later)
        for text, record in enumerate(self._records):
            if wanted := list(record.wanted(kind, layer, weights.shape[1])):
                record.keep(kind, layer, wanted, weights[text, wanted])
