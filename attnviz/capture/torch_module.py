"""Running any torch module once and recording its attention, from the calls that it makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from attnviz.capture.attention_call import Call
from attnviz.capture.call_kind import DECODER, CallKinds
from attnviz.capture.function_mode import AttentionCalls
from attnviz.capture.layer_numbers import LIST_OF_HEADS, LayerNumbers
from attnviz.capture.missed_attention import MissedAttention
from attnviz.capture.projections import not_handed_over
from attnviz.capture.record import Record
from attnviz.capture.running import Running, entered, python_modules
from attnviz.capture.unseen_attention import UnseenAttention
from attnviz.capture.value_norms import no_values
from attnviz.capture.working_copy import working_copy
from attnviz.errors import InputError, ModelError
from attnviz.kinds import Kind
from attnviz.selection import Layout, Selection
from attnviz.words import Words

_COARSEST = (torch.bfloat16, torch.float16, torch.float32)
PATH = "torch functions, by a mode"
_BESIDE = (
    "{}: one run makes several calls of attention, and none of them reads the result of another: they are counted"
    " as layers, but could be groups of heads of one layer"
)


@dataclass(frozen=True)
class Pass:
    """The result of one pass of a module, with notes on what is uncertain.

    `dtype` is the coarsest type of the weights.
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
    """Call `forward` with a copy of `module`, and record the attention between its tokens.

    The copy is in evaluation mode and computes no gradients. `source` is the number of tokens, and `target` the number
    of tokens that a decoder reads, if these are others. `words` and `layouts` are those of `capture.run.capture_all`.
    Raises InputError if `forward` does not run the copy or runs several texts, and ModelError if no attention
    between the tokens was seen, and for value norms, queries and keys, which this path does not have.
    """
    if selection.value_norms:
        raise no_values(module)
    if selection.neurons is not None:
        raise not_handed_over(module)
    copied = working_copy(module)
    record = Record(selection, PATH, words=words or {}, layouts=layouts)
    with entered(copied) as inside:
        recorder = _PassRecorder(copied, record, inside, source, target)
        for part in python_modules(copied):
            part.register_forward_pre_hook(recorder.begin, with_kwargs=True)
        tokens = {source, source if target is None else target}
        unseen = UnseenAttention(inside, tokens)
        mode = AttentionCalls(1, recorder, tokens, unseen)
        try:
            with torch.no_grad(), unseen, mode:
                forward(copied)
        except (AssertionError, RuntimeError) as error:
            if "nested" not in str(error).lower():
                raise
            raise ModelError(
                f"the attention of nested tensors in {type(module).__name__} cannot be seen: {error}",
                "Give it a plain tensor: one text needs no padding.",
            ) from error
    return recorder.end(mode.unfollowed, unseen.found)


@dataclass(frozen=True)
class _Loop:
    """Calls of one head each in one run of the module at `path`; none of them reads the result of another."""

    heads: list[Call]
    run: int
    path: str


class _PassRecorder:
    """Records one pass of `model`: it is called with each call of attention, and stores those between tokens."""

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
        self._separate_heads: dict[
            tuple[str, Kind], list[Call]
        ] = {}  # calls of separate modules for each head, by their list
        self._loops: dict[Kind, _Loop] = {}
        self._last: dict[Kind, tuple[int, int]] = {}  # the run and the number of the last call of several heads
        self._missed = MissedAttention(model, source, target)
        self._dtypes = {torch.float32}
        self._notes: dict[str, None] = {}

    def begin(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        """Note that a module runs. Raises InputError if the model gets several texts."""
        self._missed.ran[self._paths.get(id(module), "")] = None
        if module is not self._model:
            return
        if self._record.available:
            self._notes["the model ran more than once: the layers of each run are counted after those before"] = None
        for given in (*args, *kwargs.values()):
            if (texts := _texts(given, {self._source, self._target})) > 1:
                raise _batch(texts)

    def __call__(self, call: Call) -> None:
        """Record `call` if it is between the tokens. Raises InputError if it has several texts."""
        path = self._paths.get(id(self._inside[-1].module), "") if self._inside else ""
        self._missed.saw_attention(path)
        if self._target is None and DECODER.search(path) and "encoder" in self._paths.values():
            raise InputError(
                f"{type(self._model).__name__} has an encoder and a decoder, and nothing says what the decoder reads",
                "Name those tokens too: target_tokens=[…].",
            )
        if (kind := self._kinds.find(call, path)) is None:
            if path not in self._kinds.unmasked:
                self._missed.others[call.queries, call.keys] += 1
            return
        if call.texts > 1:
            raise _batch(call.texts)
        if call.heads > 1 or not (list_of_heads := LIST_OF_HEADS.match(path)):
            self._put(call, kind, path)
            return
        separate = self._separate_heads.setdefault((list_of_heads[1], kind), [])
        if separate and call.after >= separate[0].number:  # it reads an earlier result, so it is another layer
            self._join(list_of_heads[1], kind)
            separate = self._separate_heads.setdefault((list_of_heads[1], kind), [])
        separate.append(call)
        if len(separate) == len(list(self._model.get_submodule(list_of_heads[1]).children())):
            self._join(list_of_heads[1], kind)

    def _join(self, path: str, kind: Kind) -> None:
        """Record calls of separate heads as one call of a layer."""
        self._keep(Call.of_heads(self._separate_heads.pop((path, kind))), kind, path)

    def _put(self, call: Call, kind: Kind, path: str) -> None:
        """Record `call`. If it has one head, join it to other calls of one head in the same run of a module.

        A call that reads the result of another one is not joined to it, because it is a later layer.
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
            self._keep(loop.heads[0] if len(loop.heads) == 1 else Call.of_heads(loop.heads), kind, loop.path)

    def _keep(self, call: Call, kind: Kind, path: str) -> None:
        self._dtypes.add(call.dtype)
        call.record([self._record], kind, self._layers.next(kind, path))

    def end(self, unfollowed: Sequence[tuple[int, int]], unseen: Sequence[tuple[torch.nn.Module | None, str]]) -> Pass:
        """The result of the pass.

        `unfollowed` are the sizes of softmaxes that were not multiplied with values, and `unseen` what else could be
        attention, from `UnseenAttention`. Raises InputError if the model did not run, or has no cross-attention from
        named target tokens, and ModelError if it has no attention.
        """
        if not self._missed.ran:
            name = type(self._model).__name__
            raise InputError(f"forward did not run the {name} that it is given", "forward=lambda model: model(x)")
        for kind in list(self._loops):
            self._leave_loop(kind)
        for path, kind in list(self._separate_heads):  # lists of which some heads did not run
            self._join(path, kind)
        self._missed.unmasked, self._missed.unfollowed = self._kinds.unmasked, unfollowed
        self._missed.add_unseen(unseen)
        if not self._record.available:
            raise self._missed.refusal()
        if self._target is not None and "cross" not in self._layers.used:
            raise self._missed.without_cross()
        dtype = next(dtype for dtype in _COARSEST if dtype in self._dtypes)
        notes = (*self._notes, *self._layers.notes, *self._kinds.notes, *self._missed.notes())
        return Pass(self._record, notes, str(dtype).removeprefix("torch."))


def _batch(texts: int) -> InputError:
    return InputError(f"the model gets a batch of {texts} texts", "Run one text: model(x[:1]).")


def _texts(given: Any, tokens: set[int | None]) -> int:
    """The number of texts in a tensor of ids or of vectors, as far as its shape shows; 1 for masks."""
    if not isinstance(given, torch.Tensor) or given.dtype == torch.bool or given.ndim not in (2, 3):
        return 1
    if given.is_floating_point() and (given.ndim == 2 or given.shape[-2] == given.shape[-1]):
        return 1
    first, second = given.shape[:2]
    if second in tokens and first not in tokens:
        return first
    return second if given.ndim == 3 and first in tokens and second not in tokens else 1
