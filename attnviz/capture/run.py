"""One captured pass of a model."""

import inspect
from collections.abc import Mapping

import torch
from transformers import PreTrainedModel

from attnviz.capture.eager import record_by_output
from attnviz.capture.interface import record_by_interface
from attnviz.capture.record import Record
from attnviz.capture.unchanged import unchanged
from attnviz.errors import ModelError
from attnviz.selection import Selection


def capture(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor], selection: Selection) -> Record:
    """Run `model` on one text and record the attention that was asked for; the model is given back as it was.

    `inputs` are what the tokenizer gave, `[1, tokens]` each; those that the model does not take are left out. Raises
    ModelError where no softmax attention is to be had, and CaptureError where what came is not attention.
    """
    takes = inspect.signature(model.forward).parameters
    given: dict[str, torch.Tensor | bool] = {name: value for name, value in inputs.items() if name in takes}
    if "use_cache" in takes:
        given["use_cache"] = False  # a cache may be longer than the text
    with unchanged(model), torch.inference_mode():
        model.eval()
        record = record_by_interface(model, given, selection)
        if not _is_whole(model, record):
            record = record_by_output(model, given, selection)
    if not record.available:
        raise ModelError(
            f"{type(model).__name__} gives no softmax attention to look at",
            "Models that mix tokens in another way (Mamba, RWKV, FNet) have none.",
        )
    return record


def _is_whole(model: PreTrainedModel, record: Record) -> bool:
    """Whether the attention interface served the whole model: every kind, and each where there can be one."""
    kinds = {"self", "masked-self", "cross"} if model.config.is_encoder_decoder else set(record.available)
    return bool(record.available) and kinds == set(record.available)
