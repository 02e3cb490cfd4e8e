"""A model is given back as it was: what is switched for a capture is switched back, whatever happens in it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

_one_at_a_time = threading.RLock()


@contextmanager
def unchanged(model: PreTrainedModel) -> Iterator[None]:
    """Let the body set `model`'s attention implementation and mode, and restore both afterwards, even on an error.

    One thread at a time: a second would take what the first has set for what the model was, and restore that.
    """
    with _one_at_a_time:
        configs = configurations(model)
        implementations = [config._attn_implementation for config in configs]
        training = [module for module in model.modules() if module.training]
        try:
            with same_parts(model):
                yield
        finally:
            # Setting a configuration sets those inside it, so the outer ones come first.
            for config, implementation in zip(configs, implementations, strict=True):
                config._attn_implementation = implementation
            for module in training:
                module.training = True


@contextmanager
def same_parts(model: PreTrainedModel) -> Iterator[None]:
    """Put back the parts that BigBird replaces in itself, for good, where the body has it read a short text."""
    before = [
        (module, module.attention_type, dict(module._modules))
        for module in model.modules()
        if "attention_type" in vars(module)
    ]
    try:
        yield
    finally:
        for module, attention_type, parts in before:
            module.attention_type = attention_type
            module._modules.update(parts)


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
