"""The second path, for models that do not use the attention interface: their own eager attention's output.

Such a model gives the weights of all its layers together, at the end. Those of a long text are taken from each layer as
it gives them, and go no further: its first tokens, run alone, tell which module gives what, and of which layer it is.
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
_TOLERANCE = 0.05  # coarse: it tells shares, in whatever type, from scores
_GLOBAL = {"attentions": "global_attentions", "encoder_attentions": "encoder_global_attentions"}
_SHORT = 128  # tokens: the weights of so few may wait for the end
_SAMPLES = (16, 1024)  # tokens: BigBird does not show in so few as 704 what it does in more

Inputs = Mapping[str, torch.Tensor | bool]
Outputs = Mapping[str, Any]
Origin = tuple[torch.nn.Module, int, int]
"""Where something comes from: a module, which of its calls, and which part of what that gave."""


@dataclass(frozen=True)
class _Place:
    """The output `name` `[at]` holds the weights of so many `heads` of that `layer`; of none, if not of tokens.

    `origin` is where they come from, if that is known of all in that output.
    """

    name: str
    index: int
    kind: Kind
    layer: int
    heads: int
    origin: Origin | None


def record_by_output(model: PreTrainedModel, inputs: Inputs, records: Sequence[Record]) -> bool:
    """Run `model` on `inputs`, asking it for its attentions; whether what it gave are weights.

    Layers whose attention is not between tokens are noted as such in the records. Leaves the model's attention
    implementation changed: give it a working copy.
    """
    be_eager(model)
    if not _gives_attentions(model):
        return False
    for sample in _samples(inputs):
        outputs, places = _sampled(model, sample)
        if not all(_are_weights(model, sample, outputs, place, records) for place in places):
            return False
        if places:
            break
    waiting = dict.fromkeys(places)
    if sample is not inputs:
        by_origin = {place.origin: place for place in places if place.origin}

        def take(origin: Origin, part: Any) -> Any:
            if (place := by_origin.get(origin)) is None:
                return part
            _keep(model, inputs, {place.name: {place.index: part}}, place, records)
            del waiting[place]
            return None

        del outputs
        outputs = _run(model, inputs, take)
    for place in waiting:
        _keep(model, inputs, outputs, place, records)
    return True


def _gives_attentions(model: PreTrainedModel) -> bool:
    """Whether `model` can be asked for its attentions: one of its author's own may know nothing of that."""
    takes = signature(model.forward).parameters.values()
    return any(each.name == "output_attentions" or each.kind is each.VAR_KEYWORD for each in takes)


def _samples(inputs: Inputs) -> Iterator[Inputs]:
    """The first tokens, a few and then more, if there are many; in the end all."""
    tokens = max(value.shape[1] for value in inputs.values() if isinstance(value, torch.Tensor))
    for size in _SAMPLES if tokens > _SHORT else ():
        if size < tokens:
            yield {name: value if isinstance(value, bool) else value[:, :size] for name, value in inputs.items()}
    yield inputs


def _run(model: PreTrainedModel, inputs: Inputs, see: Callable[[Origin, Any], Any]) -> Outputs:
    """What `model` gives, where `see` may replace what each module gives beside its main output.

    Nothing is computed from that in any model here. The newer ones collect it by hooks, which ours come before.
    """
    calls: Counter[torch.nn.Module] = Counter()

    def replace(module: torch.nn.Module, _args: Any, output: Any) -> Any:
        if type(output) not in (tuple, list):
            return output
        calls[module] += 1
        others = (see((module, calls[module], index), part) for index, part in enumerate(output[1:], 1))
        return type(output)([*output[:1], *others])

    hooks = [module.register_forward_hook(replace, prepend=True) for module in model.modules()]
    try:
        return model(**inputs, output_attentions=True, return_dict=True)  # type: ignore[no-any-return]
    finally:
        for hook in hooks:
            hook.remove()


def _sampled(model: PreTrainedModel, inputs: Inputs) -> tuple[Outputs, list[_Place]]:
    """What `model` gives, and where in that there are weights, and where those come from."""
    seen: dict[int, tuple[Any, Origin]] = {}  # by its id, which stays its own while it is held

    def note(origin: Origin, part: Any) -> Any:
        return part if part is None else seen.setdefault(id(part), (part, origin))[0]

    with _same_parts(model):
        outputs = _run(model, inputs, note)
    places: list[_Place] = []
    if not isinstance(outputs, Mapping):  # of a model whose forward is its author's own
        return {}, places
    for name, kind in _FIELDS.items():
        given = dict(enumerate(outputs.get(name) or ()))
        origins = [seen[id(weights)][1] if id(weights) in seen else None for weights in given.values()]
        numbers = _numbers(model, origins)
        matrices = {
            index: _matrix(model, inputs, outputs, name, index)
            for index, weights in given.items()
            if weights is not None
        }
        if name == "attentions" and _is_decoder(model, [matrix[0] for matrix in matrices.values() if matrix]):
            kind = "masked-self"
        is_known = all(origins[index] for index in matrices) and _fold(model, name) is not densify.band
        for index, matrix in matrices.items():
            heads = matrix[0].shape[1] if matrix else 0
            places.append(_Place(name, index, kind, numbers[index], heads, origins[index] if is_known else None))
    return outputs, places


@contextmanager
def _same_parts(model: PreTrainedModel) -> Iterator[None]:
    """Put back the parts that BigBird replaces in itself, for good, where the body has it read a short text."""
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
    model: PreTrainedModel, inputs: Inputs, outputs: Outputs, place: _Place, records: Sequence[Record]
) -> bool:
    """Whether no row there that is a text's own is of scores: none is negative, and their sum is 1, or 0."""
    if (matrix := _matrix(model, inputs, outputs, place.name, place.index)) is None:
        return True
    weights, elsewhere = matrix
    sums = weights.sum(-1) if elsewhere is None else weights.sum(-1) + elsewhere
    off = (sums - 1).abs().where(sums > 0, 0)
    own = [record.lengths.get(place.kind, weights.shape[2:])[0] for record in records]  # padding may see padding alone
    are_scores = weights.min() < 0 or any(off[text, :, :rows].max() > _TOLERANCE for text, rows in enumerate(own))
    return not are_scores  # NaN are neither, and told of later


def _keep(model: PreTrainedModel, inputs: Inputs, outputs: Outputs, place: _Place, records: Sequence[Record]) -> None:
    """Keep of the weights at that place what was asked for.

    Raises CaptureError where they are not of tokens, as those of a shorter text were.
    """
    if not place.heads:
        for record in records:
            record.without[place.layer] = _NO_TOKENS
        return
    wanted = {record.register(place.kind, place.layer, place.heads) for record in records}.pop()  # the same for each
    if not wanted:
        return
    if (matrix := _matrix(model, inputs, outputs, place.name, place.index)) is None:
        where = f"{KIND_NAMES[place.kind]}, layer {place.layer}"
        raise CaptureError(f"{where}: weights between tokens in a short text, and between something else in this one")
    heads = slice(None) if len(wanted) == place.heads else list(wanted)
    for text, record in enumerate(records):
        if place.origin:
            groups = _groups(place.origin[0], place.heads, wanted)
            record.groups.setdefault(place.kind, {})[place.layer] = groups
        elsewhere = None if matrix[1] is None else matrix[1][text][heads]
        record.store(place.kind, place.layer, wanted, matrix[0][text][heads], elsewhere)


def be_eager(model: PreTrainedModel) -> None:
    """Have `model` compute attention by its own code: transformers' setter refuses to on Falcon, though it must be."""
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            module.config._attn_implementation = "eager"  # which sets those inside it too


def _numbers(model: PreTrainedModel, origins: Sequence[Origin | None]) -> Sequence[int]:
    """The layers' true numbers: those of the modules that gave something where that is of some of the layers only."""
    modules = [origin[0] for origin in origins if origin]
    if len(modules) == len(origins) < len(layers(model)):
        call_sites = CallSites(model)
        return [call_sites.layer(module) for module in modules]
    return range(len(origins))


def _groups(module: torch.nn.Module, heads: int, wanted: Sequence[int]) -> tuple[int, ...]:
    """The key-value groups that serve the heads `wanted`, by what the module says; each head its own where it is mum.

    Sources: multi-query attention, Shazeer 2019; grouped-query attention, Ainslie et al. 2023.
    """
    shared = getattr(module, "num_key_value_groups", None)
    own = next((n for name in ("num_key_value_heads", "num_kv_heads") if (n := getattr(module, name, None))), heads)
    return tuple(head // (shared or heads // own) for head in wanted)


def _matrix(model: PreTrainedModel, inputs: Inputs, outputs: Outputs, name: str, index: int) -> densify.Matrix | None:
    """The weights `outputs[name][at]`, `[text, head, query, key]`, and what went elsewhere; None if not of tokens."""
    weights = outputs[name][index]
    queries, keys = count_queries_and_keys(model, inputs, _FIELDS[name])
    fold = _fold(model, name)
    if fold is densify.band:
        all_seen = outputs.get(_GLOBAL[name])
        return densify.band(weights, keys, inputs.get("global_attention_mask"), all_seen and all_seen[index])
    if fold is densify.random_blocks:
        return fold(weights, keys, model.config.block_size)
    if fold is not None:
        return fold(weights, keys)
    if not isinstance(weights, torch.Tensor) or weights.ndim != 4 or weights.shape[2:] != (queries, keys):
        return None
    has_sinks = any("sink" in name for name, _ in model.named_parameters())
    return weights, 1 - weights.sum(-1) if has_sinks else None


def _fold(model: PreTrainedModel, name: str) -> Callable[..., densify.Matrix] | None:
    return densify.BY_FIELD.get((model.config.model_type, name))


def _is_decoder(model: PreTrainedModel, given: Sequence[torch.Tensor]) -> bool:
    """Whether no token looks at a later one."""
    if all(weights.shape[-1] == 1 for weights in given):
        return reads_one_way(model)
    return not any(is_causal_mask(weights > 0, weights.shape[-2]) is False for weights in given)
