"""What of a model attends, its base, and what the model's own forward gives that to read.

A model for a task is a base with a head, and may give its base more than it was given: global attention for some
tokens, types of tokens, the ids that a decoder reads. The head comes after all attention, and need not run.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from transformers import MODEL_MAPPING, PreTrainedModel

from attnviz.capture.call_sites import is_encoder_decoder, reads_pictures
from attnviz.capture.working_copy import working_copy
from attnviz.capture.wrappers import is_of
from attnviz.errors import InputError, ModelError

_ASKS_FOR_PAIRS = ("QuestionAnswering", "MultipleChoice", "NextSentencePrediction")


def find_base(model: PreTrainedModel) -> PreTrainedModel:
    """What gives `model` its hidden states: the model inside it, or where there is none, a bare one of the same parts.

    T5 with a language model's head holds its encoder and its decoder side by side: they are put into a T5 without one.
    What is of peft is a model with something before its text, and runs as a whole.
    """
    if is_of(model, "peft", "PeftModel"):
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
    """Whether its decoder reads what its encoder reads, and no target: as a classifier's does, which writes nothing."""
    bare = MODEL_MAPPING.get(type(model.config), None)
    is_bare = isinstance(bare, type) and isinstance(model, bare)
    return is_encoder_decoder(model) and not model.can_generate() and not is_bare


class _ReachedError(Exception):
    """The model's forward has come to where all that its base reads is known."""


def base_inputs(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the base of `model` reads where the model reads `inputs`, `[1, tokens]` each, by the model's own forward.

    That runs up to where it calls its base or, if it is the base that makes up the ids that a decoder reads, up to the
    decoder. A model for choices is given one. Raises InputError for a text that it cannot read, and ModelError where it
    gives its base something else than numbers of tokens.
    """
    if is_of(model, "peft", "PeftModel"):
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
        wanted = {"input_ids", "decoder_input_ids"} if is_encoder_decoder(model) else {"input_ids"}
        for part in copy.base_model.modules():  # OPT's language model calls a part of its base
            if isinstance(part, PreTrainedModel) and wanted <= inspect.signature(part.forward).parameters.keys():
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
    except Exception as error:  # code of any model, which asserts and indexes
        raise InputError(f"{name} cannot read this text: {error}", _hint(model, given)) from error


def _hint(model: PreTrainedModel, given: Mapping[str, torch.Tensor]) -> str:
    """What may help a model of a class that reads two texts, where it fails on what it was `given`."""
    if not type(model).__name__.endswith(_ASKS_FOR_PAIRS):
        return ""
    ids, separator = given.get("input_ids"), getattr(model.config, "sep_token_id", None)
    if ids is None or separator is None or int((ids == separator).sum()) < 2:
        return "It reads two texts: --text-pair."
    return "Its tokenizer may put other separators between two texts than it reads: name its own, --tokenizer NAME."


def _tensors(module: torch.nn.Module, args: Any, kwargs: Any) -> dict[str, torch.Tensor]:
    """The tensors that `module` is called with, by name; flags, such as which outputs are wanted, change no weight."""
    signature = inspect.signature(module.forward)
    given: dict[str, Any] = {}
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        given |= value if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD else {name: value}
    return {name: value for name, value in given.items() if isinstance(value, torch.Tensor)}
