"""Adapters of the package peft that are in a model: which of them have a say in it, and what a reader ought to know.

What is asked is asked of the modules, when a text is read: an adapter may be switched off, and another on, at any time.
No package is imported for it.
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
"""A type of adapter, as peft calls it, that cannot be run with a text alone, or whose passes are not told apart."""
_DISABLED = ", disabled"
_SPELLED = {"LORA": "LoRA", "ADALORA": "AdaLoRA", "LOHA": "LoHa", "LOKR": "LoKr", "IA3": "IA3", "VERA": "VeRA"}
"""How their authors write the types of adapters that peft calls by these names; others are words."""


def to_run(wrappers: Sequence[Any], model: Any) -> Any:
    """What is to be run of `model` and its `wrappers`, the outermost first: the model, with the adapters inside it.

    But where an adapter works on what the model reads, as a prompt does, it is peft's model around it.
    """
    from attnviz.capture import has_class

    for wrapper in wrappers:
        if has_class(wrapper, "peft", "PeftModel"):
            config = wrapper.active_peft_config
            if config.is_prompt_learning or getattr(config, "alora_invocation_tokens", None):
                return wrapper
    return model


def require_runnable(model: "PreTrainedModel") -> None:
    """Raise ModelError where the adapters that are in `model`, or prompts of its own, cannot be run as they are."""
    if getattr(model.config, "use_prompt", False):  # MVP's
        raise ModelError(
            f"{type(model).__name__} has learned prompts as keys of each layer, which cannot be shown",
            "Load it without them, if that will do: AutoModel.from_pretrained(NAME, use_prompt=False).",
        )
    for name, config in _active(model).items():
        require_kind(name, _kind(config))
    if any(layer.merged and layer.disable_adapters for layer in _layers(model)):
        raise ModelError(
            "adapters are merged into the model's weights and disabled: peft would take them out of your own model",
            "Take them out first: model.unmerge_adapter().",
        )


def require_kind(name: str, kind: str) -> None:
    """Raise ModelError for an adapter of a type, as peft calls it, that cannot be run with a text alone."""
    if kind in _REFUSED:
        raise ModelError(f"the adapter {name} is of the type {kind}, which {_REFUSED[kind]}", "Take another adapter.")


def provenance_of(model: "PreTrainedModel") -> dict[str, str]:
    """For a trace's provenance: which adapters were active, and in what state; nothing where there are none."""
    said = [f"{name} ({_kind(config)}{_state(model, name)})" for name, config in _active(model).items()]
    return {"adapter": ", ".join(said)} if said else {}


def named_with(name: str, model: "PreTrainedModel") -> str:
    """The `name` of a model in memory, with the types of its adapters that have a say in it now: `clf + LoRA`."""
    kinds = dict.fromkeys(_kind(config) for each, config in _active(model).items() if _state(model, each) != _DISABLED)
    return " + ".join([name, *(_SPELLED.get(kind, kind.replace("_", " ").lower()) for kind in kinds)])


def notes_of(model: "PreTrainedModel") -> tuple[str, ...]:
    """For a trace's notes: what of the adapters a reader could not see in a picture."""
    from attnviz.capture import find_virtual_prompt, has_class

    if prompt := find_virtual_prompt(model):
        what = "keys and values in each layer" if prompt.are_keys else "vectors before the text"
        names = virtual_names(model)
        return (f"{names[0]} to {names[-1]} are no words: they are {what} that an adapter has learned",)
    adapted = [module for module in model.modules() if has_class(module, "peft", "_BaseAdaptedAttention")]
    if adapted:
        beside = f"in {len(adapted)} layers each query looks at {adapted[0].adapter_len} vectors of an adapter too"
        return (f"{beside}, by a softmax of their own that is not shown",)
    disabled = [name for name in _active(model) if _state(model, name) == _DISABLED]
    return (f"the adapter {', '.join(disabled)} is disabled",) if disabled else ()


def virtual_names(model: "PreTrainedModel") -> list[str]:
    """What the virtual tokens that `model` reads before a text are called: `‹prompt 1›`, `‹prefix 1›`."""
    from attnviz.capture import find_virtual_prompt

    prompt = find_virtual_prompt(model)
    if prompt is None:
        return []
    return [f"‹{'prefix' if prompt.are_keys else 'prompt'} {number + 1}›" for number in range(prompt.tokens)]


def _layers(model: "PreTrainedModel") -> list[Any]:
    """The modules of peft in `model`, each of which has adapters for one layer."""
    from attnviz.capture import has_class

    return [module for module in model.modules() if has_class(module, "peft", "BaseTunerLayer")]


def _active(model: "PreTrainedModel") -> Mapping[str, Any]:
    """The configurations of the adapters that are switched on, or would be if they were not disabled, by name."""
    configs = getattr(model, "peft_config", None)
    if not isinstance(configs, Mapping):
        return {}
    names = dict.fromkeys(name for layer in _layers(model) for name in (*layer.active_adapters, *layer.merged_adapters))
    if not names:  # a prompt, which is in no layer
        active = getattr(model, "active_adapter", None)
        names = dict.fromkeys([active] if isinstance(active, str) else [])
    return {name: configs[name] for name in names if name in configs}


def _kind(config: Any) -> str:
    kind = config.peft_type
    return str(getattr(kind, "value", kind))


def _state(model: "PreTrainedModel", name: str) -> str:
    """What else holds of the adapter of that name: whether it is merged, or disabled."""
    layers = [layer for layer in _layers(model) if name in (*layer.active_adapters, *layer.merged_adapters)]
    disabled = getattr(model, "_adapters_disabled", False) or any(layer.disable_adapters for layer in layers)
    return _DISABLED if disabled else ", merged" if any(name in layer.merged_adapters for layer in layers) else ""
