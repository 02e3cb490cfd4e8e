"""The second path, for models that do not use the attention interface: their own eager attention's output."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from attnviz.capture import unfold
from attnviz.capture.mixers import layers
from attnviz.capture.record import Record
from attnviz.capture.sites import Sites, reads_one_way, sizes
from attnviz.capture.unchanged import configurations
from attnviz.kinds import Kind

_FIELDS: dict[str, Kind] = {
    "encoder_attentions": "self",
    "decoder_attentions": "masked-self",
    "cross_attentions": "cross",
    "attentions": "self",
}
_NO_TOKENS = "attention between pooled positions"
_TOLERANCE = 0.05  # coarse: it tells shares, in whatever type, from scores
_GLOBAL = {"attentions": "global_attentions", "encoder_attentions": "encoder_global_attentions"}


def record_by_output(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], records: Sequence[Record]
) -> bool:
    """Run `model` once on `inputs`, asking it for its attentions; whether what it gave are weights.

    Layers whose attention is not between tokens are noted as such in the records. Leaves the model's attention
    implementation changed: run it inside `unchanged`.
    """
    be_eager(model)
    with _makers(model) as makers:
        outputs = model(**inputs, output_attentions=True, return_dict=True)
    for name, kind in _FIELDS.items():
        given = _numbered(model, outputs.get(name) or (), makers)
        matrices = {layer: _matrix(model, inputs, outputs, name, layer, weights) for layer, weights in given.items()}
        found = {layer: matrix for layer, matrix in matrices.items() if matrix is not None}
        if name == "attentions" and _is_decoder(model, [weights for weights, _ in found.values()]):
            kind = "masked-self"
        for record in records:
            record.without |= dict.fromkeys(matrices.keys() - found.keys(), _NO_TOKENS)
        for layer, matrix in found.items():
            maker = makers.get(id(given[layer]), (None, None))[1]
            for text, record in enumerate(records):
                if not _keep(record, text, kind, layer, matrix, maker):
                    return False
    return True


def _keep(
    record: Record, text: int, kind: Kind, layer: int, matrix: unfold.Matrix, maker: torch.nn.Module | None
) -> bool:
    """Keep of one layer's matrix what is of that text and was asked for; whether it is of weights."""
    weights, elsewhere = matrix[0][text], None if matrix[1] is None else matrix[1][text]
    own = record.lengths.get(kind, weights.shape[1:])[0]  # padding may see nothing but padding
    sums = weights[:, :own].sum(-1) if elsewhere is None else (weights.sum(-1) + elsewhere)[:, :own]
    off = (sums - 1).abs().where(sums > 0, 0)
    if weights.min() < 0 or off.max() > _TOLERANCE:
        return False
    if wanted := list(record.wanted(kind, layer, len(weights))):
        if maker is not None:
            record.groups.setdefault(kind, {})[layer] = _groups(maker, len(weights), wanted)
        record.keep(kind, layer, wanted, weights[wanted], None if elsewhere is None else elsewhere[wanted])
    return True


def be_eager(model: PreTrainedModel) -> None:
    """Have `model` compute attention by its own code: transformers' setter refuses to on Falcon, though it must be."""
    for config in configurations(model):
        config._attn_implementation = "eager"


@contextmanager
def _makers(model: PreTrainedModel) -> Iterator[dict[int, tuple[torch.Tensor, torch.nn.Module]]]:
    """While the body runs, note by the id of each tensor that may be weights the first module that gave it."""
    makers: dict[int, tuple[torch.Tensor, torch.nn.Module]] = {}  # the tensor itself, so that its id stays its own

    def note(module: torch.nn.Module, _args: Any, output: Any) -> None:
        for part in output if isinstance(output, tuple) else ():
            if isinstance(part, torch.Tensor) and part.ndim == 4:
                makers.setdefault(id(part), (part, module))

    hooks = [module.register_forward_hook(note) for module in model.modules()]
    try:
        yield makers
    finally:
        for hook in hooks:
            hook.remove()


def _numbered(
    model: PreTrainedModel, given: Sequence[Any], makers: Mapping[int, tuple[torch.Tensor, torch.nn.Module]]
) -> dict[int, Any]:
    """What was `given`, by the layers' true numbers: those of its makers where it is of some of the layers only."""
    numbers = list(range(len(given)))
    if len(given) < len(layers(model)) and all(id(weights) in makers for weights in given):
        sites = Sites(model)
        numbers = [sites.layer(makers[id(weights)][1]) for weights in given]
    return {number: weights for number, weights in zip(numbers, given, strict=True) if weights is not None}


def _groups(module: torch.nn.Module, heads: int, wanted: Sequence[int]) -> tuple[int, ...]:
    """The key-value groups that serve the heads `wanted`, by what the module says; each head its own where it is mum.

    Sources: multi-query attention, Shazeer 2019; grouped-query attention, Ainslie et al. 2023.
    """
    shared = getattr(module, "num_key_value_groups", None)
    own = next((n for name in ("num_key_value_heads", "num_kv_heads") if (n := getattr(module, name, None))), heads)
    return tuple(head // (shared or heads // own) for head in wanted)


def _matrix(
    model: PreTrainedModel,
    inputs: Mapping[str, torch.Tensor | bool],
    outputs: Mapping[str, Any],
    name: str,
    layer: int,
    weights: Any,
) -> unfold.Matrix | None:
    """One layer's weights, `[text, head, query, key]`, and what went elsewhere; None where they are not of tokens."""
    queries, keys = sizes(model, inputs, _FIELDS[name])
    fold = unfold.BY_FIELD.get((model.config.model_type, name))
    if fold is unfold.band:
        all_seen = outputs.get(_GLOBAL[name])
        return unfold.band(weights, keys, inputs.get("global_attention_mask"), all_seen and all_seen[layer])
    if fold is unfold.random_blocks:
        return fold(weights, keys, model.config.block_size)
    if fold is not None:
        return fold(weights, keys)
    if not isinstance(weights, torch.Tensor) or weights.ndim != 4 or weights.shape[2:] != (queries, keys):
        return None
    has_sinks = any("sink" in name for name, _ in model.named_parameters())
    return weights, 1 - weights.sum(-1) if has_sinks else None


def _is_decoder(model: PreTrainedModel, given: Sequence[torch.Tensor]) -> bool:
    """Whether no token looks at a later one."""
    if all(weights.shape[-1] == 1 for weights in given):
        return reads_one_way(model)
    return not any(weights.triu(1).any() for weights in given)
