"""What a model may be wrapped in: for speed, for several devices, by an adapter, or together with its tokenizer.

A wrapper is known by the name of its class, or of one that it derives from: no package is imported for it.
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
"""A wrapper's package and class, and what gives the model, or the next wrapper, inside it."""

_CLOSED = {
    ("torch", "ScriptModule"): ("was compiled by torch.jit", "Pass the model that it was made of."),
    ("torch", "FullyShardedDataParallel"): ("has its weights spread over processes", "Pass the model before FSDP."),
    ("torch", "FSDPModule"): ("has its weights spread over processes", "Pass the model before fully_shard."),
}
"""A wrapper that cannot be looked into: what holds of it, and what would work."""


def wrapped(value: Any) -> Iterator[Any]:
    """`value`, what it wraps, what that wraps, and so on: the model itself comes last.

    Raises ModelError for a wrapper that cannot be looked into.
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
    """The model inside all wrappers of `value`, itself where it is none. Raises ModelError as `wrapped` does."""
    *_, model = wrapped(value)
    return model


def is_of(value: Any, package: str, name: str) -> bool:
    """Whether `value` is of the class of that name in `package`, or of one that derives from it."""
    return (package, name) in _names(value)


def _names(value: Any) -> set[tuple[str, str]]:
    return {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__}


def _of_sentences(model: Any) -> Any:
    """The transformer of a model of the package sentence_transformers, which is its first module, or in older ones."""
    first = next(iter(model.children()))
    return next(
        (inside for name in ("auto_model", "model") if (inside := getattr(first, name, None)) is not None), first
    )
