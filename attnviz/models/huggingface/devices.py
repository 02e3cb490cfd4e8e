"""Where a model's weights go: one device, or several, and its inputs with them."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_FILLED = 0.9  # of a device's free memory, by weights: what is computed needs room too


def placement(device: str | None, device_map: Any) -> tuple[str, dict[str, Any]]:
    """The device to move a loaded model to, or "" where the options for `from_pretrained` that come with it place it.

    A `device_map` is transformers' own: "auto", "balanced", "sequential", or a device for each part. Without one, a
    model that is larger than the first GPU goes on over the next, then memory, then disk, by the accelerate package.
    Raises ModelError for a device that is not there, and where accelerate is needed and missing.
    """
    import torch

    has_accelerate = find_spec("accelerate") is not None
    if device_map is not None:
        if device not in (None, "auto"):
            raise ModelError(f"both a device, {device}, and a device_map were given", "Give one of them.")
        if not has_accelerate:
            raise ModelError("a device_map needs the package accelerate", "pip install accelerate")
        return "", {"device_map": device_map}
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    have = [*(["cuda"] if cuda else []), *cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
    if device not in (None, "auto"):
        if device not in have:
            raise ModelError(f"there is no device {device!r} here", f"Devices: auto, {', '.join(have)}.")
        return str(device), {}
    if cuda and has_accelerate:
        return "", {"device_map": "sequential", "max_memory": weight_budget()}
    return have[0], {}


def weight_budget() -> dict[int | str, int]:
    """The bytes of weights that each GPU, by number, and the "cpu" have room for."""
    from accelerate.utils import get_max_memory

    return {location: int(_FILLED * free) for location, free in get_max_memory().items()}


def require_as_it_is(model: Any, **options: Any) -> None:
    """Raise ModelError where `options` shall move a model that is in memory already."""
    if any(option is not None for option in options.values()):
        raise ModelError(
            f"a loaded {type(model).__name__} has its device and its dtype already",
            f"Leave {', '.join(options)} out, or move it yourself: model.to(...).",
        )


def input_device(model: "PreTrainedModel") -> "torch.device":
    """The device that a model's token ids go to: the first that computes, where accelerate has spread the model."""
    import torch

    return torch.device(next((location for location in devices(model) if location not in ("cpu", "disk")), "cpu"))


def devices(model: "PreTrainedModel") -> list[str]:
    """Every device that holds a part of the model, from its first part on: `cuda:0`, `cuda:1`, `cpu`, `disk`.

    Of a model that accelerate brings from memory or disk part by part, the device that it is brought to.
    """
    spread = getattr(model, "hf_device_map", {"": model.device}).values()
    found = [f"cuda:{location}" if isinstance(location, int) else str(location) for location in spread]
    if found == ["meta"]:
        found = [str(location) for module in model.modules() if (location := _brought_to(module)) is not None] or found
    return list(dict.fromkeys(found))


def _brought_to(module: "torch.nn.Module") -> "torch.device | None":
    """The device that a hook of accelerate brings the weights of `module` to before it runs."""
    import torch

    hook = getattr(module, "_hf_hook", None)
    places = (getattr(each, "execution_device", None) for each in getattr(hook, "hooks", [hook]))
    return next((torch.device(location) for location in places if location is not None), None)
