"""Wrappers of a model: for speed, for several devices, for an adapter, or for a model with its tokenizer.

A wrapper is recognised by the name of its class or of a base class, so that its package is not imported.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from attnviz.errors import ModelError

_INSIDE: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("torch", "OptimizedModule"): attrgetter("_orig_mod"),  # of torch.compile
    ("torch", "DataParallel"): attrgetter("module"),
    ("torch", "DistributedDataParallel"): attrgetter("module"),
    ("peft", "PeftModel"): lambda model: model.get_base_model(),
    ("peft", "PeftMixedModel"): attrgetter("base_model.model"),
    ("peft", "BaseTuner"): attrgetter("model"),
    ("peft", "AdaptionPromptModel"): attrgetter("model"),
    ("transformers", "Pipeline"): attrgetter("model"),
    ("sentence_transformers", "SentenceTransformer"): lambda model: _of_sentences(model),
    ("sentence_transformers", "CrossEncoder"): lambda model: _of_sentences(model),
}
"""A wrapper's package and class → a function that returns the model, or the next wrapper, inside it."""

_CLOSED = {
    ("torch", "ScriptModule"): ("was compiled by torch.jit", "Pass the model that it was made of."),
    ("torch", "FullyShardedDataParallel"): ("has its weights spread over processes", "Pass the model before FSDP."),
    ("torch", "FSDPModule"): ("has its weights spread over processes", "Pass the model before fully_shard."),
}
"""A wrapper whose model cannot be reached: package and class → the reason, and a hint."""


def wrapped(value: Any) -> Iterator[Any]:
    """`value`, then what it wraps, and so on; the model itself comes last.

    Raises ModelError for a wrapper whose model cannot be reached.
    """
    while True:
        for name in _names(value) & _CLOSED.keys():
            reason, hint = _CLOSED[name]
            raise ModelError(f"this {type(value).__name__} {reason}: its attention cannot be seen", hint)
        yield value
        found = _names(value) & _INSIDE.keys()
        if not found:
            return
        value = _INSIDE[found.pop()](value)


def unwrapped(value: Any) -> Any:
    """The model inside all wrappers of `value`, or `value` if it is not a wrapper. Raises ModelError like `wrapped`."""
    *_, model = wrapped(value)
    return model


def has_class(value: Any, package: str, name: str) -> bool:
    """Whether the class of `value`, or a base class of it, has this name and this package."""
    return (package, name) in _names(value)


def _names(value: Any) -> set[tuple[str, str]]:
    return {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__}


def _of_sentences(model: Any) -> Any:
    """The transformers model of a sentence_transformers model: its first module, or inside that in older versions."""
    first = next(iter(model.children()))
    return next(
        (inside for name in ("auto_model", "model") if (inside := getattr(first, name, None)) is not None), first
    )
