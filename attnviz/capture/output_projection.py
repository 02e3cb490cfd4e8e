"""The output projection W_O of a layer's attention, found by what reads the result of its attention function.

W_O belongs to the one module that reads that result, whatever it is called; what it does must be linear in what it
reads.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

UNCHANGED = (torch.nn.Dropout, torch.nn.Identity)  # in evaluation mode they return what they read
_ROWS = 8  # of the real input, on which a module is checked to be linear
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}  # of the largest number; 5e-2 for smaller types


@dataclass(frozen=True)
class _Call:
    """A call of attention, and the modules that read its `result` as it is, so far.

    `result` `[text, query, head, d_v]` is a copy, so that it shows whether something changed the result in place.
    """

    result: torch.Tensor
    found: Callable[[torch.Tensor], None]
    missed: Callable[[str, str], None]
    readers: list[torch.nn.Module] = field(default_factory=list)


class OutputProjection:
    """Follows the results of attention through the modules of `model`, to the output projection of each."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._call: _Call | None = None
        for module in model.modules():
            module.register_forward_pre_hook(self._see, with_kwargs=True)

    def follow(
        self, result: torch.Tensor, found: Callable[[torch.Tensor], None], missed: Callable[[str, str], None]
    ) -> None:
        """Note the `result` of a call of attention, `[text, query, head, d_v]`.

        When the next call begins, or at `end`, `found` is called with its W_O, float32 `[head, d_v, d]`. Unless exactly
        one module reads the result as it is, and that module is linear, `missed` is called instead, with what is not so
        and what may be the reason.
        """
        self.end()
        self._call = _Call(result.clone(), found, missed)

    def end(self) -> None:
        """Pass on the output projection of the last call."""
        call, self._call = self._call, None
        if call is None:
            return
        if len(call.readers) != 1:
            how = "nothing reads" if not call.readers else "several modules read"
            call.missed(f"{how} the result of its attention as it is", "a gate or a norm may come first")
        elif (weights := linear_map(call.readers[0], call.result)) is None:
            call.missed(f"its attention is read by {type(call.readers[0]).__name__}", "which is not linear")
        else:
            heads, size = call.result.shape[2:]
            call.found(weights.float().reshape(heads, size, -1))

    def _see(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before `module` runs, note it if all that it reads is the result; modules inside such a module do not count.

        A module that returns what it reads does not count either.
        """
        call = self._call
        if call is None or isinstance(module, UNCHANGED):
            return
        if any(module is part for reader in call.readers for part in reader.modules()):
            return
        if reads_only(args, kwargs, call.result):
            call.readers.append(module)


def reads_only(args: Sequence[Any], kwargs: Mapping[str, Any], result: torch.Tensor) -> bool:
    """Whether all that a module reads is the `result` of attention, `[text, query, head, d_v]`, as it is."""
    read = [given for given in (*args, *kwargs.values()) if isinstance(given, torch.Tensor)]
    return len(read) == 1 and _are_equal(read[0], result)


def _are_equal(read: torch.Tensor, result: torch.Tensor) -> bool:
    """Whether `read` holds the numbers of `result` in the same order; its axes can be others."""
    return (
        (read.numel(), read.dtype, read.device) == (result.numel(), result.dtype, result.device)
        and read.shape[-1] == result.shape[2:].numel()
        and torch.equal(read.reshape(-1), result.reshape(-1))
    )


def linear_map(module: torch.nn.Module, result: torch.Tensor) -> torch.Tensor | None:
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
