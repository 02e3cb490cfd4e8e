"""What layers without softmax attention do instead, from the class names in transformers."""

from collections.abc import Iterable

import torch
from transformers import PreTrainedModel

_BY_CLASS = {  # part of a class's name → how this class mixes tokens; the first match is used
    "FourierTransform": "a Fourier transform",
    "Lightning": "lightning attention, which is linear",
    "DeltaNet": "a gated delta rule, a linear attention",
    "DeltaAttention": "a gated delta rule, a linear attention",
    "Mamba": "a state-space model (Mamba)",
    "BambaMixer": "a state-space model (Mamba)",
    "RecurrentBlock": "a gated linear recurrence (RG-LRU)",
    "ShortConv": "a short convolution",
    "Rwkv": "a linear recurrence (RWKV)",
    "xLSTM": "a recurrent matrix memory (xLSTM)",
    "Yoso": "Bernoulli sampling by hashes of queries and keys (YOSO)",
    "Mra": "an approximation of attention at several resolutions (MRA)",
    "LSHSelfAttention": "attention within buckets of a random hash, other ones in each run (Reformer)",
    "Perceiver": "attention of latent vectors to them and to each other (Perceiver)",
}

_BY_LAYER_TYPE = {  # an entry of `layer_types` in a configuration
    "linear_attention": "a linear attention",
    "conv": "a convolution",
    "moe": "a feed-forward network alone",
    "mlp": "a feed-forward network alone",
}


def mixer_name(module: torch.nn.Module) -> str | None:
    """How `module` mixes tokens without softmax attention; None if it has no class that is known here."""
    names = [type(inner).__name__ for inner in module.modules()]
    return next((mixer for part, mixer in _BY_CLASS.items() if any(part in name for name in names)), None)


def layers(model: PreTrainedModel) -> list[torch.nn.Module]:
    """The model's layers in order; empty if no list in it has the length that its configuration says."""
    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    lists = (list(module) for module in model.modules() if isinstance(module, torch.nn.ModuleList))
    return next((found for found in lists if len(found) == count), [])


def layers_without_attention(model: PreTrainedModel, attending: Iterable[int]) -> dict[int, str]:
    """The layers that are not in `attending`: layer → what it does instead."""
    types = getattr(model.config.get_text_config(), "layer_types", None) or {}
    return {
        number: mixer_name(layer) or _BY_LAYER_TYPE.get(types[number] if types else "", f"a {type(layer).__name__}")
        for number, layer in enumerate(layers(model))
        if number not in set(attending)
    }
