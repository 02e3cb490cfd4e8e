"""The second path, for models that do not use the attention interface: their own eager attention's output."""

from collections.abc import Mapping

import torch
from transformers import PreTrainedModel

from attnviz.capture.record import Record
from attnviz.capture.sites import reads_one_way
from attnviz.capture.unchanged import configurations
from attnviz.kinds import Kind
from attnviz.selection import Selection

_FIELDS: dict[str, Kind] = {
    "encoder_attentions": "self",
    "decoder_attentions": "masked-self",
    "cross_attentions": "cross",
    "attentions": "self",
}


def record_by_output(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], selection: Selection) -> Record:
    """Run `model` once on `inputs`, asking it for its attentions. The record is empty where it has none to give.

    Leaves the model's attention implementation changed: run it inside `unchanged`.
    """
    record = Record(selection, path="eager output_attentions")
    for config in configurations(model):  # what transformers' own setter refuses to set on Falcon, though it must be
        config._attn_implementation = "eager"
    outputs = model(**inputs, output_attentions=True, return_dict=True)
    for name, kind in _FIELDS.items():
        layers = outputs.get(name) or ()
        if name == "attentions" and _is_decoder(model, layers):
            kind = "masked-self"
        for layer, weights in enumerate(layers):
            if isinstance(weights, torch.Tensor):
                wanted = record.wanted(kind, layer, weights.shape[1])
                if wanted:
                    record.keep(kind, layer, wanted, weights[:, list(wanted)])
    return record


def _is_decoder(model: PreTrainedModel, layers: tuple[torch.Tensor | None, ...]) -> bool:
    """Whether no token looks at a later one."""
    given = [weights for weights in layers if isinstance(weights, torch.Tensor)]
    if all(weights.shape[-1] == 1 for weights in given):
        return reads_one_way(model)
    return not any(weights.triu(1).any() for weights in given)
