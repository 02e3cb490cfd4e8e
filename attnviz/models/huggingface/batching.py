"""Several texts in one pass of a model, padded at the end to the same length."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attnviz.models.model_inputs import ModelInputs

MOST_TEXTS = 64
"""The most texts of a group; more are no faster."""
LEAST_WEIGHTS, MOST_WEIGHTS = 64**2, 256**2
"""How many weights of each head a group has, with padding: 64 tokens fit any memory, more than 256 gain nothing."""
SHARE = 1 / 8
"""The weights of a group take at most this part of the free memory."""

_IDS = {"input_ids", "decoder_input_ids"}
_PADDED = {*_IDS, "attention_mask", "token_type_ids"}


def room(config: Any) -> int:
    """How many weights of each head fit the memory that is free, by the number of heads in a model's `config`."""
    heads = (getattr(config, "num_hidden_layers", None) or 32) * (getattr(config, "num_attention_heads", None) or 32)
    fits = int(SHARE * _free_memory() / (4 * heads))
    return min(max(fits, LEAST_WEIGHTS), MOST_WEIGHTS)


def _free_memory() -> float:
    """The free memory of this machine, in bytes, where it can be known."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float(2**32)


def group_by_length(readings: Iterable[ModelInputs], weights: int = MOST_WEIGHTS) -> Iterator[list[ModelInputs]]:
    """The inputs, in order, in groups for one pass each, with at most so many `weights` of each head."""
    group: list[ModelInputs] = []
    for model_inputs in readings:
        if group and not _has_room(group, model_inputs, weights):
            yield group
            group = []
        group.append(model_inputs)
    if group:
        yield group


def _has_room(group: Sequence[ModelInputs], model_inputs: ModelInputs, weights: int) -> bool:
    longest = max(len(ids) for each in (*group, model_inputs) for ids in each.inputs.values())
    known = model_inputs.inputs.keys() <= _PADDED
    return known and len(group) < MOST_TEXTS and longest**2 * (len(group) + 1) <= weights


def is_even(group: Sequence[ModelInputs]) -> bool:
    """Whether no text of a group needs padding."""
    return all(model_inputs.lengths == group[0].lengths for model_inputs in group)


def pad(group: Sequence[ModelInputs], filler: int) -> dict[str, list[list[int]]]:
    """The inputs of a group, `[text, tokens]` each: ids after a text's end are `filler`, and their mask is 0."""
    rows = [
        {"attention_mask": [1] * len(model_inputs.inputs["input_ids"]), **model_inputs.inputs} for model_inputs in group
    ]
    if is_even(group):
        rows = [dict(model_inputs.inputs) for model_inputs in group]
    lengths = {name: max(len(row[name]) for row in rows) for name in rows[0]}
    return {
        name: [[*row[name], *[filler if name in _IDS else 0] * (length - len(row[name]))] for row in rows]
        for name, length in lengths.items()
    }
