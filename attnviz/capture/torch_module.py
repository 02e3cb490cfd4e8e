"""One captured pass of any module of torch, which is known by its calls alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from attnviz.capture.attention_call import Call
from attnviz.capture.call_kind import DECODER, CallKinds
from attnviz.capture.function_mode import AttentionCalls
from attnviz.capture.layer_numbers import LIST_OF_HEADS, LayerNumbers
from attnviz.capture.missed_attention import MissedAttention
from attnviz.capture.record import Record
from attnviz.capture.running import Running, entered, python_modules
from attnviz.capture.unseen_attention import UnseenAttention
from attnviz.capture.working_copy import working_copy
from attnviz.errors import InputError, ModelError
from attnviz.kinds import Kind
from attnviz.selection import Layout, Selection
from attnviz.words import Words

_COARSEST = (torch.bfloat16, torch.float16, torch.float32)
PATH = "torch functions, by a mode"
_BESIDE = (
    "{}: one run of it makes several calls of attention, of which none reads what another gives: they are counted as"
    " layers, and may be parts of one layer's heads"
)


@dataclass(frozen=True)
class Pass:
    """What one pass of a module leaves behind, with notes on what could not be told.

    `dtype` is the coarsest type of its weights.
    """

    record: Record
    notes: tuple[str, ...]
    dtype: str


def capture_module(
    module: torch.nn.Module,
    forward: Callable[[torch.nn.Module], Any],
    selection: Selection,
    source: int,
    target: int | None = None,
    words: Mapping[Kind, Words] | None = None,
    layouts: Mapping[Kind, Layout] | None = None,
) -> Pass:
    """Call `forward` with `module`, and record the attention between its tokens.

    It runs on a copy in evaluation mode, with no gradients. There are so many tokens in `source`, and, where a decoder
    reads others, in `target`. `words` and `layouts` are those of `capture.run.capture_all`. Raises InputError where
    `forward` runs something else, or several texts, and ModelError where no attention between the tokens was seen.
    """
    copied = working_copy(module)
    record = Record(selection, PATH, words=words or {}, layouts=layouts)
    with entered(copied) as inside:
        seen = _Seen(copied, record, inside, source, target)
        for part in python_modules(copied):
            part.register_forward_pre_hook(seen.begin, with_kwargs=True)
        tokens = {source, source if target is None else target}
        unseen = UnseenAttention(inside, tokens)
        mode = AttentionCalls(1, seen, tokens, unseen)
        try:
            with torch.no_grad(), unseen, mode:
                forward(copied)
        except (AssertionError, RuntimeError) as error:
            if "nested" not in str(error).lower():
                raise
            raise ModelError(
                f"the attention of nested tensors in {type(module).__name__} is not seen: {error}",
                "Give it a plain tensor: one text needs no padding.",
            ) from error
    return seen.end(mode.unfollowed, unseen.found)


@dataclass(frozen=True)
class _Loop:
    """Calls of one head each that one run of the module at `path` makes, of which none reads what another gave."""

    heads: list[Call]
    run: int
    path: str


class _Seen:
    """What was seen of one pass of `model`; called with each call of attention, it records those between tokens."""

    def __init__(
        self,
        model: torch.nn.Module,
        record: Record,
        inside: list[Running],
        source: int,
        target: int | None,
    ) -> None:
        self._model, self._record, self._inside = model, record, inside
        self._source, self._target, self._kinds = source, target, CallKinds(source, target)
        self._paths = {id(module): name for name, module in model.named_modules()}
        self._layers = LayerNumbers(model)
        self._apart: dict[tuple[str, Kind], list[Call]] = {}  # heads that are modules of their own, by their list
        self._loops: dict[Kind, _Loop] = {}
        self._last: dict[Kind, tuple[int, int]] = {}  # the run and the number of the last call of several heads
        self._missed = MissedAttention(model, source, target)
        self._dtypes = {torch.float32}
        self._notes: dict[str, None] = {}

    def begin(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        """Note that a part of the model is run. Raises InputError where all of it is given several texts."""
        self._missed.ran[self._paths.get(id(module), "")] = None
        if module is not self._model:
            return
        if self._record.available:
            self._notes["the model ran more than once: layers of each run after those of the one before"] = None
        for given in (*args, *kwargs.values()):
            if (texts := _texts(given, {self._source, self._target})) > 1:
                raise _batch(texts)

    def __call__(self, call: Call) -> None:
        """Record `call` if it is of the tokens. Raises InputError where it is of several texts."""
        path = self._paths.get(id(self._inside[-1].module), "") if self._inside else ""
        self._missed.saw_attention(path)
        if self._target is None and DECODER.search(path) and "encoder" in self._paths.values():
            raise InputError(
                f"{type(self._model).__name__} has an encoder and a decoder, and it is not said what the decoder reads",
                "Name that too: target_tokens=[…].",
            )
        if (kind := self._kinds.of(call, path)) is None:
            if path not in self._kinds.unmasked:
                self._missed.others[call.queries, call.keys] += 1
            return
        if call.texts > 1:
            raise _batch(call.texts)
        if call.heads > 1 or not (several := LIST_OF_HEADS.match(path)):
            self._put(call, kind, path)
            return
        apart = self._apart.setdefault((several[1], kind), [])
        if apart and call.after >= apart[0].number:  # it reads what one before gave: a layer, whatever its list's name
            self._join(several[1], kind)
            apart = self._apart.setdefault((several[1], kind), [])
        apart.append(call)
        if len(apart) == len(list(self._model.get_submodule(several[1]).children())):
            self._join(several[1], kind)

    def _join(self, path: str, kind: Kind) -> None:
        """Record heads that are modules of their own as those of one layer."""
        self._keep(Call.joined(self._apart.pop((path, kind))), kind, path)

    def _put(self, call: Call, kind: Kind, path: str) -> None:
        """Record `call`, or join it, if it is of one head, to others that the same run of a module makes one by one.

        What reads what another gave is not beside it, but a layer after it.
        """
        run = self._inside[-1].run if self._inside else 0
        loop = self._loops.get(kind)
        if loop and (call.heads, run) == (1, loop.run) and call.after < loop.heads[0].number:
            loop.heads.append(call)
            return
        self._leave_loop(kind)
        if call.heads == 1:
            self._loops[kind] = _Loop([call], run, path)
            return
        before = self._last.get(kind)
        if before and before[0] == run and call.after < before[1]:
            self._notes[_BESIDE.format(path or type(self._model).__name__)] = None
        self._last[kind] = run, call.number
        self._keep(call, kind, path)

    def _leave_loop(self, kind: Kind) -> None:
        if loop := self._loops.pop(kind, None):
            self._keep(loop.heads[0] if len(loop.heads) == 1 else Call.joined(loop.heads), kind, loop.path)

    def _keep(self, call: Call, kind: Kind, path: str) -> None:
        self._dtypes.add(call.dtype)
        call.record([self._record], kind, self._layers.next(kind, path))

    def end(self, unfollowed: Sequence[tuple[int, int]], unseen: Sequence[tuple[torch.nn.Module | None, str]]) -> Pass:
        """What was seen of the pass, in which so many softmaxes, of these sizes, were not multiplied with values.

        `unseen` is what else may be attention, as `UnseenAttention` finds it. Raises InputError if the pass was not of
        the model, or has no cross-attention where a target is named, and ModelError without any attention.
        """
        if not self._missed.ran:
            name = type(self._model).__name__
            raise InputError(f"forward did not run the {name} that it is given", "forward=lambda model: model(x)")
        for kind in list(self._loops):
            self._leave_loop(kind)
        for path, kind in list(self._apart):  # of which some did not run
            self._join(path, kind)
        self._missed.unmasked, self._missed.unfollowed = self._kinds.unmasked, unfollowed
        self._missed.add_unseen(unseen)
        if not self._record.available:
            raise self._missed.refusal()
        if self._target is not None and "cross" not in self._layers.taken:
            raise self._missed.without_cross()
        dtype = next(dtype for dtype in _COARSEST if dtype in self._dtypes)
        notes = (*self._notes, *self._layers.notes, *self._kinds.notes, *self._missed.notes())
        return Pass(self._record, notes, str(dtype).removeprefix("torch."))


def _batch(texts: int) -> InputError:
    return InputError(f"the model is given a batch of {texts} texts", "Run one: model(x[:1]).")


def _texts(given: Any, tokens: set[int | None]) -> int:
    """How many texts of so many tokens a tensor of ids, or of vectors, holds, as far as its shape tells: no mask."""
    if not isinstance(given, torch.Tensor) or given.dtype == torch.bool or given.ndim not in (2, 3):
        return 1
    if given.is_floating_point() and (given.ndim == 2 or given.shape[-2] == given.shape[-1]):
        return 1
    first, second = given.shape[:2]
    if second in tokens and first not in tokens:
        return first
    return second if given.ndim == 3 and first in tokens and second not in tokens else 1
