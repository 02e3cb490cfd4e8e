"""The base of a model, which has all its attention, and the inputs that the model's forward gives to its base.

A model for a task is a base with a head. Its forward can add inputs for the base: global attention for some tokens,
token types, the ids that a decoder reads. The head comes after all attention and does not have to run.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from transformers import MODEL_MAPPING, PreTrainedModel

from attnviz.capture.call_sites import is_encoder_decoder, reads_pictures
from attnviz.capture.working_copy import working_copy
from attnviz.capture.wrappers import has_class
from attnviz.errors import InputError, ModelError

_ASKS_FOR_PAIRS = ("QuestionAnswering", "MultipleChoice", "NextSentencePrediction")


def find_base(model: PreTrainedModel) -> PreTrainedModel:
    """The part of `model` that computes its hidden states.

    This is the model inside it, or a new model without a head that holds the same parts: T5 with a language model's
    head, for example, holds an encoder and a decoder, but no T5 without a head. A model of peft adds virtual tokens
    before the text, and is returned whole.
    """
    if has_class(model, "peft", "PeftModel"):
        return model
    base = model.base_model
    if base is not model:
        only_wraps = set(inspect.signature(base.forward).parameters) == {"args", "kwargs"}  # as in BartForCausalLM
        return base.get_decoder() if only_wraps else base
    if model.get_output_embeddings() is None:
        return model
    inside = [child for child in model.children() if isinstance(child, PreTrainedModel)]
    if len(inside) == 1:
        return inside[0]
    kind = MODEL_MAPPING.get(type(model.config), None)
    if not isinstance(kind, type):
        return model
    with torch.device("meta"):
        bare: PreTrainedModel = kind(model.config)
    parts = dict(model.named_children())
    if not {name for name, _ in bare.named_children()} <= parts.keys():
        return model
    for name, _ in list(bare.named_children()):
        setattr(bare, name, parts[name])
    return bare


def reads_source(model: PreTrainedModel) -> bool:
    """Whether the decoder reads the source text, as in a classifier, which writes nothing and takes no target."""
    bare = MODEL_MAPPING.get(type(model.config), None)
    is_bare = isinstance(bare, type) and isinstance(model, bare)
    return is_encoder_decoder(model) and not model.can_generate() and not is_bare


class _ReachedError(Exception):
    """All inputs of the base are known, so the forward can stop."""


def base_inputs(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inputs of the base when `model` reads `inputs`, `[1, tokens]` each; the model's forward computes them.

    The forward runs until it calls the base or, if the base computes the decoder's ids, until it calls the decoder. A
    multiple-choice model gets one choice. Raises InputError for a text that the model cannot read, and ModelError if
    the base gets other inputs than ids and masks.
    """
    if has_class(model, "peft", "PeftModel"):
        return dict(inputs)
    makes_ids = reads_source(model) and "decoder_input_ids" not in inputs
    if (model.base_model is model and not makes_ids) or reads_pictures(model.config):
        return dict(inputs)
    copy, read = working_copy(model), dict(inputs)

    def at_base(base: PreTrainedModel, args: Any, kwargs: Any) -> None:
        read.clear()
        read.update(_tensors(base, args, kwargs))
        if not makes_ids or "decoder_input_ids" in read:
            raise _ReachedError

    def at_decoder(decoder: PreTrainedModel, args: Any, kwargs: Any) -> None:
        read["decoder_input_ids"] = _tensors(decoder, args, kwargs)["input_ids"]
        raise _ReachedError

    if copy.base_model is not copy:
        required = {"input_ids", "decoder_input_ids"} if is_encoder_decoder(model) else {"input_ids"}
        for part in copy.base_model.modules():  # OPT's language model calls a part of its base
            if isinstance(part, PreTrainedModel) and required <= inspect.signature(part.forward).parameters.keys():
                part.register_forward_pre_hook(at_base, with_kwargs=True)
    if makes_ids:
        copy.get_decoder().register_forward_pre_hook(at_decoder, with_kwargs=True)
    _run(copy, inputs)
    if any(value.shape[:1] != (1,) or value.ndim != 2 or value.is_floating_point() for value in read.values()):
        raise ModelError(
            f"{type(model).__name__} gives its base more than ids and masks", "Name a model that reads text alone."
        )
    return read


def _run(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> None:
    takes = inspect.signature(model.forward).parameters
    given = {name: value for name, value in inputs.items() if name in takes}
    name = type(model).__name__
    if name.endswith("MultipleChoice"):
        given = {name: value.unsqueeze(1) for name, value in given.items()}  # [text, choice, token]
    try:
        with torch.inference_mode():
            model(**given)
    except _ReachedError:
        pass
    except Exception as error:  # a model's code can raise anything
        raise InputError(f"{name} cannot read this text: {error}", _hint(model, given)) from error


def _hint(model: PreTrainedModel, given: Mapping[str, torch.Tensor]) -> str:
    """A hint for a model class that reads two texts, when it failed on the `given` inputs."""
    if not type(model).__name__.endswith(_ASKS_FOR_PAIRS):
        return ""
    ids, separator = given.get("input_ids"), getattr(model.config, "sep_token_id", None)
    if ids is None or separator is None or int((ids == separator).sum()) < 2:
        return "This model reads two texts: --text-pair."
    return "The tokenizer may use other separators than the model: name the model's tokenizer, --tokenizer NAME."


def _tensors(module: torch.nn.Module, args: Any, kwargs: Any) -> dict[str, torch.Tensor]:
    """The tensors with which `module` is called, by name. Other arguments are flags, which change no weight."""
    signature = inspect.signature(module.forward)
    given: dict[str, Any] = {}
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        given |= value if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD else {name: value}
    return {name: value for name, value in given.items() if isinstance(value, torch.Tensor)}
