"""Attention as any code of torch computes it, seen where it is called: by torch's own functions, or by a softmax.

While such a mode is on, `nn.MultiheadAttention` and `nn.TransformerEncoderLayer` leave their fast path by themselves:
torch takes it only where nobody overrides its functions.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch.nn import functional
from torch.nn.attention.bias import CausalBias
from torch.overrides import TorchFunctionMode

from attnviz.capture.record import Record
from attnviz.capture.sites import hides
from attnviz.capture.weights import Block, Numbers, attention_blocks
from attnviz.kinds import Kind

_SOFTMAX = {torch.softmax, torch.Tensor.softmax, torch.special.softmax, functional.softmax}
_PRODUCTS = {"matmul", "__matmul__", "__rmatmul__", "bmm", "baddbmm", "mm", "addmm", "einsum", "tensordot"}
SEEN = (
    "Seen are scaled_dot_product_attention, nn.MultiheadAttention, flex_attention, and a softmax that is multiplied"
    " with values; not what torch.jit compiled, nor kernels of other packages. Weights that a model gives can be drawn:"
    " attnviz.plot(weights, tokens)."
)
"""What to say where no attention was seen."""
_HIDDEN = -5e3
"""A number that is added to a score and leaves nothing of its weight: e to its power is 0."""


@dataclass(frozen=True)
class Call:
    """One call that computes attention weights, `[text, head, query, key]`.

    `blocks` gives those of some heads and rows, as `attention_blocks` does. `hides_later` is as `hides` tells it.
    `groups` are the key-value groups of the heads where some share one. `one_input` says whether queries and keys were
    made of the same numbers, where that is known. `dtype` is the type to which the weights were rounded.
    """

    texts: int
    heads: int
    queries: int
    keys: int
    hides_later: bool | None
    blocks: Callable[[Sequence[int], Numbers], Iterator[Block]]
    groups: tuple[int, ...] = ()
    one_input: bool | None = None
    dtype: torch.dtype = torch.float32

    @classmethod
    def of_weights(cls, weights: torch.Tensor, sink: torch.Tensor | None = None, **known: Any) -> "Call":
        """The call that gave these `weights`, and the mass `[text, head, query]` that went to what is no token."""

        def blocks(heads: Sequence[int], rows: Numbers) -> Iterator[Block]:
            some, index = weights[:, list(heads)], list(rows)
            yield Block(rows, some[:, :, index].float(), None if sink is None else sink[:, list(heads)][:, :, index])

        texts, heads, n, m = weights.shape
        return cls(texts, heads, n, m, hides(weights > 0, n), blocks, **{"dtype": weights.dtype, **known})

    def whole(self, queries: int) -> torch.Tensor:
        """The weights of so many queries, the first ones, `[text, head, query, key]`."""
        parts = list(self.blocks(range(self.heads), range(queries)))
        return torch.cat([functional.pad(part.weights, (0, self.keys - part.weights.shape[-1])) for part in parts], 2)

    def record(self, records: Sequence[Record], kind: Kind, layer: int) -> None:
        """Put what is wanted of it into the record of each text."""
        wanted = {record.wanted(kind, layer, self.heads) for record in records}.pop()  # the same for each
        if not wanted:
            return
        if self.groups:
            for record in records:
                record.groups.setdefault(kind, {})[layer] = tuple(self.groups[head] for head in wanted)
        kept = [record.begin(kind, layer, wanted, self.queries, self.keys) for record in records]
        rows = sorted({query for each in kept for query in each.queries})
        for block in self.blocks(wanted, rows) if rows else ():
            for text, each in enumerate(kept):
                sink = None if block.sink is None else block.sink[text]
                each.put(block.queries, block.weights[text], sink)


class AttentionCalls(TorchFunctionMode):
    """Hands every call that computes attention to `see`, and lets it give what it gives.

    `texts` is how many run at once. A softmax counts where what it gives is multiplied with something computed, which a
    router's, a classifier's or an output head's is not.
    """

    def __init__(self, texts: int, see: Callable[[Call], None]) -> None:
        super().__init__()
        self._texts, self._see = texts, see
        self._waiting: dict[int, tuple[torch.Tensor, Call]] = {}  # by id, which stays the tensor's while that is held

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `function`, and see what attention it computes."""
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if function is functional.scaled_dot_product_attention:
            self._see(_fused(self._texts, *args, **kwargs))
        elif function is functional.multi_head_attention_forward:
            self._see(_multi_head(*args, **kwargs))
        elif type(function).__name__ == "FlexAttentionHOP":
            self._see(_flexible(function, *args, **kwargs))
        elif function in _SOFTMAX:
            self._note(result, *args, **kwargs)
        elif self._waiting and isinstance(result, torch.Tensor):
            self._follow(getattr(function, "__name__", ""), result, [*args, *kwargs.values()])
        return result

    def _note(self, weights: torch.Tensor, input: torch.Tensor, dim: int | None = None, *_: Any, **__: Any) -> None:
        """Keep what a softmax gave until something is done with it; the axis before the keys' is the queries'."""
        if dim is None or (axis := dim % weights.ndim) == 0:
            return
        folded, scores = (
            _folded(tensor.movedim((axis - 1, axis), (-2, -1)), self._texts) for tensor in (weights, input)
        )
        empty = torch.isneginf(scores.amax(-1, keepdim=True))  # where a softmax gives NaN
        self._waiting[id(weights)] = weights, Call.of_weights(folded.masked_fill(empty, 0))

    def _follow(self, name: str, result: torch.Tensor, args: Sequence[Any]) -> None:
        """See the softmax that a product is made of; what else is made of it, and is as large, stands for it."""
        operands = [tensor for arg in args for tensor in (arg if isinstance(arg, list | tuple) else [arg])]
        for tensor in operands:
            if (found := self._waiting.get(id(tensor))) is None:
                continue
            if name in _PRODUCTS:
                if not any(isinstance(other, torch.nn.Parameter) for other in operands):
                    self._waiting = {at: kept for at, kept in self._waiting.items() if kept[1] is not found[1]}
                    self._see(found[1])
            elif result.numel() == tensor.numel():
                self._waiting[id(result)] = result, found[1]
            return


@contextmanager
def entered(model: torch.nn.Module) -> Iterator[list[torch.nn.Module]]:
    """The modules of `model` that are running, the innermost last. Hooks tell: give it a working copy."""
    inside: list[torch.nn.Module] = []

    def leave(*_: Any) -> None:
        inside.pop()

    hooks = []
    for module in model.modules():
        hooks.append(module.register_forward_pre_hook(lambda module, _args: inside.append(module)))
        hooks.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield inside
    finally:
        for hook in hooks:
            hook.remove()


def _fused(
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
        key = key.expand(*query.shape[:-2], m, d)
    Q = _folded(query, texts)
    K = key.reshape(len(Q), -1, m, d)
    mask = None if attn_mask is None else _mask(attn_mask, query.shape[:-2], len(Q))
    heads = Q.shape[1]
    hides_later = (
        None if n == 1 else is_causal or (mask is not None and bool(hides(_seen(mask).expand(-1, -1, n, m), n)))
    )

    def blocks(some: Sequence[int], rows: Numbers) -> Iterator[Block]:
        scaling = d**-0.5 if scale is None else scale
        return attention_blocks(Q, K, some, rows, scaling, causal=is_causal, mask=mask)

    shared = heads // K.shape[1]
    groups = tuple(head // shared for head in range(heads)) if shared > 1 else _groups(K)
    return Call(len(Q), heads, n, m, hides_later, blocks, groups)


def _multi_head(*args: Any, **kwargs: Any) -> Call:
    """The weights of a call of `F.multi_head_attention_forward`, which gives them where it is asked for them.

    A learned key, or one of zeros, that it puts after those of the tokens takes its share of a row as a sink does.
    """
    asked = signature(functional.multi_head_attention_forward).bind(*args, **kwargs)
    asked.apply_defaults()
    given = asked.arguments
    query, key = given["query"], given["key"]
    n, m = len(query), len(key)
    if given["is_causal"] and not given["need_weights"] and given["key_padding_mask"] is None:
        given["attn_mask"] = torch.ones(n, m, dtype=torch.bool, device=query.device).triu(1)  # what it does instead
    given |= {"need_weights": True, "average_attn_weights": False, "training": False}
    weights: Any = functional.multi_head_attention_forward(*asked.args, **asked.kwargs)[1]
    weights = weights if weights.ndim == 4 else weights[None]
    if bool(query.isfinite().all() and key.isfinite().all()):
        weights = weights.masked_fill(weights.isnan().all(-1, keepdim=True), 0)  # a row that sees nothing
    same = query is key or (query.shape == key.shape and torch.equal(query, key))
    sink = weights[..., m:].float().sum(-1) if weights.shape[-1] > m else None
    return Call.of_weights(weights[..., :m], sink, one_input=same)


def _flexible(function: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *how: Any) -> Call:
    """The weights of a call of `flex_attention`: what it mixes of values of which each is its key's own axis."""
    m = key.shape[-2]
    axes = torch.eye(m, device=key.device).expand(*key.shape[:-1], m)
    weights = function(query.float(), key.float(), axes, *how)[0]
    shared = query.shape[1] // key.shape[1]
    groups = tuple(head // shared for head in range(query.shape[1])) if shared > 1 else _groups(key)
    return Call.of_weights(weights, groups=groups)


def _folded(tensor: torch.Tensor, texts: int) -> torch.Tensor:
    """`[…, row, column]` as `[text, head, row, column]`; the first of several axes is the texts'."""
    before = tensor.shape[:-2]
    several = len(before) > 1 and before[0] != texts and before[1:].numel() > 1
    batch = before[0] if several else texts if before.numel() % texts == 0 else 1
    return tensor.reshape(batch, -1, *tensor.shape[-2:])


def _mask(mask: torch.Tensor, before: torch.Size, texts: int) -> torch.Tensor:
    """A mask that broadcasts to `[…, query, key]`, where `…` is `before`, as `[1 or text, 1 or head, query, key]`."""
    mask = mask.view(*[1] * (len(before) + 2 - mask.ndim), *mask.shape)
    if mask.shape[:-2].numel() == 1:
        return mask.view(1, 1, *mask.shape[-2:])
    return mask.expand(*before, -1, -1).reshape(texts, -1, *mask.shape[-2:])


def _seen(mask: torch.Tensor) -> torch.Tensor:
    """Where a query may look."""
    return mask if mask.dtype == torch.bool else mask > _HIDDEN


def _groups(key: torch.Tensor) -> tuple[int, ...]:
    """The number of the group of each head, where several have the same keys `[text, head, key, d]`; else nothing.

    So it is where grouped keys were repeated before the call.
    """
    first: dict[tuple[float, ...], int] = {}
    groups = [first.setdefault(tuple(row), len(first)) for row in key[0, :, 0].float().tolist()]
    if len(first) == len(groups):
        return ()
    heads = [groups.index(group) for group in groups]
    return tuple(groups) if torch.equal(key, key[:, heads]) else ()
