"""The first path: an attention function of attnviz that transformers calls in place of sdpa.

Every architecture that uses the attention interface calls it with query, key, value and mask. It returns what sdpa
would return, and records the selected weights. It is left for the next path where it raises `_UnsupportedError`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from attnviz.capture.ablation import Ablation
from attnviz.capture.blockwise import Block, attention_blocks
from attnviz.capture.buffers import CellBuffer, WordBuffer, store_block
from attnviz.capture.call_sites import CallSites, count_queries_and_keys, is_causal_mask, is_encoder_decoder
from attnviz.capture.output_projection import OutputProjection
from attnviz.capture.projections import ProjectionRecorder, Score, adding
from attnviz.capture.record import Record
from attnviz.capture.value_norms import not_shown, store_value_norms
from attnviz.kinds import KINDS

NAME = "attnviz"
_current: ContextVar["_Pass"] = ContextVar("current")
_KNOWN = {"position_bias", "position_ids", "cache_position"}  # tensors that are used here, or change no weight


@dataclass(frozen=True)
class _Pass:
    """The pass in progress; `token_sizes` are the numbers of queries and keys of attention between tokens.

    `output` and `projections` are there only if the records ask for what they find, and `ablation` only if something is
    taken out.
    """

    model: PreTrainedModel
    records: Sequence[Record]
    call_sites: CallSites
    token_sizes: set[tuple[int, int]]
    supports_sdpa: bool
    output: OutputProjection | None
    projections: ProjectionRecorder | None
    ablation: Ablation | None

    def open_buffers(
        self, module: torch.nn.Module, hides_later: bool | None, query: torch.Tensor, key: torch.Tensor
    ) -> tuple[int, tuple[int, ...], list[CellBuffer | WordBuffer]]:
        """The layer of this call, its selected heads, and a buffer for their weights in each text's record."""
        if self.call_sites.repeats(module, query):
            return -1, (), []
        (heads, n), (groups, m) = query.shape[1:3], key.shape[1:3]
        kind, layer = self.call_sites.locate(module, hides_later)
        if self.ablation is not None:
            self.ablation.enter(kind, layer)
        selected = {record.register(kind, layer, heads) for record in self.records}.pop()  # the same for each text
        if not selected:
            return layer, (), []
        for record in self.records:
            record.groups.setdefault(kind, {})[layer] = tuple(head * groups // heads for head in selected)
        return layer, selected, [record.open_buffer(kind, layer, selected, n, m) for record in self.records]


class _UnsupportedError(Exception):
    """This attention cannot be computed from the arguments of the interface: use the next path."""


def record_by_interface(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], records: Sequence[Record]
) -> bool:
    """Run `model` once on `inputs` and fill the record of each text. False if the interface misses some attention.

    Leaves the model's attention implementation changed: give it a working copy.
    """
    return run_by_interface(model, inputs, records) is not None


def run_by_interface(
    model: PreTrainedModel,
    inputs: Mapping[str, torch.Tensor | bool],
    records: Sequence[Record],
    ablation: Ablation | None = None,
) -> Any:
    """What `model` returns, without what `ablation` takes out; None if the interface misses some attention.

    Fills the record of each text, and leaves the model changed, as `record_by_interface` does.
    """
    model.set_attn_implementation(NAME)
    call_sites, sizes = CallSites(model), {count_queries_and_keys(model, inputs, kind) for kind in KINDS}
    selection = records[0].selection
    takes_neurons = selection.neurons is not None
    output = OutputProjection(model) if selection.value_norms or takes_neurons else None
    projections = ProjectionRecorder(model) if takes_neurons else None
    token = _current.set(_Pass(model, records, call_sites, sizes, model._supports_sdpa, output, projections, ablation))
    try:
        outputs = model(**inputs)
        if ablation is not None:
            ablation.end()
        if output is not None:
            output.end()
    except _UnsupportedError:
        return None
    finally:
        _current.reset(token)
    for record in records:
        record.non_attention_layers |= call_sites.non_attention_layers
    found = set(records[0].available)
    is_complete = found == set(KINDS) if is_encoder_decoder(model) else bool(found)
    return outputs if is_complete else None


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    is_causal: bool | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    position_bias: torch.Tensor | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it: `query` is `[batch, head, query, d]`, the result `[batch, query, head, d]`.

    If the weights of all heads and rows are selected, the result is computed from them, which costs no more than sdpa.
    Otherwise sdpa computes it. Raises _UnsupportedError if queries or keys are not the tokens, and for an unknown
    tensor argument, which could change the weights; ModelError if value norms are asked for and cannot be computed.
    """
    current = _current.get()
    options |= {"dropout": 0.0, "scaling": scaling, "position_bias": position_bias}
    by_sdpa = partial(sdpa_attention_forward, module, query, key, value, attention_mask, **options)
    if current.call_sites.ignores(module):
        return by_sdpa(is_causal=is_causal)[0], None
    n, m = query.shape[2], key.shape[2]
    unknown = {name for name, value in options.items() if isinstance(value, torch.Tensor)} - _KNOWN
    if unknown or (n, m) not in current.token_sizes:
        raise _UnsupportedError
    without_mask = attention_mask is None and n > 1 and current.supports_sdpa
    causal = bool(without_mask and (getattr(module, "is_causal", True) if is_causal is None else is_causal))  # as sdpa
    hides_later = causal or is_causal_mask(attention_mask, n)
    layer, selected, buffers = current.open_buffers(module, hides_later, query, key)
    weights = partial(
        attention_blocks,
        query,
        key,
        scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
        causal=bool(hides_later) and n == m,
        mask=attention_mask,
        bias=position_bias,
        softcap=softcap,
        sinks=s_aux,
    )
    all_selected = len(selected) == query.shape[1] and {n} == {len(buffer.queries) for buffer in buffers}
    if all_selected or softcap is not None or s_aux is not None:  # sdpa has neither soft caps nor sinks
        result = _weighted_values(weights(range(query.shape[1]), range(n)), query, value, buffers, selected)
    else:
        queries = sorted({query for buffer in buffers for query in buffer.queries})
        for block in weights(selected, queries) if queries else ():
            store_block(block, buffers)
        result = by_sdpa(is_causal=causal)[0]
    if current.ablation is not None:
        result = current.ablation.follow(result, value, weights)
    if current.output is not None:
        by_token = [buffer for buffer in buffers if isinstance(buffer, CellBuffer)]
        takes_neurons = bool(selected) and layer == current.records[0].selection.neurons
        if takes_neurons and current.projections is not None:
            current.projections.record(module, query, key, value, Score(**weights.keywords), selected, by_token)
        _follow(current, value, result, selected, by_token, takes_neurons)
    return result, None


def _follow(
    current: _Pass,
    value: torch.Tensor,
    result: torch.Tensor,
    heads: Sequence[int],
    buffers: Sequence[CellBuffer],
    takes_neurons: bool,
) -> None:
    """Have what needs the output projection of this call stored when it is known.

    Raises ModelError, now or later, if value norms are asked for and a projection is not found.
    """
    assert current.output is not None
    current.output.end()
    takes_norms = current.records[0].selection.value_norms
    if not heads or not (takes_neurons or takes_norms):
        return
    add = adding(buffers, result.clone(), heads) if takes_neurons else None

    def found(W_O: torch.Tensor) -> None:
        if add is not None:
            add(W_O)
        if takes_norms:
            store_value_norms(value, W_O, heads, buffers)

    def missed(what: str, why: str) -> None:
        if takes_norms:
            raise not_shown(current.model, what, why)

    current.output.follow(result, found, missed)


def _weighted_values(
    blocks: Iterator[Block],
    query: torch.Tensor,
    value: torch.Tensor,
    buffers: Sequence[CellBuffer | WordBuffer],
    selected: Sequence[int],
) -> torch.Tensor:
    """`Z = A V` of all heads, `[batch, query, head, d]`, block by block; the `selected` heads of A are stored."""
    Z = query.new_empty(*query.shape[:3], value.shape[-1])
    V = value.flatten(0, 1)  # [batch · group, key, d]
    heads = slice(None) if len(selected) == query.shape[1] else list(selected)
    for block in blocks:
        A = block.weights
        rows = A.to(V.dtype).reshape(V.shape[0], -1, A.shape[-1]) @ V[:, : A.shape[-1]]
        Z[:, :, block.queries[0] : block.queries[-1] + 1] = rows.view(*A.shape[:3], -1)
        store_block(Block(block.queries, A[:, heads], None if block.sink is None else block.sink[:, heads]), buffers)
    return Z.transpose(1, 2).contiguous()


def _mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    """The mask of sdpa. A model that supports sdpa may get None for a causal mask; other models need the mask."""
    if not _current.get().supports_sdpa:
        kwargs |= {"allow_is_causal_skip": False}
    return sdpa_mask(*args, **kwargs)  # type: ignore[no-any-return]


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, _mask)
