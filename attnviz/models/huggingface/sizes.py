"""Checking that a model is not much larger than its weights before it takes memory.

A configuration can ask for any size, and transformers fills in missing sizes from another model. The files of weights
show the real size: a model is refused as soon as it becomes much larger than they are. Until then its parameters are on
PyTorch's `meta` device, where they take no memory.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.huggingface.gguf import read
from attnviz.models.huggingface.hub_cache import snapshot_folder

if TYPE_CHECKING:
    import torch

    from attnviz.models.huggingface.location import ModelLocation

_MOST = 1_000_000  # of layers, experts or labels: transformers creates an object for each at once
_COUNTED = re.compile("layer|block|expert|label|depth")
_WIDTH = re.compile("heads?$|head_dim$|^(hidden|intermediate|embedding|vocab)_size$|^d_(model|ff|kv)$|^n_embd$")
_NEVER_NONE = re.compile(
    "heads$|n_head$|^(hidden|vocab)_size$|^d_model$|^n_embd$|^(num_hidden_layers|n_layers?)$|^max_position_embeddings$"
)
_SIZE_KEYS = {  # size → its names in configurations
    "hidden_size": re.compile("hidden_size|d_model|n_embe?d$|embedding_size|width|channels|(?<!head_)dim$"),
    "num_hidden_layers": re.compile("layer|depth|block"),
    "num_attention_heads": re.compile("(?<!value_)heads?$"),
}
# The accepted ratio of a model's size to its weights: embeddings are stored once and used up to four times, a head or a
# pooler can be missing, and small models need a margin.
_TIMES_ELEMENTS, _MORE_ELEMENTS = 8, 2**24
_TIMES_TENSORS, _MORE_TENSORS = 32, 2**13
_PACKED = {"U8": 4, "I8": 4, "I16": 8, "I32": 16}  # how many quantised weights a whole number can hold


@dataclass(frozen=True)
class Weights:
    """The number of tensors, and the largest number of weights that they can hold."""

    tensors: int
    elements: int


def weights_of(location: "ModelLocation", revision: str | None) -> Weights | None:
    """The weights of a model that is on this machine; None if nothing is known about them."""
    if location.is_file:
        tensors = read(location.file).tensors
        return Weights(len(tensors), sum(tensor.elements for tensor in tensors))
    folder = snapshot_folder(location.path, revision) if location.on_hub else Path(location.path)
    return weights_in(folder) if folder else None


def weights_in(folder: Path) -> Weights | None:
    """The weights in a folder in Hugging Face format; None if there are no known files."""
    from safetensors import SafetensorError, safe_open

    counts = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "np") as file:
                slices = map(file.get_slice, file.keys())
                counts += [prod(one.get_shape()) * _PACKED.get(one.get_dtype(), 1) for one in slices]
        except SafetensorError as error:
            raise SafetensorError(f"{path.name}: {error}") from error
    if not counts:  # for PyTorch's own format only the file sizes are known
        counts = [path.stat().st_size for path in folder.glob("*.bin")]
        return Weights(sum(counts) // 100, sum(counts)) if counts else None
    return Weights(len(counts), sum(counts))


def require_sizes_named(raw: Mapping[str, Any], spec: str) -> None:
    """Raise ModelError for a configuration as written in its file that lacks a size, or has an impossible one.

    A configuration with its own code is not checked.
    """
    counts = dict(_counts(raw))
    for name, value in counts.items():
        too_many = isinstance(value, int) and value > _MOST and _COUNTED.search(name)
        too_few = isinstance(value, int) and (
            (value < 0 and _WIDTH.search(name)) or (value < 1 and value == raw.get(name) and _NEVER_NONE.search(name))
        )
        if too_many or too_few:
            raise ModelError(f"the config.json of {spec} says {name}: {value}, which no model has", "Is it its own?")
    if "auto_map" not in raw and (missing := _missing_sizes(raw, counts)):
        raise ModelError(
            f"the config.json of {spec} does not say its sizes: it lacks {', '.join(missing)}",
            "Each model has its own config.json: get the one that belongs to these weights.",
        )


def _counts(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """All values that could be a number of things, with their names, in a configuration and in nested ones."""
    for name, value in raw.items():
        if isinstance(value, Mapping):
            yield from _counts(value)
        elif isinstance(value, int | list | str) and not isinstance(value, bool):
            yield name, value


def _missing_sizes(raw: Mapping[str, Any], counts: Mapping[str, Any]) -> list[str]:
    """The sizes that a configuration lacks, by their names in its class."""
    from transformers import CONFIG_MAPPING

    kind = CONFIG_MAPPING[raw["model_type"]] if raw.get("model_type") in CONFIG_MAPPING else None
    if kind is None or kind.sub_configs:
        return []
    own = {size: kind.attribute_map.get(size, size) for size in _SIZE_KEYS}
    missing = [own[size] for size, key in _SIZE_KEYS.items() if not any(map(key.search, counts))]
    return [name for name in missing if name in getattr(kind, "__dataclass_fields__", ())]


@contextmanager
def no_larger_than(weights: Callable[[], Weights | None], spec: str) -> Iterator[None]:
    """Raise ModelError as soon as a model that this thread creates is much larger than `weights`.

    `weights` is called when the model starts to be created, because files from the Hub are downloaded by then. If it
    returns None, the model can have any size.
    """
    from torch.nn.modules import module as torch_modules

    thread, held, made, parameters = threading.get_ident(), None, 0, 0

    def count(module: "torch.nn.Module", name: str, value: Any) -> None:
        nonlocal held, made, parameters
        if threading.get_ident() != thread or value is None:
            return
        held = held or weights() or Weights(2**40, 2**60)
        made += 1
        parameters += value.numel() if getattr(value, "is_meta", False) else 0
        if (
            parameters > _TIMES_ELEMENTS * held.elements + _MORE_ELEMENTS
            or made > _TIMES_TENSORS * held.tensors + _MORE_TENSORS
        ):
            raise ModelError(
                f"{spec} asks for a model that is much larger than its weights, which are {held.elements:,} numbers in"
                f" {held.tensors:,} tensors",
                "Are its sizes and its weights of one model?",
            )

    hooks = [
        torch_modules.register_module_parameter_registration_hook(count),
        torch_modules.register_module_module_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
