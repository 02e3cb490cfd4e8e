"""One pass of a transformers model without some of its heads or links."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from attnviz.capture.ablation import Ablation
from attnviz.capture.attention_interface import run_by_interface
from attnviz.capture.record import Record
from attnviz.capture.working_copy import working_copy
from attnviz.capture.wrappers import unwrapped
from attnviz.cuts import Cut
from attnviz.errors import ModelError
from attnviz.selection import Selection


def run_without(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor], cuts: Sequence[Cut | None], selection: Selection
) -> tuple[Any, list[Record]]:
    """What `model` returns, and its attention, for a batch of texts of one length, each with its cut.

    `inputs` are `[text, tokens]`. The model runs as a copy, so that it is not changed, also after an error and Ctrl-C.
    Raises ModelError for a model whose heads cannot be taken out.
    """
    takes = inspect.signature(unwrapped(model).forward).parameters
    given: dict[str, torch.Tensor | bool] = {name: value for name, value in inputs.items() if name in takes}
    if "use_cache" in takes:
        given["use_cache"] = False
    copy = working_copy(model)
    records = [Record(selection, "attention interface") for _ in cuts]
    with torch.inference_mode():
        outputs = run_by_interface(copy, given, records, Ablation(copy, cuts))
    if outputs is None:
        raise ModelError(
            f"the heads of {type(model).__name__} cannot be taken out: it computes attention in a way of its own",
            "Name another model: -m NAME.",
        )
    return outputs, records
