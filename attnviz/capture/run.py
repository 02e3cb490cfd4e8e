"""One captured pass of a model."""

import inspect
from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedModel

from attnviz.capture.eager import record_by_output
from attnviz.capture.interface import record_by_interface
from attnviz.capture.mixers import mixing, others
from attnviz.capture.record import Record
from attnviz.capture.softmaxes import record_by_softmax
from attnviz.capture.unchanged import unchanged
from attnviz.errors import ModelError
from attnviz.kinds import Kind
from attnviz.selection import Selection

_PATHS = {  # tried in this order
    "attention interface": record_by_interface,
    "eager output_attentions": record_by_output,
    "softmax, by a hook": record_by_softmax,
}


def capture(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor], selection: Selection) -> Record:
    """Run `model` on one text and record the attention that was asked for: `capture_all` for `[1, tokens]`."""
    return capture_all(model, inputs, selection, [{}])[0]


def capture_all(
    model: PreTrainedModel,
    inputs: Mapping[str, torch.Tensor],
    selection: Selection,
    lengths: Sequence[Mapping[Kind, tuple[int, int]]],
) -> list[Record]:
    """Run `model` once and record the attention that was asked for, text by text; the model is given back as it was.

    `inputs` are what the tokenizer gave, `[text, tokens]` each, padded at the end; those that the model does not take
    are left out. `lengths` say for each text how many queries and keys of a kind are its own: an empty mapping, all.
    Raises ModelError where no softmax attention is to be had, and CaptureError where what came is not attention.
    """
    takes = inspect.signature(model.forward).parameters
    given: dict[str, torch.Tensor | bool] = {name: value for name, value in inputs.items() if name in takes}
    if "use_cache" in takes:
        given["use_cache"] = False  # a cache may be longer than the text
    if "input_ids" not in takes:
        raise _refusal(model)
    with unchanged(model), torch.inference_mode():
        model.eval()
        for path, record_by in _PATHS.items():
            records = [Record(selection, path, own) for own in lengths]
            if record_by(model, given, records) and records[0].available:
                break
        else:
            raise _refusal(model)
    if not model.config.is_encoder_decoder:
        attending = {layer for layers in records[0].available.values() for layer in layers}
        for record in records:
            record.without = others(model, attending) | record.without
    return records


def _refusal(model: PreTrainedModel) -> ModelError:
    """What a model does that has no attention to show."""
    message = f"{type(model).__name__} has no softmax attention between tokens"
    if instead := mixing(model):
        message += f": it mixes them by {instead}"
    return ModelError(message, "See which models are here: attnviz models")
