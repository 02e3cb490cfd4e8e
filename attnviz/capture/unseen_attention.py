"""Attention that no function of torch shows: its kernels are seen, and so what was left out can be named."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch._higher_order_ops.flex_attention import flex_attention
from torch.utils._python_dispatch import TorchDispatchMode

from attnviz.capture.running import Running
from attnviz.capture.softmax_weights import sum_tolerance

_FUSED = ("attention", "attn", "transformer_encoder_layer")  # what the name of a kernel of attention holds
_PRODUCTS = {"mm", "bmm", "addmm", "baddbmm"}  # which every product of torch ends in


class UnseenAttention(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lists each kernel that computed what may be attention: a fused one, or a product with weights that sum to 1.

    What torch.jit compiled, what another package brings, and what is computed by hand or in torch.vmap comes by here.
    `inside` are the modules that are running, `tokens` the numbers of tokens.
    """

    supports_higher_order_operators = True

    def __init__(self, inside: Sequence[Running], tokens: Collection[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inside, self._tokens = inside, tokens
        self.found: list[tuple[torch.nn.Module | None, str]] = []
        """The module that ran, and what was computed in it; less what `AttentionCalls` has seen to be of a call."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `function`, and list it if it may be of attention."""
        if said := self._said(str(function), args):
            self.found.append((self._inside[-1].module if self._inside else None, said))
        return function(*args, **(kwargs or {}))

    def _said(self, name: str, args: Sequence[Any]) -> str | None:
        """What a kernel computes, if it may be attention."""
        if any(part in name for part in _FUSED) and "backward" not in name:
            return f"what {name.removesuffix('.default')} computes"
        if name.split(".")[1:2] and name.split(".")[1] in _PRODUCTS:
            for operand, queries, keys in zip(args[-2:], (-2, -1), (-1, -2), strict=True):
                if _is_plain(operand) and self._are_weights(operand, queries, keys):
                    n, m = operand.shape[queries], operand.shape[keys]
                    return f"a product with {n} × {m} weights whose rows sum to 1, of no softmax that is seen"
        return None

    def _are_weights(self, operand: torch.Tensor, queries: int, keys: int) -> bool:
        """Whether an `operand` is of so many tokens, and what each query gives to the keys are shares of 1."""
        n, m = operand.shape[queries], operand.shape[keys]
        if not {n, m} <= {*self._tokens} or m == 1 or not operand.numel():
            return False
        rest = operand.sum(keys, dtype=torch.float32) - 1
        return bool(operand.min() >= 0) and bool(rest.abs().max() <= sum_tolerance(operand.dtype))


@flex_attention.py_impl(UnseenAttention)  # type: ignore[untyped-decorator]
def _flex_attention(_mode: UnseenAttention, *args: Any, **kwargs: Any) -> Any:
    """What torch before 2.7 asks for; `AttentionCalls` sees these calls."""
    return flex_attention(*args, **kwargs)


def _is_plain(operand: Any) -> bool:
    """Whether the numbers of an `operand` can be read as they are."""
    plain = type(operand) in (torch.Tensor, torch.nn.Parameter) and operand.layout is torch.strided
    return plain and operand.is_floating_point() and not (operand.is_nested or operand.is_meta)
