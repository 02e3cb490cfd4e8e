"""The weights inside torch's own attention functions, which return only the weighted values."""

from collections.abc import Iterator, Sequence
from inspect import signature
from typing import Any

import torch
from torch.nn import functional
from torch.nn.attention.bias import CausalBias

from attnviz.capture.attention_call import Call, with_head_axis
from attnviz.capture.blockwise import Block, Numbers, attention_blocks
from attnviz.capture.call_sites import is_causal_mask

_HIDDEN = -5e3
"""Added to a score, a number up to this makes the weight 0, because exp of it is 0."""


def fused(
    texts: int,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Call:
    """The weights of a call of `F.scaled_dot_product_attention`: `query` is `[…, query, d]`, `key` `[…, key, d]`."""
    (n, d), m, kind = query.shape[-2:], key.shape[-2], query.device.type
    if torch.is_autocast_enabled(kind):
        query, key = (tensor.to(torch.get_autocast_dtype(kind)) for tensor in (query, key))
    if isinstance(attn_mask, CausalBias):
        attn_mask = attn_mask._materialize(query.device)
    if is_causal and n != m:
        attn_mask, is_causal = torch.ones(n, m, dtype=torch.bool, device=query.device).tril(), False
    if not enable_gqa and query.shape[:-2] != key.shape[:-2]:
        before = torch.broadcast_shapes(query.shape[:-2], key.shape[:-2])  # type: ignore[no-untyped-call]
        query, key = query.expand(*before, n, d), key.expand(*before, m, d)
    Q = with_head_axis(query, texts)
    K = key.reshape(len(Q), -1, m, d)
    mask = None if attn_mask is None else _mask(attn_mask, query.shape[:-2], len(Q))
    heads = Q.shape[1]
    hides_later = (
        None
        if n == 1
        else is_causal or (mask is not None and bool(is_causal_mask(_seen(mask).expand(-1, -1, n, m), n)))
    )

    def blocks(some: Sequence[int], rows: Numbers) -> Iterator[Block]:
        scaling = d**-0.5 if scale is None else scale
        return attention_blocks(Q, K, some, rows, scaling, causal=is_causal, mask=mask)

    shared = heads // K.shape[1]
    groups = tuple(head // shared for head in range(heads)) if shared > 1 else _groups(K)
    return Call(len(Q), heads, n, m, hides_later, blocks, groups)


def multi_head(*args: Any, **kwargs: Any) -> Call:
    """The weights of a call of `F.multi_head_attention_forward`, called again with `need_weights`.

    A learned key or a key of zeros that it adds after the tokens takes a share of each row, like a sink.
    """
    bound = signature(functional.multi_head_attention_forward).bind(*args, **kwargs)
    bound.apply_defaults()
    given = bound.arguments
    query, key = given["query"], given["key"]
    n, m = len(query), len(key)
    if given["is_causal"] and not given["need_weights"] and given["key_padding_mask"] is None:
        given["attn_mask"] = torch.ones(n, m, dtype=torch.bool, device=query.device).triu(
            1
        )  # as it does without need_weights
    given |= {"need_weights": True, "average_attn_weights": False, "training": False}
    weights: Any = functional.multi_head_attention_forward(*bound.args, **bound.kwargs)[1]
    weights = weights if weights.ndim == 4 else weights[None]
    if bool(query.isfinite().all() and key.isfinite().all()):
        weights = weights.masked_fill(weights.isnan().all(-1, keepdim=True), 0)  # a row that sees nothing
    same = query is key or (query.shape == key.shape and torch.equal(query, key))
    sink = weights[..., m:].float().sum(-1) if weights.shape[-1] > m else None
    return Call.of_weights(weights[..., :m], sink, one_input=same)


def flexible(function: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *how: Any) -> Call:
    """The weights of a call of `flex_attention`: its result if the values are the unit vectors."""
    m = key.shape[-2]
    unit_vectors = torch.eye(m, device=key.device).expand(*key.shape[:-1], m)
    weights = function(query.float(), key.float(), unit_vectors, *how)[0]
    shared = query.shape[1] // key.shape[1]
    groups = tuple(head // shared for head in range(query.shape[1])) if shared > 1 else _groups(key)
    return Call.of_weights(weights, groups=groups)


def _mask(mask: torch.Tensor, before: torch.Size, texts: int) -> torch.Tensor:
    """A mask for scores `[*before, query, key]`, reshaped to `[1 or text, 1 or head, query, key]`."""
    mask = mask.view(*[1] * (len(before) + 2 - mask.ndim), *mask.shape)
    if mask.shape[:-2].numel() == 1:
        return mask.view(1, 1, *mask.shape[-2:])
    return mask.expand(*before, -1, -1).reshape(texts, -1, *mask.shape[-2:])


def _seen(mask: torch.Tensor) -> torch.Tensor:
    """Where a query can look."""
    return mask if mask.dtype == torch.bool else mask > _HIDDEN


def _groups(key: torch.Tensor) -> tuple[int, ...]:
    """The group of each head, if grouped keys `[text, head, key, d]` were repeated before the call; otherwise empty.

    Heads with equal keys form a group.
    """
    first: dict[tuple[float, ...], int] = {}
    groups = [first.setdefault(tuple(row), len(first)) for row in key[0, :, 0].float().tolist()]
    if len(first) == len(groups):
        return ()
    heads = [groups.index(group) for group in groups]
    return tuple(groups) if torch.equal(key, key[:, heads]) else ()
