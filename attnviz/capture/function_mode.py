"""Seeing attention in any torch code: calls of torch's attention functions, and softmaxes multiplied with values.

`nn.MultiheadAttention` and `nn.TransformerEncoderLayer` do not use their fast path while such a mode is on, because
torch uses it only when no mode overrides its functions.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from attnviz.capture.attention_call import Call
from attnviz.capture.softmax_weights import SoftmaxWeights
from attnviz.capture.torch_attention import flexible, fused, multi_head
from attnviz.capture.unseen_attention import UnseenAttention

_SOFTMAX = {torch.softmax, torch.Tensor.softmax, torch.special.softmax, functional.softmax}
SEEN = (
    "attnviz sees scaled_dot_product_attention, nn.MultiheadAttention, flex_attention, and a softmax that is multiplied"
    " with values. It does not see a softmax by hand (exp and sum, log_softmax), code compiled by torch.jit or run by"
    " torch.vmap, or kernels of other packages. Weights that a model returns can be drawn:"
    " attnviz.plot(weights, tokens)."
)
"""The hint if no attention was seen."""


class AttentionCalls(TorchFunctionMode):
    """Calls `see` with every call that computes attention, and changes no result.

    `texts` is the number of texts in the pass, and `tokens` are the numbers of tokens, if known. `SoftmaxWeights`
    decides whether a softmax belongs to attention. Kernels of the calls that are seen are removed from `unseen`.
    """

    def __init__(
        self,
        texts: int,
        see: Callable[[Call], None],
        tokens: Collection[int] = (),
        unseen: UnseenAttention | None = None,
    ) -> None:
        super().__init__()
        self._texts, self._see = texts, see
        self._kernels = unseen.found if unseen else []
        self._softmaxes = SoftmaxWeights(texts, tokens)
        self._seen = 0
        self._after = WeakTensorKeyDictionary()  # tensor → number of the last call whose result it was computed from

    @property
    def unfollowed(self) -> list[tuple[int, int]]:
        """The numbers of queries and keys of each softmax that was not seen to be multiplied with values."""
        return [*self._softmaxes.unfollowed.values()]

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `function`, and look for attention in it."""
        kwargs = kwargs or {}
        kernels = len(self._kernels)
        result = function(*args, **kwargs)
        given = list(_tensors([*args, *kwargs.values()]))
        if any(map(is_functorch_wrapped_tensor, given)):  # torch.vmap or torch.func.grad: numbers cannot be read
            return result
        after = max((self._after[each] for each in given if each in self._after), default=0)
        with torch.no_grad():
            call = self._call(function, result, args, kwargs)
            if call is not None:
                self._seen += 1
                self._see(replace(call, number=self._seen, after=after))
                after = self._seen
        if call is not None or any(each in self._softmaxes for each in given):
            del self._kernels[kernels:]
        if after:
            for made in _tensors([result, args[0] if function is torch.Tensor.__setitem__ else None]):
                self._after[made] = after
                if made._base is not None and made is args[0]:  # a view of it was written to
                    self._after[made._base] = after
        return result

    def _call(self, function: Any, result: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Call | None:
        """The call of attention that `function` is, or that it completes; None if there is none."""
        if function is functional.scaled_dot_product_attention:
            return fused(self._texts, *args, **kwargs)
        if function is functional.multi_head_attention_forward:
            return multi_head(*args, **kwargs)
        if type(function).__name__ == "FlexAttentionHOP":
            return flexible(function, *args, **kwargs)
        if function in _SOFTMAX:
            self._softmaxes.note(result, *args, **kwargs)
            return None
        return self._softmaxes.follow(function, result, args, kwargs)


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    """The tensors in the arguments or results of a function."""
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, list | tuple):
        for each in given:
            yield from _tensors(each)
