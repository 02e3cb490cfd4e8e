"""The weights of some heads of a layer in blocks of rows: A = softmax(Q Kᵀ · scaling, with cap, bias and mask)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

_BLOCK = {"cpu": 2**21}
"""The number of scores that are computed at once on a CPU, so that they fit into its cache."""
_LARGE_BLOCK = 2**27  # on other devices, to keep them busy

Numbers = Sequence[int]
"""Numbers of tokens."""


@dataclass(frozen=True)
class Block:
    """Some rows of the matrices of some heads.

    `weights` is float32 `[batch, head, row, key]`; in causal attention it ends with the last key that a row sees. It is
    a buffer that the next block overwrites. `sink` is the mass `[batch, head, row]` that learned sinks took.
    """

    queries: Numbers
    weights: torch.Tensor
    sink: torch.Tensor | None = None


def attention_blocks(
    query: torch.Tensor,
    key: torch.Tensor,
    heads: Sequence[int],
    queries: Numbers,
    scaling: float,
    causal: bool = False,
    mask: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    softcap: float | None = None,
    sinks: torch.Tensor | None = None,
) -> Iterator[Block]:
    """The weights of `heads` for the rows `queries`, block by block.

    `query` is `[batch, head, query, d]`. `key` is `[batch, group, key, d]`; each group serves the same number of
    consecutive heads. `mask` `[batch, 1 or head, query, key]` is True where a query can look, or is added to the
    scores. `bias` is added, with the same broadcasting. `sinks` `[head]` is a learned score that takes a share of each
    row. `causal` hides later keys from a query. A row that sees nothing is zero.

    Sources: Vaswani et al. 2017; grouped queries, Ainslie et al. 2023; soft cap, Gemma 2; relative bias, T5; sinks,
    gpt-oss.
    """
    batch, n_keys = query.shape[0], key.shape[2]
    Q, K = _grouped(query, key, heads)  # [batch, group, head of it, query, d], [batch · group, d, key]
    chosen = None if len(heads) == query.shape[1] else torch.as_tensor(heads, device=query.device)
    step = _BLOCK.get(query.device.type, _LARGE_BLOCK) // (batch * len(heads) * n_keys)
    step = min(max(step, 1), len(queries))
    buffer = torch.empty(batch * len(heads) * step * n_keys, dtype=query.dtype, device=query.device)
    for start in range(0, len(queries), step):
        rows = queries[start : start + step]
        index = _index(rows, query.device)
        seen = max(rows) + 1 if causal else n_keys
        S = buffer[: batch * len(heads) * len(rows) * seen].view(K.shape[0], -1, seen)
        torch.baddbmm(S, Q[:, :, :, index].reshape(*S.shape[:2], -1), K[..., :seen], beta=0, alpha=scaling, out=S)
        S = S.view(batch, len(heads), len(rows), seen).float()  # [batch, head, row, key]
        if softcap is not None:
            S.div_(softcap).tanh_().mul_(softcap)
        if bias is not None:
            S.add_(_part(bias, chosen, index, seen))
        if causal:
            _hide_later(S, rows)
        if mask is not None:
            _apply(_part(mask, chosen, index, seen), S)
        yield Block(rows, *_softmax(S, sinks if sinks is None or chosen is None else sinks.flatten()[chosen]))


def _grouped(query: torch.Tensor, key: torch.Tensor, heads: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The queries of `heads`, sorted by their group, and the keys of these groups."""
    shared = query.shape[1] // key.shape[1]
    if len(heads) < query.shape[1]:
        chosen = torch.as_tensor(heads, device=query.device)
        query, key, shared = query[:, chosen], key[:, chosen // shared], 1
    return query.view(len(query), -1, shared, *query.shape[2:]), key.flatten(0, 1).transpose(-1, -2)


def _index(rows: Numbers, device: torch.device) -> slice | torch.Tensor:
    if isinstance(rows, range):
        return slice(rows.start, rows.stop)
    return torch.as_tensor(rows, device=device)


def _part(tensor: torch.Tensor, heads: torch.Tensor | None, rows: slice | torch.Tensor, seen: int) -> torch.Tensor:
    """The part of `tensor` `[batch, head, query, key]` for one block; axes of size 1 stay, to be broadcast."""
    if heads is not None and tensor.shape[1] > 1:
        tensor = tensor[:, heads.to(tensor.device)]
    if tensor.shape[2] > 1:
        tensor = tensor[:, :, rows]
    return tensor if tensor.shape[3] == 1 else tensor[..., :seen]


def _hide_later(S: torch.Tensor, rows: Numbers) -> None:
    first = min(rows)
    queries, keys = (torch.as_tensor(numbers, device=S.device) for numbers in (rows, range(first, S.shape[-1])))
    S[..., first:].masked_fill_(keys > queries[:, None], -torch.inf)


def _apply(mask: torch.Tensor, S: torch.Tensor) -> None:
    """Apply `mask` to the scores. The lowest number of an added mask's type means −∞, and is replaced by it."""
    if mask.dtype == torch.bool:
        S.masked_fill_(~mask, -torch.inf)
    else:
        S.add_(mask).masked_fill_(mask <= torch.finfo(mask.dtype).min / 2, -torch.inf)


def _softmax(S: torch.Tensor, sinks: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Softmax over the keys, in place, with `sinks` `[head]` as one more key; a row of only −∞ becomes zero."""
    empty = torch.isneginf(S.amax(-1, keepdim=True))
    if sinks is None:
        A, taken = torch.softmax(S, -1, out=S), None
    else:
        sink = sinks.float().view(1, -1, 1, 1)
        total = torch.logaddexp(S.logsumexp(-1, keepdim=True), sink)
        A, taken = S.sub_(total).exp_(), (sink - total).exp()[..., 0]
    return A.masked_fill_(empty, 0.0) if bool(empty.any()) else A, taken
