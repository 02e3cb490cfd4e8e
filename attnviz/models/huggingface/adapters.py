"""Adapters of the package peft inside a model: which are active, and notes on them for the reader.

The modules are checked each time a text is read, because adapters can be switched on and off at any time. peft is not
imported for this.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_REFUSED = {
    "MULTITASK_PROMPT_TUNING": "asks which task a text is of, by a number",
    "POLY": "asks which task a text is of, by a number",
    "XLORA": "reads a text twice, and weighs its adapters in between",
    "SHADOW": "has a second model read the text too",
}
"""A type of adapter in peft that needs more than a text, or that runs the model several times → the reason."""
_DISABLED = ", disabled"
_SPELLED = {"LORA": "LoRA", "ADALORA": "AdaLoRA", "LOHA": "LoHa", "LOKR": "LoKr", "IA3": "IA3", "VERA": "VeRA"}
"""peft's name of an adapter type → the spelling of its authors; other types are plain words."""


def to_run(wrappers: Sequence[Any], model: Any) -> Any:
    """The part of `model` and its `wrappers`, outermost first, to run: the model with the adapters inside it.

    If an adapter works on the model's input, like a prompt, it is peft's model around it.
    """
    from attnviz.capture import has_class

    for wrapper in wrappers:
        if has_class(wrapper, "peft", "PeftModel"):
            config = wrapper.active_peft_config
            if config.is_prompt_learning or getattr(config, "alora_invocation_tokens", None):
                return wrapper
    return model


def require_runnable(model: "PreTrainedModel") -> None:
    """Raise ModelError if the adapters in `model`, or its own learned prompts, cannot be run."""
    if getattr(model.config, "use_prompt", False):  # MVP's
        raise ModelError(
            f"{type(model).__name__} has learned prompts as keys of each layer, which cannot be shown",
            "If possible, load it without them: AutoModel.from_pretrained(NAME, use_prompt=False).",
        )
    for name, config in _active(model).items():
        require_kind(name, _kind(config))
    if any(layer.merged and layer.disable_adapters for layer in _layers(model)):
        raise ModelError(
            "adapters are merged into the model's weights and disabled: peft would take them out of your own model",
            "Take them out first: model.unmerge_adapter().",
        )


def require_kind(name: str, kind: str) -> None:
    """Raise ModelError for an adapter of a type (as named in peft) that cannot be run on only a text."""
    if kind in _REFUSED:
        raise ModelError(f"the adapter {name} is of the type {kind}, which {_REFUSED[kind]}", "Take another adapter.")


def provenance_of(model: "PreTrainedModel") -> dict[str, str]:
    """For a trace's provenance: the active adapters and their states; empty if there are none."""
    adapters = [f"{name} ({_kind(config)}{_state(model, name)})" for name, config in _active(model).items()]
    return {"adapter": ", ".join(adapters)} if adapters else {}


def named_with(name: str, model: "PreTrainedModel") -> str:
    """The `name` of a model in memory with the types of its enabled adapters: `clf + LoRA`."""
    kinds = dict.fromkeys(_kind(config) for each, config in _active(model).items() if _state(model, each) != _DISABLED)
    return " + ".join([name, *(_SPELLED.get(kind, kind.replace("_", " ").lower()) for kind in kinds)])


def notes_of(model: "PreTrainedModel") -> tuple[str, ...]:
    """For a trace's notes: facts on the adapters that a picture does not show."""
    from attnviz.capture import find_virtual_prompt, has_class

    if prompt := find_virtual_prompt(model):
        what = "keys and values in each layer" if prompt.are_keys else "vectors before the text"
        names = virtual_names(model)
        return (f"{names[0]} to {names[-1]} are not words: they are {what} that an adapter has learned",)
    adapted = [module for module in model.modules() if has_class(module, "peft", "_BaseAdaptedAttention")]
    if adapted:
        beside = f"in {len(adapted)} layers each query looks at {adapted[0].adapter_len} vectors of an adapter too"
        return (f"{beside}, by a separate softmax that is not shown",)
    disabled = [name for name in _active(model) if _state(model, name) == _DISABLED]
    return (f"the adapter {', '.join(disabled)} is disabled",) if disabled else ()


def virtual_names(model: "PreTrainedModel") -> list[str]:
    """The names of the virtual tokens that `model` reads before a text: `‹prompt 1›`, `‹prefix 1›`."""
    from attnviz.capture import find_virtual_prompt

    prompt = find_virtual_prompt(model)
    if prompt is None:
        return []
    return [f"‹{'prefix' if prompt.are_keys else 'prompt'} {number + 1}›" for number in range(prompt.tokens)]


def _layers(model: "PreTrainedModel") -> list[Any]:
    """The modules of peft in `model`; each holds adapters for one layer."""
    from attnviz.capture import has_class

    return [module for module in model.modules() if has_class(module, "peft", "BaseTunerLayer")]


def _active(model: "PreTrainedModel") -> Mapping[str, Any]:
    """Name → configuration of the active adapters, also if they are disabled."""
    configs = getattr(model, "peft_config", None)
    if not isinstance(configs, Mapping):
        return {}
    names = dict.fromkeys(name for layer in _layers(model) for name in (*layer.active_adapters, *layer.merged_adapters))
    if not names:  # a prompt is in no layer
        active = getattr(model, "active_adapter", None)
        names = dict.fromkeys([active] if isinstance(active, str) else [])
    return {name: configs[name] for name in names if name in configs}


def _kind(config: Any) -> str:
    kind = config.peft_type
    return str(getattr(kind, "value", kind))


def _state(model: "PreTrainedModel", name: str) -> str:
    """The state of an adapter: disabled, merged, or an empty string."""
    layers = [layer for layer in _layers(model) if name in (*layer.active_adapters, *layer.merged_adapters)]
    disabled = getattr(model, "_adapters_disabled", False) or any(layer.disable_adapters for layer in layers)
    return _DISABLED if disabled else ", merged" if any(name in layer.merged_adapters for layer in layers) else ""
