"""The device or devices for a model's weights and inputs."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_FILLED = 0.9  # share of a device's free memory for weights; the rest is for computing


def placement(device: str | None, device_map: Any) -> tuple[str, dict[str, Any]]:
    """The device for a loaded model, and options for `from_pretrained`; the device is "" if the options place it.

    `device_map` is as in transformers: "auto", "balanced", "sequential", or a device for each part. Without it, the
    package accelerate spreads a model that is larger than the first GPU over the next GPUs, memory and disk. Raises
    ModelError for a device that does not exist, and if accelerate is needed and missing.
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
    available = [*(["cuda"] if cuda else []), *cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
    if device not in (None, "auto"):
        if device not in available:
            raise ModelError(f"there is no device {device!r} here", f"Devices: auto, {', '.join(available)}.")
        return str(device), {}
    if cuda and has_accelerate:
        return "", {"device_map": "sequential", "max_memory": weight_budget()}
    return available[0], {}


def weight_budget() -> dict[int | str, int]:
    """The bytes for weights on each GPU (by its number) and on the "cpu"."""
    from accelerate.utils import get_max_memory

    return {location: int(_FILLED * free) for location, free in get_max_memory().items()}


def require_as_it_is(model: Any, **options: Any) -> None:
    """Raise ModelError if one of the `options` would move or convert a model that is already in memory."""
    if any(option is not None for option in options.values()):
        raise ModelError(
            f"a loaded {type(model).__name__} already has its device and its dtype",
            f"Leave {', '.join(options)} out, or move it yourself: model.to(...).",
        )


def input_device(model: "PreTrainedModel") -> "torch.device":
    """The device for a model's token ids; if accelerate has spread the model, the first device that computes."""
    import torch

    return torch.device(next((location for location in devices(model) if location not in ("cpu", "disk")), "cpu"))


def devices(model: "PreTrainedModel") -> list[str]:
    """Each device with a part of the model, in the order of parts: `cuda:0`, `cuda:1`, `cpu`, `disk`.

    If accelerate loads all parts from memory or disk when they run, the device on which they run.
    """
    spread = getattr(model, "hf_device_map", {"": model.device}).values()
    found = [f"cuda:{location}" if isinstance(location, int) else str(location) for location in spread]
    if found == ["meta"]:
        found = [str(location) for module in model.modules() if (location := _brought_to(module)) is not None] or found
    return list(dict.fromkeys(found))


def _brought_to(module: "torch.nn.Module") -> "torch.device | None":
    """The device to which a hook of accelerate moves the weights of `module` before it runs."""
    import torch

    hook = getattr(module, "_hf_hook", None)
    places = (getattr(each, "execution_device", None) for each in getattr(hook, "hooks", [hook]))
    return next((torch.device(location) for location in places if location is not None), None)
