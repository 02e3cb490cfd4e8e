"""Attention as any code of torch computes it, seen where it is called: by torch's own functions, or by a softmax.

While such a mode is on, `nn.MultiheadAttention` and `nn.TransformerEncoderLayer` leave their fast path by themselves:
torch takes it only where nobody overrides its functions.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch.nn import functional
from torch.nn.attention.bias import CausalBias
from torch.overrides import TorchFunctionMode

from attnviz.capture.record import Record
from attnviz.capture.sites import hides
from attnviz.capture.weights import Block, Numbers, attention_blocks
from attnviz.errors import ModelError
from attnviz.kinds import Kind

_SOFTMAX = {torch.softmax, torch.Tensor.softmax, torch.special.softmax, functional.softmax}
_PRODUCTS = {"matmul", "__matmul__", "__rmatmul__", "bmm", "baddbmm", "mm", "addmm", "einsum", "tensordot"}
_MOVES = {  # what gives the same numbers, perhaps in another order of axes
    *("transpose", "permute", "movedim", "moveaxis", "swapaxes", "swapdims", "t", "adjoint", "__get__"),
    *("view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "expand", "view_as", "reshape_as"),
}
_PARTS = {"__getitem__", "chunk", "split", "unbind", "narrow", "select", "tensor_split"}
_KEEPS = {"dropout", "dropout_", "contiguous", "clone", "detach", "requires_grad_"}  # weights are shown before dropout
_TOLERANCE = {torch.float16: 5e-3, torch.bfloat16: 4e-2}  # how far the sum of a row may be from 1
_MATRIX = {"matmul", "__matmul__", "bmm", "mm"}
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
    made of the same numbers, where that is known. `dtype` is the type to which the weights were rounded. `flaw` says
    why they are no attention weights, which is an error once they are wanted.
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
    flaw: str | None = None

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
        """Put what is wanted of it into the record of each text. Raises ModelError where they are no weights."""
        if self.flaw:
            raise ModelError(self.flaw, "If it gives them, draw the weights themselves: attnviz.plot(weights, tokens).")
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


@dataclass(frozen=True)
class _Softmax:
    """What became of what a softmax gave: `weights`, whose axes `of` are the queries' and the keys'.

    `empty` marks its rows that see nothing, `is_moved` tells that what stands for them has other axes, and `lost` by
    which function they were changed since then, so that it is not known what they are.
    """

    weights: torch.Tensor
    of: tuple[int, int]
    empty: torch.Tensor
    is_moved: bool = False
    lost: str | None = None

    def after(self, name: str, result: torch.Tensor) -> "_Softmax":
        """What is known of them after a function that gave `result`, with as many numbers."""
        if name in _KEEPS or (self.lost and name in _MOVES):
            return self
        if name in _MOVES:
            return replace(self, is_moved=True)
        if not self.is_moved and result.shape == self.weights.shape:
            return replace(self, weights=result)
        same_memory = result.untyped_storage().data_ptr() == self.weights.untyped_storage().data_ptr()
        return self if same_memory else replace(self, lost=name)

    def call(self, texts: int) -> Call:
        """The call of attention that these are the weights of, as they are now, when they are multiplied."""
        weights, empty = (_folded(tensor.movedim(self.of, (-2, -1)), texts) for tensor in (self.weights, self.empty))
        weights = weights.masked_fill(empty, 0)
        sums, tolerance = weights.float().sum(-1), _TOLERANCE.get(weights.dtype, 1e-3)
        rest = (1 - sums).where(sums > 0, 0)
        flaw = f"they go through {self.lost} before they are multiplied with values" if self.lost else None
        if not flaw and (bool(weights.min() < 0) or bool(rest.min() < -tolerance)):
            flaw = f"they are from {float(weights.min()):.3g} on, and their rows sum to up to {float(sums.max()):.3g}"
        sink = rest.clamp(min=0) if not flaw and bool(rest.max() > tolerance) else None
        flaw = flaw and f"its attention weights are changed after their softmax, so that they are no shares: {flaw}"
        return Call.of_weights(weights, sink, flaw=flaw)


class AttentionCalls(TorchFunctionMode):
    """Hands every call that computes attention to `see`, and lets it give what it gives.

    `texts` is how many run at once, `tokens` are the numbers of tokens, where they are known. A softmax counts where
    what it gives is multiplied with something computed, which a router's, a classifier's or an output head's is not,
    and where it is not over the features that a linear layer gives. What is done to it before is done to what is seen.
    """

    def __init__(self, texts: int, see: Callable[[Call], None], tokens: Collection[int] = ()) -> None:
        super().__init__()
        self._texts, self._see, self._tokens = texts, see, tokens
        # By id, which stays the tensor's while that is held.
        self._waiting: dict[int, tuple[torch.Tensor, _Softmax]] = {}
        self._features: WeakValueDictionary[int, torch.Tensor] = WeakValueDictionary()  # of linear layers
        self._learned: WeakValueDictionary[int, torch.Tensor] = WeakValueDictionary()  # views and parts of parameters

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `function`, and see what attention it computes."""
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        if function is functional.scaled_dot_product_attention:
            self._see(_fused(self._texts, *args, **kwargs))
        elif function is functional.multi_head_attention_forward:
            self._see(_multi_head(*args, **kwargs))
        elif type(function).__name__ == "FlexAttentionHOP":
            self._see(_flexible(function, *args, **kwargs))
        elif function in _SOFTMAX:
            self._note(result, *args, **kwargs)
        else:
            self._mark(name, result, args)
            if self._waiting and isinstance(result, torch.Tensor):
                self._follow(name, result, [*args, *kwargs.values()])
        return result

    def _mark(self, name: str, result: Any, args: Sequence[Any]) -> None:
        """Remember the features that a linear layer gives, and the views and the parts of them and of parameters."""
        given = args[0] if args and name in _MOVES | _PARTS else None
        for part in result if isinstance(result, tuple) else [result]:
            if isinstance(part, torch.Tensor):
                if (name == "linear" and part.shape[-1] > 1) or id(given) in self._features:
                    self._features[id(part)] = part
                if self._is_learned(given):
                    self._learned[id(part)] = part

    def _is_learned(self, operand: Any) -> bool:
        return isinstance(operand, torch.nn.Parameter) or id(operand) in self._learned

    def _note(self, weights: torch.Tensor, input: torch.Tensor, dim: int | None = None, *_: Any, **__: Any) -> None:
        """Keep what a softmax gave until something is done with it.

        The axis before the keys' is the queries', unless the one after it is the one that has as many tokens.
        """
        if dim is None or id(input) in self._features:
            return
        axis = dim % weights.ndim
        beside = [at for at in (axis - 1, axis + 1) if 0 <= at < weights.ndim]
        fitting = [at for at in beside if weights.shape[at] in self._tokens] or beside[:1]
        if not fitting or (fitting[0] > axis and not self._tokens):
            return
        of = fitting[0], axis
        empty = torch.isneginf(input.amax(axis, keepdim=True))  # where a softmax gives NaN
        unsure = "one of two axes of the same length, and which is the queries' cannot be told" if fitting[1:] else None
        self._waiting[id(weights)] = weights, _Softmax(weights, of, empty, lost=unsure)

    def _follow(self, name: str, result: torch.Tensor, args: Sequence[Any]) -> None:
        """See the softmax that a product is made of; what else is made of it, and is as large, stands for it."""
        operands = [tensor for arg in args for tensor in (arg if isinstance(arg, list | tuple) else [arg])]
        waiting = [self._waiting[id(tensor)][1] for tensor in operands if id(tensor) in self._waiting]
        if not waiting:
            return
        found = waiting[0]
        has_values = len(waiting) == 1 and not any(map(self._is_learned, operands))
        at, operand = next((at, tensor) for at, tensor in enumerate(operands) if id(tensor) in self._waiting)
        if name == "einsum" and isinstance(args[0], str) and _is_by_element(args[0], at - 1):
            self._waiting[id(result)] = result, found.after(name, result)
        elif name in _PRODUCTS and has_values:
            if found.is_moved and name in _MATRIX and not _is_mixed_by(operand, -2 if at else -1):
                found = replace(found, lost="a transposition")
            self._waiting = {at: kept for at, kept in self._waiting.items() if kept[1].empty is not found.empty}
            self._see(found.call(self._texts))
        elif name in _PRODUCTS and len(waiting) == 1:  # with learned numbers, as of talking heads
            if result.shape == found.weights.shape:
                self._waiting[id(result)] = result, replace(found, lost=name)
        elif name in _MOVES | _KEEPS or result.numel() == found.weights.numel():
            self._waiting[id(result)] = result, found.after(name, result)


def _is_by_element(equation: str, operand: int) -> bool:
    """Whether an `equation` of einsum keeps all axes of one operand, and so sums over none of them."""
    terms, _, given = equation.replace(" ", "").partition("->")
    return bool(given) and set(terms.split(",")[operand]) <= set(given)


def _is_mixed_by(weights: torch.Tensor, axis: int) -> bool:
    """Whether the shares along `axis`, over which a product sums, are of one query: their sum is 1, or 0."""
    sums = weights.float().sum(axis)
    return bool(((sums - 1).abs() < _TOLERANCE.get(weights.dtype, 1e-3)).logical_or(sums == 0).all())


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
