"""The class that loads a model, from its configuration, and the checks that the loaded model reads text and is whole.

A class for a task can read more than its base: Longformer's classifier gives `<s>` global attention, and the decoder of
BART's classifier reads the text. So the class that was trained is loaded. Only the base is loaded if the trained class
is a language model that adds nothing but a head, which is large and reads the same inputs.
"""

import inspect
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

    from attnviz.models.huggingface.location import ModelLocation

OF_A_FILE = (
    "transformers may not read this kind of model from a .gguf file: its folder in Hugging Face format may work."
)
_LANGUAGE_MODELS = ("AutoModelForCausalLM", "AutoModelForMaskedLM")
_NOT_LEARNED = re.compile(r"mask|inv_freq|cos_|sin_|position_ids|weights$|scale|zero|absmax|quant|SCB|g_idx|version")
"""Names of left-over tensors that are not learned weights: buffers of old models, and scales of quantised ones."""


def classes(config: "PretrainedConfig", with_head: bool, trust_remote_code: bool = False) -> list[Any]:
    """The class that loads this model for a trace, and a second class to try if weights are missing with the first.

    The configuration's `architectures` name it: a transformers class, or with `trust_remote_code` one in the
    repository. Without a known name it is the base of the configuration's type. `with_head` selects a decoder that can
    generate, if there is one.
    """
    from transformers import AutoModelForImageTextToText

    from attnviz.capture import reads_pictures

    if trust_remote_code and (own := _of_the_repository(config, with_head)):
        return [own]
    named = next((kind for name in config.architectures or () if (kind := _model_class(name, config))), None)
    if with_head and reads_pictures(config) and not (named and named.can_generate()):
        return [AutoModelForImageTextToText]
    if named is not None and not _is_served_by_its_type(named, config):
        return [named]
    usual = _of_the_type(config, with_head)
    # Names of weights may change as they are read, in DeepSeek V4 rightly for the class that was saved alone.
    return [usual, named] if named is not None and named not in _bases(config) else [usual]


def _model_class(name: Any, config: "PretrainedConfig") -> Any:
    """The transformers class `name`, if it is a model for this configuration; otherwise None."""
    import torch
    import transformers
    from transformers.models.auto import modeling_auto

    found: Any = getattr(transformers, name, None) if isinstance(name, str) else None
    is_model = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    if not is_model or found.forward is torch.nn.Module.forward:
        return None
    mappings = (names for what, names in vars(modeling_auto).items() if what.endswith("_MAPPING_NAMES"))
    is_listed = any(
        names.get(config.model_type) == name for names in mappings
    )  # also with the configuration of another type
    return found if is_listed or (found.config_class and isinstance(config, found.config_class)) else None


def _is_served_by_its_type(named: Any, config: "PretrainedConfig") -> bool:
    """Whether the base of the type has all attention of `named`, which is the base or a language model on it.

    BART's language model is not on its base, because it is only a decoder. The base of an encoder-decoder is loaded
    with the head that writes a target, if this head has no weights of its own.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    from attnviz.capture import reads_pictures

    bases = _bases(config)
    if not bases or reads_pictures(config):
        return False
    if named in bases:
        return not _reads_target(named) or (config.is_encoder_decoder and config.tie_word_embeddings)
    language_models = (MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING)
    is_one = named in (mapping.get(type(config), None) for mapping in language_models)
    return is_one and not any(map(_reads_target, (named, *bases)))


def _bases(config: "PretrainedConfig") -> tuple[Any, ...]:
    """The classes without a head for the configuration's type: Funnel has two, some types have none."""
    from transformers import MODEL_MAPPING

    found = MODEL_MAPPING.get(type(config), ())
    return found if isinstance(found, tuple) else (found,)


def _reads_target(kind: Any) -> bool:
    return "decoder_input_ids" in inspect.signature(kind.forward).parameters


def _of_the_type(config: "PretrainedConfig", with_head: bool) -> Any:
    """The transformers auto class for the configuration's type: with a head if it generates, otherwise the base."""
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        AutoModel,
        AutoModelForCausalLM,
        AutoModelForSeq2SeqLM,
    )

    from attnviz.capture import reads_both_ways

    if config.is_encoder_decoder:
        return AutoModelForSeq2SeqLM
    has_one = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING
    return AutoModelForCausalLM if with_head and has_one and not reads_both_ways(config) else AutoModel


def _of_the_repository(config: "PretrainedConfig", with_head: bool) -> Any:
    """The same for code in the repository: the auto class of the named class; None if the repository has no class."""
    import transformers

    from attnviz.capture import reads_both_ways

    given = getattr(config, "auto_map", None) or {}
    classes = {auto: str(code).split(".")[-1] for auto, code in given.items() if auto.startswith("AutoModel")}
    named = [auto for auto, name in classes.items() if name in (config.architectures or ())]
    tasks = [auto for auto in named if auto not in (*_LANGUAGE_MODELS, "AutoModel")]
    writes = with_head and not reads_both_ways(config)
    usual = ["AutoModelForCausalLM"] * writes + ["AutoModel", "AutoModelForSeq2SeqLM", *_LANGUAGE_MODELS]
    found = next((auto for auto in (*tasks, *usual) if auto in classes), None)
    return found and getattr(transformers, found, None)


def require_text(model: "PreTrainedModel", location: "ModelLocation") -> None:
    """Raise ModelError for a model that needs more than a text, or whose configuration wrongly denies its encoder.

    In the second case transformers mixes up the keys of the decoder and the encoder.
    """
    from transformers.models.auto import modeling_auto

    from attnviz.capture import reads_pictures

    type_ = model.config.model_type
    compares = type_ in modeling_auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES
    if not reads_pictures(model.config) and (model.main_input_name != "input_ids" or compares):
        raise ModelError(f"{location.spec} is a {type_} model, which does not run on only a text", "Name a text model.")
    config = model.config
    if _reads_target(type(model)) and type(config).is_encoder_decoder and not config.is_encoder_decoder:
        raise ModelError(
            f"the config.json of {location.spec} says is_encoder_decoder: false, and a {type(model).__name__} has both",
            "Set it to true there.",
        )


def lost_weights(model: "PreTrainedModel", missing: Collection[str]) -> tuple[list[str], int]:
    """The learned weights for attention among the `missing`, which transformers initialises at random; and their count.

    Weights after all attention do not count: a pooler, which many published models lack, and a head that does not
    generate. Computed buffers do not count either.
    """
    from attnviz.capture import find_base

    attending = {id(weight) for weight in find_base(model).parameters()}
    if model.can_generate() and (head := model.get_output_embeddings()) is not None:
        attending |= {id(weight) for weight in head.parameters()}
    learned = {
        name
        for name, weight in model.named_parameters()
        if weight.requires_grad and id(weight) in attending and "pooler" not in name
    }
    return sorted(learned.intersection(missing)), len(learned)


def _left_over(model: "PreTrainedModel", unexpected: Collection[str]) -> list[str]:
    """The left-over weights that belong to the embeddings or to a layer, also a layer that the model does not have.

    Weights of a head, or of a decoder that was not loaded, do not count, nor do layers that predict several tokens
    ahead, which a configuration counts separately. Weights that a class says it ignores are not in `unexpected`.
    """
    import torch

    from attnviz.capture import find_base

    parts = dict(model.named_modules())
    attending = {id(part) for child in find_base(model).children() for part in child.modules()}
    ahead = getattr(model.config.get_text_config(), "num_nextn_predict_layers", None) or 0
    prefix = f"{model.base_model_prefix}."  # a model without its head does not have this prefix

    def is_own(name: str) -> bool:
        path, _, last = name.rpartition(".")
        if _NOT_LEARNED.search(last):
            return False
        if path in parts and last in ("weight", "bias"):
            return bool(parts[path]._parameters)  # a module without parameters had a mask named bias
        steps = path.split(".")
        above = [".".join(steps[:index]) for index in range(len(steps) + 1)]
        lists = [(parts.get(to), int(step)) for to, step in zip(above, steps, strict=False) if step.isdecimal()]
        counts = [(len(part), index) for part, index in lists if isinstance(part, torch.nn.ModuleList) and len(part)]
        if counts:
            return not any(layers <= index < layers + ahead for layers, index in counts)
        nearest = next(parts[to] for to in reversed(above) if to in parts)
        has_layers = any(isinstance(part, torch.nn.ModuleList) for part in nearest.modules())
        return id(nearest) in attending and not has_layers and "pooler" not in path

    return sorted(name for name in unexpected if is_own(name) or is_own(name.removeprefix(prefix)))


def require_whole(
    model: "PreTrainedModel", missing: Collection[str], unexpected: Collection[str], location: "ModelLocation"
) -> None:
    """Raise ModelError if attention depends on weights that are `missing` or were left over.

    Otherwise a bias that the configuration does not mention, or an extra layer, would be dropped without a word.
    """
    if over := _left_over(model, unexpected):
        some = ", ".join(over[:3]) + (", …" if over[3:] else "")
        raise ModelError(
            f"{location.spec} has {len(over)} weights that its {type(model).__name__} does not have: {some}",
            "Does its configuration belong to these weights? It says which biases, norms and layers there are.",
        )
    lost, of = lost_weights(model, missing)
    if lost:
        some = ", ".join(lost[:3]) + (", …" if lost[3:] else "")
        raise ModelError(
            f"{location.spec} lacks {len(lost)} of the {of} weights of a {type(model).__name__}: {some}",
            OF_A_FILE if location.is_file else "Are its config.json and its weights of one model?",
        )
