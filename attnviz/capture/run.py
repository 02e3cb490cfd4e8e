"""Running a transformers model once and recording its attention, by the first of three paths that works for it."""

import inspect
from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedModel

from attnviz.attention import format_ranges
from attnviz.capture.attention_interface import record_by_interface
from attnviz.capture.call_sites import count_queries_and_keys, is_encoder_decoder, reads_pictures
from attnviz.capture.eager_output import Inputs, record_by_output
from attnviz.capture.function_mode import SEEN
from attnviz.capture.projections import not_handed_over
from attnviz.capture.record import Record
from attnviz.capture.softmax_hook import record_by_softmax
from attnviz.capture.token_mixers import layers, layers_without_attention, mixer_name
from attnviz.capture.value_norms import no_values
from attnviz.capture.virtual_tokens import find_virtual_prompt
from attnviz.capture.working_copy import working_copy
from attnviz.capture.wrappers import has_class, unwrapped
from attnviz.errors import InputError, ModelError
from attnviz.kinds import Kind
from attnviz.selection import Layout, Selection
from attnviz.words import Words

_KNOWN = {"torch", "transformers", "peft"}  # packages whose attention the first two paths know completely
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
    """Run `model` on one text and record the selected attention: `capture_all` for `[1, tokens]`."""
    return capture_all(model, inputs, selection, [{}], layouts=[layouts])[0]


def capture_all(
    model: PreTrainedModel,
    inputs: Mapping[str, torch.Tensor],
    selection: Selection,
    lengths: Sequence[Mapping[Kind, tuple[int, int]]],
    words: Sequence[Mapping[Kind, Words]] | None = None,
    layouts: Sequence[Mapping[Kind, Layout] | None] | None = None,
) -> list[Record]:
    """Run `model` once and record the selected attention of each text; the model is not changed.

    `inputs` come from the tokenizer, `[text, tokens]` each, padded at the end; those that the model does not take are
    left out. `lengths` say for each text how many queries and keys of a kind are not padding; an empty mapping means
    all. `words` hold the number of each query's and each key's word, if tokens are merged to words. `layouts` say for
    each text which tokens, or words, the rows and columns of a kind cover; None means one for each token.
    Raises InputError for a text that the model cannot read without capture either, ModelError if no softmax attention
    can be captured, and CaptureError if the captured numbers are not attention.
    """
    takes = inspect.signature(unwrapped(model).forward).parameters
    given: dict[str, torch.Tensor | bool] = {name: value for name, value in inputs.items() if name in takes}
    if "use_cache" in takes:
        given["use_cache"] = False  # a cache can be longer than the text
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
    _require_asked(model, records)
    if not is_encoder_decoder(model):
        attending = {layer for layers in records[0].available.values() for layer in layers}
        for record in records:
            record.non_attention_layers = layers_without_attention(model, attending) | record.non_attention_layers
    if (prompt := find_virtual_prompt(model)) and records[0].non_attention_layers:
        layers = format_ranges(tuple(records[0].non_attention_layers))
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
    """The records of the first path that works for all layers of `model`, otherwise of the path with most layers.

    A path that does not work returns False; the next one is tried on a new copy. `texts` are the lengths, words and
    layouts of each text.
    """
    found: list[list[Record]] = []
    with torch.inference_mode():
        for path, record_by in _PATHS.items():
            records = [Record(selection, path, *text) for text in texts]
            if record_by(working_copy(model), inputs, records) and records[0].available:
                if not _layers_of_other_code(model).difference(*records[0].available.values()):
                    return records
                found.append(records)
    if not found:
        raise _refusal(model)
    return max(found, key=lambda records: sum(map(len, records[0].available.values())))


def _layers_of_other_code(model: PreTrainedModel) -> set[int]:
    """The layers with code from outside transformers, which can have attention that the first two paths miss."""
    if is_encoder_decoder(model):
        return set()
    return {number for number, layer in enumerate(layers(model)) if not set(map(_package, layer.modules())) <= _KNOWN}


def _require_asked(model: PreTrainedModel, records: Sequence[Record]) -> None:
    """Raise ModelError if value norms, or queries and keys, were asked for, and the path that worked has none."""
    selection = records[0].selection
    buffers = [buffer for layers in records[0].buffers.values() for buffer in layers.values()]
    if selection.value_norms and any(buffer.value_norms is None for buffer in buffers):
        raise no_values(model)
    if selection.neurons is not None:
        of_layer = [layers.get(selection.neurons) for layers in records[0].buffers.values()]
        if any(buffer is not None and buffer.projections is None for buffer in of_layer):
            raise not_handed_over(model)


def _package(module: torch.nn.Module) -> str:
    return type(module).__module__.partition(".")[0]


def _require_readable(model: PreTrainedModel, inputs: Inputs) -> None:
    """Raise an error if `model` also fails without capture.

    InputError for a text that is too short (two tokens for Funnel) or too long; ModelError for a model that needs more
    than a text, such as a picture, and for an adapter that does not fit its model.
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
    """Raise ModelError if the failing model has an adapter of virtual tokens."""
    if has_class(model, "peft", "PeftModel"):
        message = f"this {type(model).__name__} does not run without attnviz either: {error}"
        raise ModelError(message, "Was its adapter made for this model?") from error


def _text_model(model: PreTrainedModel) -> PreTrainedModel | None:
    """The text model inside a model of pictures and text, used if the code around it fails without a picture.

    It fails in transformers 5.24 for Llama 4, and for the thinker of Qwen-Omni if the configuration does not name the
    token that starts a picture.
    """
    inside = model.get_decoder() if reads_pictures(model.config) else None
    return inside if isinstance(inside, PreTrainedModel) and not reads_pictures(inside.config) else None


def _of_text_model(records: list[Record]) -> list[Record]:
    """`records` whose path says that they come from the text model inside."""
    for record in records:
        record.path += ", of the text model inside"
    return records


def _needs_more(model: PreTrainedModel, why: str) -> ModelError:
    return ModelError(
        f"{type(model).__name__} does not run on only a text: {why}",
        "It may need another input, such as a picture, which attnviz cannot give it.",
    )


def _refusal(model: PreTrainedModel) -> ModelError:
    """The error for a model without attention to show; it says what the model does instead, if that is known."""
    name = type(model).__name__
    if mixer := mixer_name(model):
        message = f"{name} has no softmax attention between tokens: it mixes them by {mixer}"
        return ModelError(message, "See which models are here: attnviz models")
    return ModelError(f"no softmax attention between tokens was seen in {name}", SEEN)
