"""A model is given back as it was: what is switched for a capture is switched back, whatever happens in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel


@contextmanager
def unchanged(model: PreTrainedModel) -> Iterator[None]:
    """Let the body set `model`'s attention implementation and mode, and restore both afterwards, even on an error."""
    configs = configurations(model)
    implementations = [config._attn_implementation for config in configs]
    training = [module for module in model.modules() if module.training]
    try:
        yield
    finally:
        # Setting a configuration sets those inside it, so the outer ones come first.
        for config, implementation in zip(configs, implementations, strict=True):
            config._attn_implementation = implementation
        for module in training:
            module.training = True


def configurations(model: torch.nn.Module) -> list[Any]:
    """Every configuration of the model and its parts, once, the outer before the inner."""
    found: dict[int, Any] = {}
    waiting = [module.config for module in model.modules() if isinstance(module, PreTrainedModel)]
    while waiting:
        config = waiting.pop(0)
        if id(config) not in found:
            found[id(config)] = config
            waiting += [inner for key in config.sub_configs if (inner := getattr(config, key, None)) is not None]
    return list(found.values())
