"""One captured pass of any module of torch, which is known by its calls alone."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from transformers import PreTrainedModel

from attnviz.capture.attention_call import Call
from attnviz.capture.call_kind import DECODER, CallKinds
from attnviz.capture.function_mode import SEEN, AttentionCalls
from attnviz.capture.layer_numbers import LIST_OF_HEADS, LayerNumbers
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


@dataclass(frozen=True)
class Pass:
    """What one pass of a module leaves behind, with notes on what could not be told.

    `dtype` is the coarsest type of its weights, and `others` the sizes of attention that is not between tokens.
    """

    record: Record
    notes: tuple[str, ...]
    dtype: str
    others: str


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
        self._others: Counter[tuple[int, int]] = Counter()
        self._dtypes = {torch.float32}
        self._ran: dict[str, None] = {}
        self._attending: set[str] = set()  # the paths on which attention of any size was seen, and those above them
        self._unseen: dict[str, dict[str, None]] = {}  # what may be attention too, and on which paths
        self._notes: dict[str, None] = {}

    def begin(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        """Note that a part of the model is run. Raises InputError where all of it is given several texts."""
        self._ran[self._paths.get(id(module), "")] = None
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
        self._attending |= _with_those_above(path)
        if self._target is None and DECODER.search(path) and "encoder" in self._paths.values():
            raise InputError(
                f"{type(self._model).__name__} has an encoder and a decoder, and it is not said what the decoder reads",
                "Name that too: target_tokens=[…].",
            )
        if (kind := self._kinds.of(call, path)) is None:
            if path not in self._kinds.unmasked:
                self._others[call.queries, call.keys] += 1
            return
        if call.texts > 1:
            raise _batch(call.texts)
        if call.heads > 1 or not (several := LIST_OF_HEADS.match(path)):
            self._put(call, kind, path)
            return
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
        else:
            self._keep(call, kind, path)

    def _leave_loop(self, kind: Kind) -> None:
        if loop := self._loops.pop(kind, None):
            self._keep(loop.heads[0] if len(loop.heads) == 1 else Call.joined(loop.heads), kind, loop.path)

    def _keep(self, call: Call, kind: Kind, path: str) -> None:
        self._dtypes.add(call.dtype)
        call.record([self._record], kind, self._layers.next(kind, path))

    def end(self, unfollowed: Sequence[tuple[int, int]], unseen: Sequence[tuple[torch.nn.Module | None, str]]) -> Pass:
        """What was seen of the pass, in which so many softmaxes, of these sizes, were not multiplied with values."""
        name = type(self._model).__name__
        if not self._ran:
            raise InputError(f"forward did not run the {name} that it is given", "forward=lambda model: model(x)")
        for kind in list(self._loops):
            self._leave_loop(kind)
        for path, kind in list(self._apart):  # of which some did not run
            self._join(path, kind)
        for module, said in unseen:
            self._unseen.setdefault(said, {})[self._paths.get(id(module)) or name] = None
        if not self._record.available:
            raise self._refusal(name, unfollowed)
        if self._target is not None and "cross" not in self._layers.taken:
            raise InputError(
                f"nothing in {name} looks from target_tokens to tokens: it has self-attention alone",
                "Leave out target_tokens, or run what reads them by itself: forward=lambda model: model.part(y).",
            )
        dtype = next(dtype for dtype in _COARSEST if dtype in self._dtypes)
        notes = (*self._notes, *self._layers.notes, *self._kinds.notes, *self._missed(unfollowed))
        return Pass(self._record, notes, str(dtype).removeprefix("torch."), _sizes(self._others))

    def _missed(self, unfollowed: Sequence[tuple[int, int]]) -> Iterator[str]:
        """Notes on attention that may be there and was not seen."""
        for path in self._kinds.unmasked:
            yield f"left out {path}: self-attention of the target in which no mask hides what comes later"
        tokens = {self._source, self._source if self._target is None else self._target}
        if lost := Counter(sizes for sizes in unfollowed if {*sizes} <= tokens):
            sizes = ", ".join(f"{count} of {n} × {m}" for (n, m), count in lost.items())
            yield f"left out: softmaxes whose result is multiplied with no values in a way that is understood, {sizes}"
        yield from (f"left out {where}" for where in self._where_unseen())
        known = self._attending.union(*map(_with_those_above, chain(*self._unseen.values())))
        if silent := [path for path in self._ran if path not in known and self._is_like_others(path)]:
            yield (
                f"no attention was seen in {_some(silent)}, though it was in others of the same class: not seen is what"
                " another package's kernel computes, a softmax by hand, and weights that an earlier layer computed"
            )

    def _where_unseen(self) -> Iterator[str]:
        """On which paths there is what may be attention and was not seen to be."""
        for said, paths in self._unseen.items():
            yield f"in {_some([*paths])}: {said}"

    def _is_like_others(self, path: str) -> bool:
        """Whether beside a module stands another of its class in which attention was seen."""
        above, _, name = path.rpartition(".")
        beside = dict(self._model.get_submodule(above).named_children())
        if not path or not any(True for _ in beside[name].parameters()):  # a product that is a module
            return False
        others = (f"{above}.{other}".lstrip(".") for other, one in beside.items() if type(one) is type(beside[name]))
        return any(other in self._attending for other in others)

    def _refusal(self, name: str, unfollowed: Sequence[tuple[int, int]]) -> ModelError:
        tokens = f"{self._source} tokens" if self._target is None else f"{self._source} and {self._target} tokens"
        sizes = _sizes(self._others)
        if self._kinds.unmasked:
            return ModelError("; ".join(self._missed(unfollowed)), "Give its forward a mask for the target.")
        if self._others and all(queries == 1 for queries, _ in self._others) and self._source > 1:
            return ModelError(
                f"{name} has no attention between the {tokens} that it reads, but of {sizes} queries and keys",
                "Run it on all tokens in one pass, without a cache: forward=lambda model: model(x).",
            )
        if self._others:
            return ModelError(
                f"{name} has no attention between the {tokens} that it reads, but of {sizes} queries and keys",
                self._hint(
                    "Name all that it reads, and no more: tokens=[…], and target_tokens=[…] for what a decoder reads."
                    " Attention in blocks, windows or chunks of these is not put together."
                ),
            )
        if self._unseen:
            return ModelError(
                f"no attention in {name} is understood; {'; '.join(self._where_unseen())}", self._hint(SEEN)
            )
        if unfollowed:
            of = _sizes(Counter(unfollowed))
            said = f"no softmax in {name}, of {of}, is multiplied with values in a way that is understood"
            return ModelError(said, self._hint(SEEN))
        return ModelError(f"no softmax attention was seen in {name}", self._hint(SEEN))

    def _hint(self, otherwise: str) -> str:
        """What would work: a model of transformers within gives its weights itself."""
        for path, part in self._model.named_modules():
            if path and isinstance(part, PreTrainedModel):
                inside = re.sub(r"\.(\d+)", r"[\1]", f"model.{path}")
                return f"Trace its {type(part).__name__} by itself: attnviz.trace(text, {inside}, tokenizer=tokenizer)."
        return otherwise


def _with_those_above(path: str) -> set[str]:
    """A path, and those of the modules around its own."""
    return {path.rsplit(".", up)[0] for up in range(path.count(".") + 1)}


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (", …" if paths[3:] else "")


def _sizes(counted: Counter[tuple[int, int]]) -> str:
    return ", ".join(f"{n} × {m}" for n, m in counted)


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
