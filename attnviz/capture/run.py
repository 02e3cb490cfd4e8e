"""One captured pass of a model."""

import inspect
from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedModel

from attnviz.attention import format_ranges
from attnviz.capture.attention_interface import record_by_interface
from attnviz.capture.call_sites import count_queries_and_keys, is_encoder_decoder, reads_pictures
from attnviz.capture.eager_output import Inputs, record_by_output
from attnviz.capture.function_mode import SEEN
from attnviz.capture.record import Record
from attnviz.capture.softmax_hook import record_by_softmax
from attnviz.capture.token_mixers import layers, layers_without_attention, mixer_name
from attnviz.capture.virtual_tokens import find_virtual_prompt
from attnviz.capture.working_copy import working_copy
from attnviz.capture.wrappers import is_of, unwrapped
from attnviz.errors import InputError, ModelError
from attnviz.kinds import Kind
from attnviz.selection import Layout, Selection
from attnviz.words import Words

_KNOWN = {"torch", "transformers", "peft"}  # packages that tell of all attention in them
_FEW = 16  # tokens
_PATHS = {  # tried in this order
    "attention interface": record_by_interface,
    "eager output_attentions": record_by_output,
    "softmax, by a hook": record_by_softmax,
}


def capture(
    model: PreTrainedModel,
    inputs: Mapping[str, torch.Tensor],
    selection: Selection,
    layouts: Mapping[Kind, Layout] | None = None,
) -> Record:
    """Run `model` on one text and record the attention that was asked for: `capture_all` for `[1, tokens]`."""
    return capture_all(model, inputs, selection, [{}], layouts=[layouts])[0]


def capture_all(
    model: PreTrainedModel,
    inputs: Mapping[str, torch.Tensor],
    selection: Selection,
    lengths: Sequence[Mapping[Kind, tuple[int, int]]],
    words: Sequence[Mapping[Kind, Words]] | None = None,
    layouts: Sequence[Mapping[Kind, Layout] | None] | None = None,
) -> list[Record]:
    """Run `model` once and record the attention that was asked for, text by text; nothing of the model is changed.

    `inputs` are what the tokenizer gave, `[text, tokens]` each, padded at the end; those that the model does not take
    are left out. `lengths` say for each text how many queries and keys of a kind are its own: an empty mapping, all.
    `words`, where tokens are to be merged, hold the number of each query's and of each key's word. `layouts` say for
    each text which tokens, or words, the rows and columns of a kind cover; None: all of them, each its own.
    Raises InputError for a text that the model cannot read by itself either, ModelError where no softmax attention is
    to be had, and CaptureError where what came is not attention.
    """
    takes = inspect.signature(unwrapped(model).forward).parameters
    given: dict[str, torch.Tensor | bool] = {name: value for name, value in inputs.items() if name in takes}
    if "use_cache" in takes:
        given["use_cache"] = False  # a cache may be longer than the text
    if "input_ids" not in takes:
        raise _needs_more(model, "it reads pixels") if reads_pictures(model.config) else _refusal(model)
    try:
        texts = zip(lengths, words or [{}] * len(lengths), layouts or [None] * len(lengths), strict=True)
        records = _recorded(model, given, selection, list(texts))
    except (RuntimeError, IndexError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, AttributeError) and (inside := _text_model(model)) is not None:
            return _of_text_model(capture_all(inside, inputs, selection, lengths, words, layouts))
        _require_readable(model, given)
        raise
    if not is_encoder_decoder(model):
        attending = {layer for layers in records[0].available.values() for layer in layers}
        for record in records:
            record.without = layers_without_attention(model, attending) | record.without
    if (prompt := find_virtual_prompt(model)) and records[0].without:
        layers = format_ranges(tuple(records[0].without))
        raise ModelError(
            f"layers {layers} do not see all {prompt.tokens} virtual tokens of the adapter, and cannot be shown",
            "Fewer of them may fit into the layers' sliding window.",
        )
    return records


def _recorded(
    model: PreTrainedModel,
    inputs: Inputs,
    selection: Selection,
    texts: Sequence[tuple[Mapping[Kind, tuple[int, int]], Mapping[Kind, Words], Mapping[Kind, Layout] | None]],
) -> list[Record]:
    """What the first path that serves all of `model` records, or else the one that serves most of its layers.

    `texts` have their lengths, words and layouts each.
    """
    found: list[list[Record]] = []
    with torch.inference_mode():
        for path, record_by in _PATHS.items():
            records = [Record(selection, path, *text) for text in texts]
            if record_by(working_copy(model), inputs, records) and records[0].available:
                if not _own_layers(model).difference(*records[0].available.values()):
                    return records
                found.append(records)
    if not found:
        raise _refusal(model)
    return max(found, key=lambda records: sum(map(len, records[0].available.values())))


def _own_layers(model: PreTrainedModel) -> set[int]:
    """The layers with code of the model's author, of which transformers does not know what it does."""
    own = {number for number, layer in enumerate(layers(model)) if not set(map(_package, layer.modules())) <= _KNOWN}
    return own if not is_encoder_decoder(model) else set()


def _package(module: torch.nn.Module) -> str:
    return type(module).__module__.partition(".")[0]


def _require_readable(model: PreTrainedModel, inputs: Inputs) -> None:
    """Raise an error where `model` fails with no capture at all.

    InputError for a text that is too short, as one of two tokens for Funnel, or too long; ModelError for a model
    that needs more than a text, as most of pictures do, and for an adapter that does not fit its
    model.
    """
    try:
        with torch.inference_mode():
            working_copy(model)(**inputs)
    except (RuntimeError, IndexError) as error:
        _require_adapter_that_fits(model, error)
        target, tokens = count_queries_and_keys(model, inputs, "cross")
        read = [f"{what} of {n} token{'s' * (n > 1)}" for what, n in (("text", tokens), ("target", target))]
        message = " and a ".join(read if is_encoder_decoder(model) else read[:1])
        is_short = isinstance(error, RuntimeError) and max(tokens, target) < _FEW
        hint = "Give it a longer text." if is_short else ""
        raise InputError(f"{type(model).__name__} cannot read a {message}: {error}", hint) from error
    except (ValueError, TypeError, AttributeError) as error:
        _require_adapter_that_fits(model, error)
        raise _needs_more(model, str(error)) from error


def _require_adapter_that_fits(model: PreTrainedModel, error: Exception) -> None:
    """Raise ModelError where what fails is a model with an adapter before its text."""
    if is_of(model, "peft", "PeftModel"):
        message = f"this {type(model).__name__} does not run by itself either: {error}"
        raise ModelError(message, "Was its adapter made for this model?") from error


def _text_model(model: PreTrainedModel) -> PreTrainedModel | None:
    """The text model inside one of pictures and text, for where the code around it fails on text alone.

    So it does in transformers 5.24 for Llama 4, and for the thinker of Qwen-Omni where the configuration does not name
    the token that starts a picture.
    """
    inside = model.get_decoder() if reads_pictures(model.config) else None
    return inside if isinstance(inside, PreTrainedModel) and not reads_pictures(inside.config) else None


def _of_text_model(records: list[Record]) -> list[Record]:
    """`records` that say of what they are."""
    for record in records:
        record.path += ", of the text model inside"
    return records


def _needs_more(model: PreTrainedModel, why: str) -> ModelError:
    return ModelError(
        f"{type(model).__name__} does not run on text alone: {why}",
        "It may need more than a text, such as a picture, which attnviz does not give it.",
    )


def _refusal(model: PreTrainedModel) -> ModelError:
    """What a model does that has no attention to show."""
    name = type(model).__name__
    if instead := mixer_name(model):
        message = f"{name} has no softmax attention between tokens: it mixes them by {instead}"
        return ModelError(message, "See which models are here: attnviz models")
    return ModelError(f"no softmax attention between tokens was seen in {name}", SEEN)
