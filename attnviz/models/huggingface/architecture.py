"""Which class a configuration names for its model, and whether what was loaded with it reads text and is whole.

A class for a task may read more than its base: Longformer's classifier gives `<s>` global attention, the decoder of
BART's reads the text itself. So what is loaded is the class that was trained; the base alone, where all that it lacks
is the head of a language model, which is large and reads what the base reads.
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
"""The last of the name of what is left over by right: buffers of an old model, what a quantised one is unpacked by."""


def classes(config: "PretrainedConfig", with_head: bool, trust_remote_code: bool = False) -> list[Any]:
    """The class that loads what a trace of this model runs, and after it one to try where that one is not whole.

    The configuration's `architectures` name it: one of transformers or, where that is trusted, of the repository's
    code. Where they name none that is known, it is the base of the configuration's type. `with_head`, a decoder that
    can write, if there is one.
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
    """The class of transformers that is called `name`, if it is a model that such a configuration makes; or None."""
    import torch
    import transformers
    from transformers.models.auto import modeling_auto

    found: Any = getattr(transformers, name, None) if isinstance(name, str) else None
    is_model = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    if not is_model or found.forward is torch.nn.Module.forward:
        return None
    mappings = (names for what, names in vars(modeling_auto).items() if what.endswith("_MAPPING_NAMES"))
    is_listed = any(names.get(config.model_type) == name for names in mappings)  # as a class of another type may be
    return found if is_listed or (found.config_class and isinstance(config, found.config_class)) else None


def _is_served_by_its_type(named: Any, config: "PretrainedConfig") -> bool:
    """Whether the base of the type gives all attention that `named` does: it is that one, or a language model on it.

    BART's language model is not, which is a decoder alone. The base of an encoder-decoder is loaded with the head that
    it needs to write a target, if that has no weights of its own.
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
    """The classes without a head of the configuration's type: Funnel has two, some types none."""
    from transformers import MODEL_MAPPING

    found = MODEL_MAPPING.get(type(config), ())
    return found if isinstance(found, tuple) else (found,)


def _reads_target(kind: Any) -> bool:
    return "decoder_input_ids" in inspect.signature(kind.forward).parameters


def _of_the_type(config: "PretrainedConfig", with_head: bool) -> Any:
    """What transformers has for the configuration's type: with a head for what shall write, and a base for the rest."""
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
    """The same of the code in the repository: what transformers calls the class that is named; None if it has none."""
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
    """Raise ModelError for a model that cannot be run on a text alone, or that is denied its encoder and decoder.

    By that transformers mixes up the keys of the decoder with those of the encoder.
    """
    from transformers.models.auto import modeling_auto

    from attnviz.capture import reads_pictures

    type_ = model.config.model_type
    compares = type_ in modeling_auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES
    if not reads_pictures(model.config) and (model.main_input_name != "input_ids" or compares):
        raise ModelError(f"{location.spec} is a {type_} model, which does not run on text alone", "Name a text model.")
    config = model.config
    if _reads_target(type(model)) and type(config).is_encoder_decoder and not config.is_encoder_decoder:
        raise ModelError(
            f"the config.json of {location.spec} says is_encoder_decoder: false, and a {type(model).__name__} has both",
            "Set it to true there.",
        )


def lost_weights(model: "PreTrainedModel", missing: Collection[str]) -> tuple[list[str], int]:
    """Which of its weights are among the `missing`, which transformers makes up at random, and how many there are.

    What comes after all attention is not counted: a pooler, which many models are published without, and a head that
    has no say in what the model writes. Nor is what is computed and not learned.
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
    """Which of the weights that were left over are of a layer, its own or one beyond, or of its embeddings.

    Those of a head, or of a decoder that is not wanted, are of parts that it does not have; nor has it the layers that
    guess several tokens ahead, which a configuration counts apart. What a class says that it passes over is not
    `unexpected`.
    """
    import torch

    from attnviz.capture import find_base

    parts = dict(model.named_modules())
    attending = {id(part) for child in find_base(model).children() for part in child.modules()}
    ahead = getattr(model.config.get_text_config(), "num_nextn_predict_layers", None) or 0
    prefix = f"{model.base_model_prefix}."  # which a model without its head has not

    def is_own(name: str) -> bool:
        path, _, last = name.rpartition(".")
        if _NOT_LEARNED.search(last):
            return False
        if path in parts and last in ("weight", "bias"):
            return bool(parts[path]._parameters)  # a module without any had a mask that was called bias
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
    """Raise ModelError where attention depends on weights that are `missing`, or that were left over.

    A bias that a configuration does not tell of, or a layer beyond those that it counts, would be passed over unsaid.
    """
    if over := _left_over(model, unexpected):
        some = ", ".join(over[:3]) + (", …" if over[3:] else "")
        raise ModelError(
            f"{location.spec} has {len(over)} weights for which its {type(model).__name__} has no place: {some}",
            "Does its configuration belong to these weights? It says which biases, norms and layers there are.",
        )
    lost, of = lost_weights(model, missing)
    if lost:
        some = ", ".join(lost[:3]) + (", …" if lost[3:] else "")
        raise ModelError(
            f"{location.spec} lacks {len(lost)} of the {of} weights of a {type(model).__name__}: {some}",
            OF_A_FILE if location.is_file else "Are its config.json and its weights of one model?",
        )
