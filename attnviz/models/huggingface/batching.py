"""Several texts in one pass of a model, padded at the end to the same length."""

from collections.abc import Iterable, Iterator, Sequence

from attnviz.models.model_inputs import ModelInputs

MOST_TEXTS, MOST_WEIGHTS = 16, 256**2  # of a group, with padding: per head no more weights than 256 tokens have

_IDS = {"input_ids", "decoder_input_ids"}
_PADDED = {*_IDS, "attention_mask", "token_type_ids"}


def group_by_length(readings: Iterable[ModelInputs]) -> Iterator[list[ModelInputs]]:
    """The inputs, in order, in groups for one pass each."""
    group: list[ModelInputs] = []
    for model_inputs in readings:
        if group and not _has_room(group, model_inputs):
            yield group
            group = []
        group.append(model_inputs)
    if group:
        yield group


def _has_room(group: Sequence[ModelInputs], model_inputs: ModelInputs) -> bool:
    longest = max(len(ids) for each in (*group, model_inputs) for ids in each.inputs.values())
    known = model_inputs.inputs.keys() <= _PADDED
    return known and len(group) < MOST_TEXTS and longest**2 * (len(group) + 1) <= MOST_WEIGHTS


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
