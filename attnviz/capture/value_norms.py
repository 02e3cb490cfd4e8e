"""How far each head moves its result when it reads a key: the norm of the key's value behind the output projection.

‖f_h(x_j)‖₂ with f_h(x) = (x W_V^h + b_V^h) W_O^h, without the bias of the output (Kobayashi et al. 2020, Attention is
Not Only a Weight, section 2). The function that computes attention is given the values. W_O belongs to the one module
that reads the result of that function, whatever it is called; what it does must be linear in what it reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from attnviz.capture.buffers import CellBuffer
from attnviz.errors import ModelError

_UNCHANGED = (torch.nn.Dropout, torch.nn.Identity)  # in evaluation mode they return what they read
_KEYS = 1024  # that are computed at once
_ROWS = 8  # of the real input, on which a module is checked to be linear
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}  # of the largest number; 5e-2 for smaller types
_HINT = "Leave out --method norm, or value norms in Python."


@dataclass(frozen=True)
class _Call:
    """A call of attention by `module`, and the modules that read its `result` as it is, so far.

    `value` is `[text, group, key, d_v]`. `result` is a copy, `[text, query, head, d_v]`, so that it shows whether
    something changed the result in place. The norms of `heads` go to the buffer of each text.
    """

    module: torch.nn.Module
    value: torch.Tensor
    result: torch.Tensor
    heads: Sequence[int]
    buffers: Sequence[CellBuffer]
    readers: list[torch.nn.Module] = field(default_factory=list)


class ValueNorms:
    """Follows the results of attention through the modules of `model`, and stores norms in the buffers of each text."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._call: _Call | None = None
        for module in model.modules():
            module.register_forward_pre_hook(self._see, with_kwargs=True)

    def follow(
        self,
        module: torch.nn.Module,
        value: torch.Tensor,
        result: torch.Tensor,
        heads: Sequence[int],
        buffers: Sequence[CellBuffer],
    ) -> None:
        """Note a call of attention; its norms are stored when the next call begins, or at `end`.

        Raises ModelError, as `end` does, for the call before.
        """
        self.end()
        self._call = _Call(module, value, result.clone(), heads, buffers)

    def end(self) -> None:
        """Store the norms of the last call.

        Raises ModelError unless exactly one module read its result as it is, and that module is linear.
        """
        call, self._call = self._call, None
        if call is None or not call.heads:
            return
        if len(call.readers) != 1:
            how = "nothing reads" if not call.readers else "several modules read"
            raise self._refusal(call, f"{how} the result of its attention as it is", "a gate or a norm may come first")
        if (weights := _linear_map(call.readers[0], call.result)) is None:
            what = f"its attention is read by {type(call.readers[0]).__name__}"
            raise self._refusal(call, what, "which is not linear")
        norms = _norms(call.value, weights, call.heads, call.result.shape[2]).cpu().numpy()
        for buffer, of_text in zip(call.buffers, norms, strict=True):
            buffer.value_norms = of_text[:, list(buffer.keys)]

    def _see(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before `module` runs, note it if all that it reads is the result; modules inside such a module do not count.

        A module that returns what it reads does not count either.
        """
        call = self._call
        if call is None or isinstance(module, _UNCHANGED):
            return
        if any(module is part for reader in call.readers for part in reader.modules()):
            return
        read = [given for given in (*args, *kwargs.values()) if isinstance(given, torch.Tensor)]
        if len(read) == 1 and _are_equal(read[0], call.result):
            call.readers.append(module)

    def _refusal(self, call: _Call, what: str, why: str) -> ModelError:
        name = type(self._model).__name__
        return ModelError(f"method norm: {name} does not show what a head adds: {what}, {why}", _HINT)


def no_values(model: torch.nn.Module) -> ModelError:
    """The error for a model whose attention was captured without its values."""
    return ModelError(f"method norm: the attention of {type(model).__name__} does not hand over its values", _HINT)


def _are_equal(read: torch.Tensor, result: torch.Tensor) -> bool:
    """Whether `read` holds the numbers of `result` in the same order; its axes can be others."""
    return (
        (read.numel(), read.dtype, read.device) == (result.numel(), result.dtype, result.device)
        and read.shape[-1] == result.shape[2:].numel()
        and torch.equal(read.reshape(-1), result.reshape(-1))
    )


def _linear_map(module: torch.nn.Module, result: torch.Tensor) -> torch.Tensor | None:
    """W `[head · d_v, d]` of a module that computes x W + b; None if it computes something else.

    Other modules than the two plain ones, such as a layer with an adapter or with packed weights, show W by what they
    make of unit vectors; for some rows of the real input x W + b must then be what they give.
    """
    plain = module.weight if type(module) in (torch.nn.Linear, Conv1D) else None
    if isinstance(plain, torch.Tensor) and not plain.is_meta:  # it is where accelerate has put it away
        return plain if type(module) is Conv1D else plain.T
    x = result.flatten(2)[:1, :_ROWS]
    units = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)[None]
    bias, W, expected = module(torch.zeros_like(units[:, :1])), module(units), module(x)
    W = (W - bias)[0].float()
    error = (x.float() @ W + bias.float() - expected.float()).abs().max()
    is_linear = error <= _TOLERANCE.get(x.dtype, 5e-2) * expected.abs().max()
    return W if is_linear else None


def _norms(value: torch.Tensor, weights: torch.Tensor, heads: Sequence[int], count: int) -> torch.Tensor:
    """‖v_h W_O^h‖ of each key for these `heads` of `count`, float32 `[text, head, key]`.

    `value` is `[text, group, key, d_v]`; each group serves the same number of consecutive heads.
    """
    texts, groups, keys, size = value.shape
    W_O = weights.float().reshape(count, size, -1)  # [head, d_v, d]
    norms = torch.empty(texts, len(heads), keys, device=value.device)
    for index, head in enumerate(heads):
        for start in range(0, keys, _KEYS):
            some = value[:, head * groups // count, start : start + _KEYS].float()  # [text, key, d_v]
            norms[:, index, start : start + _KEYS] = torch.linalg.vector_norm(some @ W_O[head], dim=-1)
    return norms
