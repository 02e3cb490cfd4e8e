"""Whether a model is as large as its weights, before memory is taken for it.

A configuration may ask for anything, and what it does not say transformers fills in from some other model. What there
is to fill a model with, its weights say: so it is refused as soon as it has grown far beyond them. Until then its
parameters are on PyTorch's `meta` device, where they take no memory.
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

_MOST = 1_000_000  # of layers, experts or labels, each of which transformers makes something of at once
_COUNTED = re.compile("layer|block|expert|label|depth")
_WIDTH = re.compile("heads?$|head_dim$|^(hidden|intermediate|embedding|vocab)_size$|^d_(model|ff|kv)$|^n_embd$")
_NEVER_NONE = re.compile(
    "heads$|n_head$|^(hidden|vocab)_size$|^d_model$|^n_embd$|^(num_hidden_layers|n_layers?)$|^max_position_embeddings$"
)
_SAID = {  # what says a size, under all the names that configurations have for it
    "hidden_size": re.compile("hidden_size|d_model|n_embe?d$|embedding_size|width|channels|(?<!head_)dim$"),
    "num_hidden_layers": re.compile("layer|depth|block"),
    "num_attention_heads": re.compile("(?<!value_)heads?$"),
}
# A model may be so much larger than its weights: embeddings that are stored once stand in it up to four times, a head
# or a pooler may be missing, and there is room for small models.
_TIMES_ELEMENTS, _MORE_ELEMENTS = 8, 2**24
_TIMES_TENSORS, _MORE_TENSORS = 32, 2**13
_PACKED = {"U8": 4, "I8": 4, "I16": 8, "I32": 16}  # how many weights a whole number may hold, quantised


@dataclass(frozen=True)
class Weights:
    """How many tensors there are, and how many weights they may hold."""

    tensors: int
    elements: int


def weights_of(location: "ModelLocation", revision: str | None) -> Weights | None:
    """What the weights of a model hold that is here, or has come; None where nothing is known of them."""
    if location.is_file:
        tensors = read(location.file).tensors
        return Weights(len(tensors), sum(tensor.elements for tensor in tensors))
    folder = snapshot_folder(location.path, revision) if location.on_hub else Path(location.path)
    return weights_in(folder) if folder else None


def weights_in(folder: Path) -> Weights | None:
    """What the weights in a folder in Hugging Face format hold; None where there are none that are known."""
    from safetensors import SafetensorError, safe_open

    counts = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "np") as file:
                slices = map(file.get_slice, file.keys())
                counts += [prod(one.get_shape()) * _PACKED.get(one.get_dtype(), 1) for one in slices]
        except SafetensorError as error:
            raise SafetensorError(f"{path.name}: {error}") from error
    if not counts:  # in PyTorch's own form nothing is known but the size of the files
        counts = [path.stat().st_size for path in folder.glob("*.bin")]
        return Weights(sum(counts) // 100, sum(counts)) if counts else None
    return Weights(len(counts), sum(counts))


def require_said(raw: Mapping[str, Any], spec: str) -> None:
    """Raise ModelError for a configuration, as it was written, that says nothing of its size, or what no model has.

    One that has code of its own is asked nothing.
    """
    counts = dict(_counts(raw))
    for name, value in counts.items():
        too_many = isinstance(value, int) and value > _MOST and _COUNTED.search(name)
        too_few = isinstance(value, int) and (
            (value < 0 and _WIDTH.search(name)) or (value < 1 and value == raw.get(name) and _NEVER_NONE.search(name))
        )
        if too_many or too_few:
            raise ModelError(f"the config.json of {spec} says {name}: {value}, which no model has", "Is it its own?")
    if "auto_map" not in raw and (unsaid := _unsaid(raw, counts)):
        raise ModelError(
            f"the config.json of {spec} says nothing of its size: it lacks {', '.join(unsaid)}",
            "Each model has a config.json of its own: get the one that belongs to these weights.",
        )


def _counts(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Whatever may be meant for a number of things, in a configuration and in those in it, with its name."""
    for name, value in raw.items():
        if isinstance(value, Mapping):
            yield from _counts(value)
        elif isinstance(value, int | list | str) and not isinstance(value, bool):
            yield name, value


def _unsaid(raw: Mapping[str, Any], counts: Mapping[str, Any]) -> list[str]:
    """The sizes that nothing in a configuration says, by the names that its class has for them."""
    from transformers import CONFIG_MAPPING

    kind = CONFIG_MAPPING[raw["model_type"]] if raw.get("model_type") in CONFIG_MAPPING else None
    if kind is None or kind.sub_configs:
        return []
    own = {size: kind.attribute_map.get(size, size) for size in _SAID}
    unsaid = [own[size] for size, said in _SAID.items() if not any(map(said.search, counts))]
    return [name for name in unsaid if name in getattr(kind, "__dataclass_fields__", ())]


@contextmanager
def no_larger_than(weights: Callable[[], Weights | None], spec: str) -> Iterator[None]:
    """Raise ModelError as soon as a model that this thread makes has far more in it than `weights` could fill.

    They are asked for when it begins to be made, for those of the Hub have come by then. Where they are None it may be
    of any size.
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
                f"{spec} asks for a model that is far larger than its weights, which are {held.elements:,} numbers in"
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
