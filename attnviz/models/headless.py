"""A model without its language-model head, which a trace has no use for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def without_head(model: "PreTrainedModel") -> "PreTrainedModel":
    """What gives `model` its hidden states: the model inside it, or where there is none, a bare one of the same parts.

    T5 with a head holds its encoder and its decoder side by side: they are put into a T5 without one.
    """
    import torch
    from transformers import MODEL_MAPPING, PreTrainedModel

    if model.base_model is not model or model.get_output_embeddings() is None:
        return model.base_model
    inside = [child for child in model.children() if isinstance(child, PreTrainedModel)]
    if len(inside) == 1:
        return inside[0]
    kind = MODEL_MAPPING.get(type(model.config), None)
    if not isinstance(kind, type):
        return model
    with torch.device("meta"):
        bare: PreTrainedModel = kind(model.config)
    parts = dict(model.named_children())
    if not {name for name, _ in bare.named_children()} <= parts.keys():
        return model
    for name, _ in list(bare.named_children()):
        setattr(bare, name, parts[name])
    return bare
