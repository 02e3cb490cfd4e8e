"""Attention that does not call torch's Python functions: its kernels are seen, so that notes can name it."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch._higher_order_ops.flex_attention import flex_attention
from torch.utils._python_dispatch import TorchDispatchMode

from attnviz.capture.running import Running
from attnviz.capture.softmax_weights import sum_tolerance

_FUSED = ("attention", "attn", "transformer_encoder_layer")  # parts of the names of attention kernels
_PRODUCTS = {"mm", "bmm", "addmm", "baddbmm"}  # the kernels of every matrix product


class UnseenAttention(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lists each kernel that could be attention: a fused one, or a product with weights whose rows sum to 1.

    It also sees code compiled by torch.jit, other packages, softmaxes by hand, and torch.vmap. `inside` are the modules
    that are running, and `tokens` the numbers of tokens.
    """

    supports_higher_order_operators = True

    def __init__(self, inside: Sequence[Running], tokens: Collection[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inside, self._tokens = inside, tokens
        self.found: list[tuple[torch.nn.Module | None, str]] = []
        """The running module and a description of the computation; `AttentionCalls` removes calls that it has seen."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `function`, and list it if it could be attention."""
        if description := self._describe(str(function), args):
            self.found.append((self._inside[-1].module if self._inside else None, description))
        return function(*args, **(kwargs or {}))

    def _describe(self, name: str, args: Sequence[Any]) -> str | None:
        """A description of what a kernel computes, if it could be attention."""
        if any(part in name for part in _FUSED) and "backward" not in name:
            return f"the kernel {name.removesuffix('.default')}"
        if name.split(".")[1:2] and name.split(".")[1] in _PRODUCTS:
            for operand, queries, keys in zip(args[-2:], (-2, -1), (-1, -2), strict=True):
                if _is_plain(operand) and self._are_weights(operand, queries, keys):
                    n, m = operand.shape[queries], operand.shape[keys]
                    return f"a product with {n} × {m} weights whose rows sum to 1, without a softmax that can be seen"
        return None

    def _are_weights(self, operand: torch.Tensor, queries: int, keys: int) -> bool:
        """Whether both axes of `operand` have the number of tokens, and each query's numbers are shares of 1."""
        n, m = operand.shape[queries], operand.shape[keys]
        if not {n, m} <= {*self._tokens} or m == 1 or not operand.numel():
            return False
        rest = operand.sum(keys, dtype=torch.float32) - 1
        return bool(operand.min() >= 0) and bool(rest.abs().max() <= sum_tolerance(operand.dtype))


@flex_attention.py_impl(UnseenAttention)  # type: ignore[untyped-decorator]
def _flex_attention(_mode: UnseenAttention, *args: Any, **kwargs: Any) -> Any:
    """Needed by torch before 2.7; `AttentionCalls` records these calls."""
    return flex_attention(*args, **kwargs)


def _is_plain(operand: Any) -> bool:
    """Whether the numbers of `operand` can be read directly."""
    plain = type(operand) in (torch.Tensor, torch.nn.Parameter) and operand.layout is torch.strided
    return plain and operand.is_floating_point() and not (operand.is_nested or operand.is_meta)
