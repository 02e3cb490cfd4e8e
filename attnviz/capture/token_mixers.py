"""What a layer does that has no softmax attention: told by the names that transformers gives its classes."""

from collections.abc import Iterable

import torch
from transformers import PreTrainedModel

_BY_CLASS = {  # part of a class's name: how that class mixes tokens; the first that matches holds
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

_BY_SORT = {  # what a configuration's `layer_types` calls a layer
    "linear_attention": "a linear attention",
    "conv": "a convolution",
    "moe": "a feed-forward network alone",
    "mlp": "a feed-forward network alone",
}


def mixer_name(module: torch.nn.Module) -> str | None:
    """How `module` mixes tokens where it has no softmax attention; None where no class in it is known to."""
    names = [type(inner).__name__ for inner in module.modules()]
    return next((what for part, what in _BY_CLASS.items() if any(part in name for name in names)), None)


def layers(model: PreTrainedModel) -> list[torch.nn.Module]:
    """The model's layers in order; empty where none of its lists is as long as its configuration says."""
    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    lists = (list(module) for module in model.modules() if isinstance(module, torch.nn.ModuleList))
    return next((found for found in lists if len(found) == count), [])


def layers_without_attention(model: PreTrainedModel, attending: Iterable[int]) -> dict[int, str]:
    """The layers that are not among the `attending`: layer → what it does."""
    sorts = getattr(model.config.get_text_config(), "layer_types", None) or {}
    return {
        number: mixer_name(layer) or _BY_SORT.get(sorts[number] if sorts else "", f"a {type(layer).__name__}")
        for number, layer in enumerate(layers(model))
        if number not in set(attending)
    }
