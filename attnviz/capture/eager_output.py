"""The second path, for models that do not use the attention interface: the output of their own eager attention.

Such a model returns the weights of all layers together at the end. For a long text this takes too much memory, so each
layer's weights are stored and removed as soon as its module returns them. A run on the first tokens alone shows before
which module returns the weights of which layer.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from transformers import PreTrainedModel

from attnviz.capture import densify
from attnviz.capture.call_sites import CallSites, count_queries_and_keys, is_causal_mask, reads_one_way
from attnviz.capture.record import Record
from attnviz.capture.token_mixers import layers
from attnviz.errors import CaptureError
from attnviz.kinds import KIND_NAMES, Kind

_FIELDS: dict[str, Kind] = {
    "encoder_attentions": "self",
    "decoder_attentions": "masked-self",
    "cross_attentions": "cross",
    "attentions": "self",
}
_NO_TOKENS = "attention between pooled positions"
_TOLERANCE = 0.05  # coarse: it only has to tell weights of any type from scores
_GLOBAL = {"attentions": "global_attentions", "encoder_attentions": "encoder_global_attentions"}
_SHORT = 128  # tokens: the weights of fewer are small enough to be returned together
_SAMPLES = (16, 1024)  # tokens: BigBird uses its sparse attention only with more than 704

Inputs = Mapping[str, torch.Tensor | bool]
Outputs = Mapping[str, Any]
Origin = tuple[torch.nn.Module, int, int]
"""Where an output comes from: a module, the number of its call, and the index in what the call returned."""


@dataclass(frozen=True)
class _LayerOutput:
    """The output `name[index]`, which holds the weights of a `layer`.

    `heads` is their number, or 0 if the weights are not between tokens. `origin` is where they come from, if that is
    known for all layers of this output.
    """

    name: str
    index: int
    kind: Kind
    layer: int
    heads: int
    origin: Origin | None


def record_by_output(model: PreTrainedModel, inputs: Inputs, records: Sequence[Record]) -> bool:
    """Run `model` on `inputs` with `output_attentions`, and fill the records. False if it returns no weights.

    The records also say which layers have attention that is not between tokens. Leaves the model's attention
    implementation changed: give it a working copy.
    """
    set_eager_attention(model)
    if not returns_attentions(model):
        return False
    for sample in _samples(inputs):
        outputs, places = _find_layer_outputs(model, sample)
        if not all(_are_weights(model, sample, outputs, place, records) for place in places):
            return False
        if places:
            break
    remaining = dict.fromkeys(places)
    if sample is not inputs:
        by_origin = {place.origin: place for place in places if place.origin}

        def store_and_remove(origin: Origin, part: Any) -> Any:
            if (place := by_origin.get(origin)) is None:
                return part
            _store(model, inputs, {place.name: {place.index: part}}, place, records)
            del remaining[place]
            return None

        del outputs
        outputs = _run(model, inputs, store_and_remove)
    for place in remaining:
        _store(model, inputs, outputs, place, records)
    return True


def returns_attentions(model: PreTrainedModel) -> bool:
    """Whether the forward of `model` takes `output_attentions`; a model with its author's own code may not."""
    takes = signature(model.forward).parameters.values()
    return any(each.name == "output_attentions" or each.kind is each.VAR_KEYWORD for each in takes)


def _samples(inputs: Inputs) -> Iterator[Inputs]:
    """Of a long text first a few tokens, then more of them; at the end, all inputs."""
    tokens = max(value.shape[1] for value in inputs.values() if isinstance(value, torch.Tensor))
    for size in _SAMPLES if tokens > _SHORT else ():
        if size < tokens:
            yield {name: value if isinstance(value, bool) else value[:, :size] for name, value in inputs.items()}
    yield inputs


def _run(model: PreTrainedModel, inputs: Inputs, see: Callable[[Origin, Any], Any]) -> Outputs:
    """The outputs of `model`; `see` can replace every output of a module except the first.

    No model computes anything from these outputs. Newer models collect them with hooks; ours run before those.
    """
    calls: Counter[torch.nn.Module] = Counter()

    def replace(module: torch.nn.Module, _args: Any, output: Any) -> Any:
        if type(output) not in (tuple, list):
            return output
        calls[module] += 1
        rest = (see((module, calls[module], index), part) for index, part in enumerate(output[1:], 1))
        return type(output)([*output[:1], *rest])

    hooks = [module.register_forward_hook(replace, prepend=True) for module in model.modules()]
    try:
        return model(**inputs, output_attentions=True, return_dict=True)  # type: ignore[no-any-return]
    finally:
        for hook in hooks:
            hook.remove()


def _find_layer_outputs(model: PreTrainedModel, inputs: Inputs) -> tuple[Outputs, list[_LayerOutput]]:
    """The outputs of `model`, and where they hold the weights of each layer."""
    seen: dict[int, tuple[Any, Origin]] = {}  # by id; holding the part keeps its id unique

    def note(origin: Origin, part: Any) -> Any:
        return part if part is None else seen.setdefault(id(part), (part, origin))[0]

    with _restoring_parts(model):
        outputs = _run(model, inputs, note)
    places: list[_LayerOutput] = []
    if not isinstance(outputs, Mapping):  # a model with its author's own forward
        return {}, places
    for name, kind in _FIELDS.items():
        given = dict(enumerate(outputs.get(name) or ()))
        origins = [seen[id(weights)][1] if id(weights) in seen else None for weights in given.values()]
        numbers = _layer_numbers(model, origins)
        matrices = {
            index: _matrix(model, inputs, outputs, name, index)
            for index, weights in given.items()
            if weights is not None
        }
        if name == "attentions" and _is_decoder(model, [matrix[0] for matrix in matrices.values() if matrix]):
            kind = "masked-self"
        is_known = all(origins[index] for index in matrices) and _densify_function(model, name) is not densify.band
        for index, matrix in matrices.items():
            heads = matrix[0].shape[1] if matrix else 0
            places.append(_LayerOutput(name, index, kind, numbers[index], heads, origins[index] if is_known else None))
    return outputs, places


@contextmanager
def _restoring_parts(model: PreTrainedModel) -> Iterator[None]:
    """Undo what the body does to BigBird: on a short text it permanently replaces its sparse attention."""
    before = [
        (module, module.attention_type, dict(module._modules))
        for module in model.modules()
        if "attention_type" in vars(module)
    ]
    try:
        yield
    finally:
        for module, attention_type, parts in before:
            module.attention_type = attention_type
            module._modules.update(parts)


def _are_weights(
    model: PreTrainedModel, inputs: Inputs, outputs: Outputs, place: _LayerOutput, records: Sequence[Record]
) -> bool:
    """Whether these are weights, not scores: no number is below 0, and each row of a text's tokens sums to 1 or 0."""
    if (matrix := _matrix(model, inputs, outputs, place.name, place.index)) is None:
        return True
    weights, elsewhere = matrix
    sums = weights.sum(-1) if elsewhere is None else weights.sum(-1) + elsewhere
    off = (sums - 1).abs().where(sums > 0, 0)
    lengths = [record.lengths.get(place.kind, weights.shape[2:])[0] for record in records]  # without padding
    are_scores = weights.min() < 0 or any(off[text, :, :rows].max() > _TOLERANCE for text, rows in enumerate(lengths))
    return not are_scores  # NaN passes here, and is an error later


def _store(
    model: PreTrainedModel, inputs: Inputs, outputs: Outputs, place: _LayerOutput, records: Sequence[Record]
) -> None:
    """Store the selected weights of a layer.

    Raises CaptureError if they are not between tokens, although those of the sample were.
    """
    if not place.heads:
        for record in records:
            record.non_attention_layers[place.layer] = _NO_TOKENS
        return
    selected = {record.register(place.kind, place.layer, place.heads) for record in records}.pop()  # the same for each
    if not selected:
        return
    if (matrix := _matrix(model, inputs, outputs, place.name, place.index)) is None:
        where = f"{KIND_NAMES[place.kind]}, layer {place.layer}"
        raise CaptureError(f"{where}: the weights are between tokens in a short text, but not in this one")
    heads = slice(None) if len(selected) == place.heads else list(selected)
    for text, record in enumerate(records):
        if place.origin:
            groups = _groups(place.origin[0], place.heads, selected)
            record.groups.setdefault(place.kind, {})[place.layer] = groups
        elsewhere = None if matrix[1] is None else matrix[1][text][heads]
        record.store(place.kind, place.layer, selected, matrix[0][text][heads], elsewhere)


def set_eager_attention(model: PreTrainedModel) -> None:
    """Make `model` use its own eager attention. The setter of transformers refuses this for Falcon."""
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            module.config._attn_implementation = "eager"  # also sets the configurations inside it


def _layer_numbers(model: PreTrainedModel, origins: Sequence[Origin | None]) -> Sequence[int]:
    """The true layer numbers of an output; if it lacks some layers, the numbers of the modules it comes from."""
    modules = [origin[0] for origin in origins if origin]
    if len(modules) == len(origins) < len(layers(model)):
        call_sites = CallSites(model)
        return [call_sites.layer(module) for module in modules]
    return range(len(origins))


def _groups(module: torch.nn.Module, heads: int, selected: Sequence[int]) -> tuple[int, ...]:
    """The key-value group of each selected head, from the module's attributes; without these, one group per head.

    Sources: multi-query attention, Shazeer 2019; grouped-query attention, Ainslie et al. 2023.
    """
    shared = getattr(module, "num_key_value_groups", None)
    groups = next((n for name in ("num_key_value_heads", "num_kv_heads") if (n := getattr(module, name, None))), heads)
    return tuple(head // (shared or heads // groups) for head in selected)


def _matrix(model: PreTrainedModel, inputs: Inputs, outputs: Outputs, name: str, index: int) -> densify.Matrix | None:
    """The weights in `outputs[name][index]`, `[text, head, query, key]`, and the mass that went to no token.

    None if they are not between tokens.
    """
    weights = outputs[name][index]
    queries, keys = count_queries_and_keys(model, inputs, _FIELDS[name])
    densify_output = _densify_function(model, name)
    if densify_output is densify.band:
        all_seen = outputs.get(_GLOBAL[name])
        return densify.band(weights, keys, inputs.get("global_attention_mask"), all_seen and all_seen[index])
    if densify_output is densify.random_blocks:
        return densify_output(weights, keys, model.config.block_size)
    if densify_output is not None:
        return densify_output(weights, keys)
    if not isinstance(weights, torch.Tensor) or weights.ndim != 4 or weights.shape[2:] != (queries, keys):
        return None
    has_sinks = any("sink" in name for name, _ in model.named_parameters())
    return weights, 1 - weights.sum(-1) if has_sinks else None


def _densify_function(model: PreTrainedModel, name: str) -> Callable[..., densify.Matrix] | None:
    return densify.BY_FIELD.get((model.config.model_type, name))


def _is_decoder(model: PreTrainedModel, given: Sequence[torch.Tensor]) -> bool:
    """Whether no token looks at a later token."""
    if all(weights.shape[-1] == 1 for weights in given):
        return reads_one_way(model)
    return not any(is_causal_mask(weights > 0, weights.shape[-2]) is False for weights in given)
