"""The equation, for some of a layer's heads: A = softmax(Q Kᵀ · scaling, capped, biased and masked)."""

from collections.abc import Sequence

import torch


def attention_weights(
    query: torch.Tensor,
    key: torch.Tensor,
    heads: Sequence[int],
    scaling: float,
    mask: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    softcap: float | None = None,
    sinks: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The weights `[batch, head, query, key]` of `heads`, float32, and the mass `[batch, head, query]` of their sinks.

    `query` is `[batch, head, query, d]`; `key` `[batch, group, key, d]`, each group serving as many heads in a row;
    `mask` `[batch, 1 or head, query, key]` is true where a query may look, or is added; `bias` is added, and broadcasts
    likewise; `sinks` `[head]` holds a learned score that takes its share of each row. A row that sees nothing is zero.

    Sources: Vaswani et al. 2017; grouped queries, Ainslie et al. 2023; soft cap, Gemma 2; relative bias, T5; sinks,
    gpt-oss.
    """
    chosen = torch.as_tensor(heads, device=query.device)
    groups = chosen // (query.shape[1] // key.shape[1])
    S = (query[:, chosen] @ key[:, groups].transpose(-1, -2)).float() * scaling  # [batch, head, query, key]
    if softcap is not None:
        S = softcap * torch.tanh(S / softcap)
    if bias is not None:
        S = S + _of_heads(bias, chosen)
    if mask is not None:
        mask = _of_heads(mask, chosen)
        S = S.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else _add(S, mask)
    if sinks is None:
        return _softmax(S), None
    column = sinks.flatten()[chosen].float().view(1, -1, 1, 1).expand(*S.shape[:-1], 1)
    A = _softmax(torch.cat([S, column], dim=-1))
    return A[..., :-1], A[..., -1]


def _of_heads(tensor: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.shape[1] == 1 else tensor[:, chosen.to(tensor.device)]


def _add(S: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """`S + mask`, with a true −∞ where the mask holds its type's lowest number: it stands for one."""
    return (S + mask).masked_fill(mask <= torch.finfo(mask.dtype).min / 2, -torch.inf)


def _softmax(S: torch.Tensor) -> torch.Tensor:
    """Softmax over the keys; a row of nothing but −∞, which would be NaN, is zero."""
    return torch.softmax(S, dim=-1).masked_fill(torch.isneginf(S).all(-1, keepdim=True), 0.0)
