"""The first path: an attention function of ours, which transformers calls in place of sdpa.

It is handed query, key, value and mask by any architecture that uses the attention interface, gives the model what
sdpa would have given it, and records the weights that were asked for.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from attnviz.capture.record import Record
from attnviz.capture.sites import Sites
from attnviz.capture.weights import attention_weights
from attnviz.selection import Selection

NAME = "attnviz"
_current: ContextVar[tuple[Record, Sites]] = ContextVar("current")


def record_by_interface(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], selection: Selection
) -> Record:
    """Run `model` once on `inputs`. What it computes without the interface is not in the record: it may be empty.

    Leaves the model's attention implementation changed: run it inside `unchanged`.
    """
    record = Record(selection, path="attention interface")
    model.set_attn_implementation(NAME)
    token = _current.set((record, Sites(model)))
    try:
        model(**inputs)
    finally:
        _current.reset(token)
    return record


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    position_bias: torch.Tensor | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it; `query` `[batch, head, query, d]`, the result `[batch, query, head, d]`.

    The mask is never left out for being causal (see `_mask`), so None means that every key is seen.
    """
    record, sites = _current.get()
    kind, layer = sites.locate(module, attention_mask)
    wanted = record.wanted(kind, layer, query.shape[1])
    weights_of = partial(
        attention_weights,
        query,
        key,
        scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
        mask=attention_mask,
        bias=position_bias,
        softcap=softcap,
        sinks=s_aux,
    )
    if wanted:
        record.keep(kind, layer, wanted, *weights_of(wanted))
    if softcap is None and s_aux is None:
        others |= {"is_causal": False, "dropout": 0.0}
        Z, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, position_bias=position_bias, **others
        )
        return Z, None
    A, _ = weights_of(range(query.shape[1]))  # sdpa has neither soft caps nor sinks
    Z = A.to(value.dtype) @ value.repeat_interleave(query.shape[1] // value.shape[1], dim=1)
    return Z.transpose(1, 2).contiguous(), None


def _mask(*args: Any, **kwargs: Any) -> torch.Tensor:
    """sdpa's boolean mask, `[batch, 1, query, key]`, also where sdpa would leave it out."""
    mask: torch.Tensor = sdpa_mask(
        *args, **kwargs | {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False}
    )
    return mask


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, _mask)
