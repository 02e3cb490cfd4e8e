"""Where in the model a call of attention comes from: its kind, and its layer's true number."""

import torch
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from attnviz.kinds import Kind


class Sites:
    """Tells the calls of one pass apart.

    In an encoder-decoder, what is inside the encoder is self-attention; of the two calls that a decoder's layer makes,
    the first is masked self-attention and the second cross-attention. In other models the mask decides.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._names = {id(module): name for name, module in model.named_modules()}
        self._one_way = reads_one_way(model)
        self._has_encoder = bool(model.config.is_encoder_decoder)
        self._encoder = {id(module) for module in model.get_encoder().modules()} if self._has_encoder else set()
        self._seen: dict[Kind, set[int]] = {"self": set(), "masked-self": set(), "cross": set()}

    def locate(self, module: torch.nn.Module, mask: torch.Tensor | None) -> tuple[Kind, int]:
        """The kind and the layer of a call from `module` that uses `mask`, `[batch, head, query, key]`."""
        layer = self._layer(module)
        kind: Kind
        if not self._has_encoder:
            kind = "masked-self" if is_causal(mask, self._one_way) else "self"
        elif id(module) in self._encoder:
            kind = "self"
        else:
            kind = "cross" if layer in self._seen["masked-self"] else "masked-self"
        while layer in self._seen[kind]:  # one module serves several layers, as in ALBERT
            layer += 1
        self._seen[kind].add(layer)
        return kind, layer

    def _layer(self, module: torch.nn.Module) -> int:
        """The layer's number: what the module says, or the first number on the way to it."""
        number = getattr(module, "layer_idx", None)
        if isinstance(number, int):
            return number
        path = self._names.get(id(module), "").split(".")
        return next((int(step) for step in path if step.isdecimal()), 0)


def reads_one_way(model: PreTrainedModel) -> bool:
    """Whether a model is of a kind that writes from left to right: what decides where one token alone cannot."""
    kind = model.config.model_type
    may_read_both = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(model.config, "is_decoder", False)
    return kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not may_read_both


def is_causal(mask: torch.Tensor | None, when_one_token: bool) -> bool:
    """Whether a mask hides all that comes later: boolean, true where a query may look, or added to the scores."""
    if mask is None:
        return False
    if mask.shape[-1] == 1:
        return when_one_token
    hidden = ~mask if mask.dtype == torch.bool else mask < 0
    later = torch.ones(mask.shape[-2:], dtype=torch.bool, device=mask.device).triu(1)
    return bool(hidden[..., later].all())
