"""Following the result of a softmax through torch functions: if it is multiplied with values, it is attention."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch.utils.weak import WeakTensorKeyDictionary

from attnviz.capture.attention_call import Call, with_head_axis

_PRODUCTS = {"matmul", "__matmul__", "__rmatmul__", "bmm", "baddbmm", "mm", "addmm", "einsum", "tensordot"}
_MOVES = {  # functions that return the same numbers, perhaps with other axes
    *("transpose", "permute", "movedim", "moveaxis", "swapaxes", "swapdims", "t", "adjoint", "__get__"),
    *("view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "expand", "view_as", "reshape_as"),
}
_PARTS = {"__getitem__", "chunk", "split", "unbind", "narrow", "select", "tensor_split"}
_REORDERS = {"flip", "fliplr", "flipud", "rot90", "roll", "gather", "take_along_dim", "index_select", "sort"}
_SCALES = {  # functions that change features one by one
    *("mul", "mul_", "__mul__", "__rmul__", "div", "div_", "__truediv__", "true_divide"),
    *("add", "add_", "__add__", "__radd__", "sub", "sub_", "__sub__"),
}
_KEEPS = {
    "dropout",
    "dropout_",
    "contiguous",
    "clone",
    "detach",
    "requires_grad_",
}  # dropout too, because weights are shown before dropout
_MATRIX = {"matmul", "__matmul__", "bmm", "mm"}
_TOLERANCE = {torch.float16: 5e-3, torch.bfloat16: 4e-2}
_UNSURE = "two axes beside the axis of a softmax have the same length: it cannot be known which one is the queries"


@dataclass(frozen=True)
class _Softmax:
    """The state of a softmax's result: its current `weights`, whose `axes` are those of the queries and the keys.

    `number` counts the softmaxes of a pass. `empty` marks rows that see nothing, `dtype` is the coarsest type that the
    weights had, `moves` are the functions that changed the order of axes, and `flaw` says why the weights are no longer
    understood. `multiplied` is True once they were multiplied with values.
    """

    number: int
    weights: torch.Tensor
    axes: tuple[int, int]
    empty: torch.Tensor
    dtype: torch.dtype
    moves: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = ()
    flaw: str | None = None
    multiplied: bool = False

    def after(self, name: str, function: Callable[[torch.Tensor], torch.Tensor], result: torch.Tensor) -> "_Softmax":
        """The state after `function` with this `name`, whose `result` has the same number of entries."""
        if name in _KEEPS or (self.flaw and name in _MOVES):
            return self
        if name in _MOVES:
            return replace(self, moves=(*self.moves, function))
        if name in _REORDERS:
            return self.changed_by(name)
        if (weights := self._in_first_order(result)) is not None:
            return replace(self, weights=weights.detach(), dtype=max(self.dtype, result.dtype, key=sum_tolerance))
        same_memory = result.untyped_storage().data_ptr() == self.weights.untyped_storage().data_ptr()
        return self if same_memory else self.changed_by(name)

    def part(self, name: str, take: Callable[[torch.Tensor], torch.Tensor], result: torch.Tensor) -> "_Softmax":
        """The state of `result`, a part that the function with this `name` took from the weights, as `take` does.

        If keys are left out, such as the column of a learned sink, the rows lose their mass.
        """
        axes = [_varying(take(self._numbers(axis))) for axis in self.axes]
        if self.flaw:
            return self
        if any(len(found) != 1 for found in axes):
            return self.changed_by(name)
        (queries,), (keys,) = axes
        order = take(self._numbers(self.axes[1])).movedim(keys, 0).flatten(1)[:, 0]
        if bool((order.diff() <= 0).any()):  # keys in another order, or several times
            return self.changed_by(name)
        empty = take(self._moved(self.empty.expand(self.weights.shape).contiguous())).narrow(keys, 0, 1)
        return replace(self, weights=result.detach(), axes=(queries, keys), empty=empty, moves=())

    def changed_by(self, name: str) -> "_Softmax":
        """The state after a change, by the function `name`, that cannot be followed."""
        flaw = f"its attention weights are changed after their softmax, by {name}, in a way that cannot be followed"
        return replace(self, flaw=flaw)

    def _in_first_order(self, result: torch.Tensor) -> torch.Tensor | None:
        """`result` in the order of axes that the softmax had; None if it was not computed entry by entry."""
        if not self.moves and result.shape == self.weights.shape:
            return result
        indices = self._moved(torch.arange(self.weights.numel(), device=result.device).view(self.weights.shape))
        if [size for size in indices.shape if size > 1] != [size for size in result.shape if size > 1]:
            return None
        back = torch.empty_like(result).reshape(-1)
        back[indices.reshape(-1)] = result.reshape(-1)
        return back.view(self.weights.shape)

    def _moved(self, numbers: torch.Tensor) -> torch.Tensor:
        """`numbers`, of the shape of the weights, with their axes moved as those of the weights were."""
        return reduce(lambda moved, move: move(moved), self.moves, numbers)

    def _numbers(self, axis: int) -> torch.Tensor:
        """The index along `axis` of each entry, with axes moved as now: the number of its query, or of its key."""
        length = self.weights.shape[axis]
        shape = [length if other == axis else 1 for other in range(self.weights.ndim)]
        numbers = torch.arange(length, dtype=torch.int32, device=self.weights.device).view(shape)
        return self._moved(numbers.expand(self.weights.shape).contiguous())

    def with_queries_along(self, operand: torch.Tensor, axes: Collection[int]) -> "_Softmax":
        """The state once a product has shown that the queries of the `operand` are along one of these `axes`.

        For axes such as `[query, head, key]` the softmax alone does not show which axis is the queries.
        """
        if not axes or operand.numel() != self.weights.numel() or (self.flaw and self.flaw != _UNSURE):
            return self
        axes = {axis % operand.ndim for axis in axes}
        others = [axis for axis in range(self.weights.ndim) if axis != self.axes[1] and self.weights.shape[axis] > 1]
        along = {axis: set(_varying(self._numbers(axis).reshape(operand.shape))) for axis in others}
        fitting = [axis for axis, found in along.items() if found and found <= axes]
        if len(fitting) == 1:
            return replace(self, axes=(fitting[0], self.axes[1]), flaw=None)
        return self if not fitting or self.axes[0] in fitting else replace(self, flaw=_UNSURE)

    def is_summed_over_keys(self, operand: torch.Tensor, axis: int) -> bool:
        """Whether `axis` of the `operand`, in which the weights are multiplied, runs over the keys of one query."""
        queries = self._numbers(self.axes[0])
        return queries.numel() == operand.numel() and axis % operand.ndim not in _varying(queries.view(operand.shape))

    def call(self, texts: int) -> Call:
        """The call of attention with these weights, made when they are multiplied with values."""
        weights, empty = (
            with_head_axis(tensor.movedim(self.axes, (-2, -1)), texts) for tensor in (self.weights, self.empty)
        )
        weights = weights.masked_fill(empty, 0)
        sums, tolerance = weights.float().sum(-1), sum_tolerance(self.dtype)
        rest, flaw = (1 - sums).where(sums > 0, 0), self.flaw
        if not flaw and (bool(weights.min() < 0) or bool(rest.min() < -tolerance)):
            flaw = (
                "its attention weights are changed after their softmax and are no longer shares of 1: the smallest is"
                f" {float(weights.min()):.3g}, and the largest sum of a row is {float(sums.max()):.3g}"
            )
        sink = rest.clamp(min=0) if not flaw and bool(rest.max() > tolerance) else None
        return Call.of_weights(weights, sink, dtype=self.dtype, flaw=flaw)


class SoftmaxWeights:
    """The results of the softmaxes of a pass, followed from function to function.

    A softmax is attention if its result is multiplied with something computed. The softmax of a router, a classifier or
    an output head is not, and neither is one over the features of a linear layer. Changes between the softmax and the
    product are part of the recorded weights. `texts` is the number of texts in the pass, and `tokens` are the numbers
    of tokens, if known.
    """

    def __init__(self, texts: int, tokens: Collection[int]) -> None:
        self._texts, self._tokens = texts, tokens
        self._waiting = WeakTensorKeyDictionary()  # tensor → its `_Softmax`, while the tensor exists
        self._count = 0
        self.unfollowed: dict[int, tuple[int, int]] = {}
        """Number of a softmax → its sizes (queries, keys), until it is multiplied with values.

        A softmax of other sizes than the tokens' is only counted if it has heads, because that of a router or a
        classifier has none.
        """
        self._features: WeakValueDictionary[int, torch.Tensor] = WeakValueDictionary()  # of linear layers
        self._learned: WeakValueDictionary[int, torch.Tensor] = WeakValueDictionary()  # views and parts of parameters

    def __contains__(self, tensor: torch.Tensor) -> bool:
        """Whether `tensor` was computed from the result of a softmax."""
        return tensor in self._waiting

    def note(self, weights: torch.Tensor, input: torch.Tensor, dim: int | None = None, *_: Any, **__: Any) -> None:
        """Note the result of a softmax.

        The axis before the keys is the queries, unless only the axis after the keys has the number of tokens.
        """
        if dim is None or id(input) in self._features:
            return
        axis = dim % weights.ndim
        beside = [index for index in (axis - 1, axis + 1) if 0 <= index < weights.ndim]
        fitting = [index for index in beside if weights.shape[index] in self._tokens] or beside[:1]
        if not fitting or (fitting[0] > axis and not self._tokens):
            return
        empty = torch.isneginf(input.amax(axis, keepdim=True))  # where a softmax gives NaN
        flaw = _UNSURE if fitting[1:] else None
        self._count += 1
        size = weights.shape[fitting[0]], weights.shape[axis]
        if weights.ndim > 3 or {*size} <= {*self._tokens}:
            self.unfollowed[self._count] = size
        self._waiting[weights] = _Softmax(
            self._count, weights.detach(), (fitting[0], axis), empty, weights.dtype, flaw=flaw
        )

    def follow(self, function: Any, result: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Call | None:
        """The call of attention that `function` completes, if it multiplies such weights with values.

        If it changes the weights in another way, the new state is noted.
        """
        name = getattr(function, "__name__", "")
        self._mark(name, result, args)
        if not self._waiting:
            return None
        operands = [*_flat(args), *_flat(list(kwargs.values()))]
        waiting = [
            (i, each) for i, each in enumerate(operands) if isinstance(each, torch.Tensor) and each in self._waiting
        ]
        if not waiting:
            return None
        place, operand = waiting[0]
        found: _Softmax = self._waiting[operand]

        def apply(tensor: torch.Tensor) -> Any:
            return function(*[tensor if arg is operand else arg for arg in args], **kwargs)

        if name in _PARTS:
            self._take(name, found, apply, result)
        elif not isinstance(result, torch.Tensor):
            pass
        elif name == "einsum" and isinstance(args[0], str) and _is_by_element(args[0], place - 1):
            self._waiting[result] = found.after(name, apply, result)
        elif name in _PRODUCTS and len(waiting) == 1:
            if found.multiplied:
                return None
            if not any(map(self._is_learned, operands)):
                found = found.with_queries_along(operand, _query_axes(name, args, place))
                return self._multiplied(found, operand, _summed_axis(name, args, place))
            if result.shape == found.weights.shape:  # mixed by learned numbers, as in talking-heads attention
                self._waiting[result] = found.changed_by(name)
        elif name in _MOVES | _KEEPS or result.numel() == found.weights.numel():
            self._waiting[result] = found.after(name, apply, result)
            for _, other in waiting[1:]:  # `result` is computed from it too, as in the mean of two
                self.unfollowed.pop(self._waiting[other].number, None)
        return None

    def _multiplied(self, found: _Softmax, operand: torch.Tensor, axis: int | None) -> Call:
        """The call of attention in which `operand`, the weights, is multiplied with values and summed over `axis`."""
        if axis is not None and not found.is_summed_over_keys(operand, axis):
            found = found.changed_by("a transposition")
        for tensor in list(self._waiting):
            if (known := self._waiting[tensor]).empty is found.empty:
                self._waiting[tensor] = replace(known, multiplied=True)
        self.unfollowed.pop(found.number, None)
        return found.call(self._texts)

    def _take(self, name: str, found: _Softmax, apply: Callable[[torch.Tensor], Any], result: Any) -> None:
        """Note the state of the part or the parts that were taken from weights."""
        if isinstance(result, torch.Tensor):
            self._waiting[result] = found.part(name, apply, result)
            return
        for index, part in enumerate(result):
            self._waiting[part] = found.part(name, partial(_part_of, apply, index), part)

    def _mark(self, name: str, result: Any, args: Sequence[Any]) -> None:
        """Note features of linear layers, and views and parts of features and of parameters."""
        given = args[0] if args and name in _MOVES | _PARTS else None
        scaled = name in _SCALES and self._is_scaled(args)
        for part in result if isinstance(result, tuple) else [result]:
            if isinstance(part, torch.Tensor):
                if (name == "linear" and part.shape[-1] > 1) or id(given) in self._features or scaled:
                    self._features[id(part)] = part
                if self._is_learned(given):
                    self._learned[id(part)] = part

    def _is_scaled(self, args: Sequence[Any]) -> bool:
        """Whether all arguments other than features are single numbers or parameters."""
        tensors = [each for each in args if isinstance(each, torch.Tensor)]
        features = [each for each in tensors if id(each) in self._features]
        others = [each for each in tensors if id(each) not in self._features]
        return bool(features) and all(self._is_learned(each) or each.numel() == 1 for each in others)

    def _is_learned(self, operand: Any) -> bool:
        return isinstance(operand, torch.nn.Parameter) or id(operand) in self._learned


def _flat(args: Sequence[Any]) -> list[Any]:
    """The arguments of a function, with lists expanded."""
    return [each for arg in args for each in (arg if isinstance(arg, list | tuple) else [arg])]


def _part_of(take: Callable[[torch.Tensor], Any], index: int, tensor: torch.Tensor) -> torch.Tensor:
    """One of the parts that `take` takes from a tensor."""
    part: torch.Tensor = take(tensor)[index]
    return part


def _varying(numbers: torch.Tensor) -> list[int]:
    """The axes along which the numbers differ."""
    first = ((axis, numbers.narrow(axis, 0, 1)) for axis in range(numbers.ndim) if numbers.numel())
    return [axis for axis, same in first if not torch.equal(numbers, same.expand_as(numbers))]


def sum_tolerance(dtype: torch.dtype) -> float:
    """The accepted distance from 1 of the sum of a row of weights of this type."""
    return _TOLERANCE.get(dtype, 1e-3)


def _is_by_element(equation: str, operand: int) -> bool:
    """Whether an `equation` of einsum keeps all axes of one operand, so that it sums over none of them."""
    terms, _, given = equation.replace(" ", "").partition("->")
    return bool(given) and set(terms.split(",")[operand]) <= set(given)


def _query_axes(name: str, args: Sequence[Any], operand: int) -> list[int]:
    """The axes of an operand that a product keeps and the other operand does not have: one of them is the queries."""
    if name != "einsum":
        return [-1 if operand else -2] if name in _MATRIX else []
    terms, _, given = args[0].replace(" ", "").partition("->") if isinstance(args[0], str) else ("", "", "")
    if not given or "." in terms:
        return []
    term, *_ = [term for index, term in enumerate(terms.split(",")) if index == operand - 1]
    rest = {letter for index, term in enumerate(terms.split(",")) if index != operand - 1 for letter in term}
    return [axis for axis, letter in enumerate(term) if letter in given and letter not in rest]


def _summed_axis(name: str, args: Sequence[Any], operand: int) -> int | None:
    """The axis of an operand over which a product sums; None if it is not known."""
    if name != "einsum":
        return (-2 if operand else -1) if name in _MATRIX else None
    terms, _, given = args[0].replace(" ", "").partition("->") if isinstance(args[0], str) else ("", "", "")
    if not given or "." in terms:
        return None
    summed = [axis for axis, letter in enumerate(terms.split(",")[operand - 1]) if letter not in given]
    return summed[0] if len(summed) == 1 else None
