"""One captured pass of any module of torch, which is known by its calls alone."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from attnviz.capture.attention_call import Call
from attnviz.capture.function_mode import SEEN, AttentionCalls, Running, entered
from attnviz.capture.record import Record
from attnviz.capture.working_copy import working_copy
from attnviz.errors import InputError, ModelError
from attnviz.kinds import Kind
from attnviz.selection import Layout, Selection
from attnviz.words import Words

_CROSS = re.compile(r"cross", re.IGNORECASE)
_TO_ENCODER = re.compile(r"enc\w*_?att|src_att|inter_att", re.IGNORECASE)
_DECODER = re.compile(r"dec(oder)?\b|decoder|target|tgt", re.IGNORECASE)
_HEADS = re.compile(r"(.*?\b\w*heads?\w*)\.\d+(?:\.|$)", re.IGNORECASE)
"""What names on the way to a module tell: `2.cross_attn`, `2.encoder_attn`, `decoder.2`, and `2.heads.3`."""
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
        for part in copied.modules():
            part.register_forward_pre_hook(seen.begin, with_kwargs=True)
        try:
            with torch.no_grad(), AttentionCalls(1, seen, {source, source if target is None else target}):
                forward(copied)
        except (AssertionError, RuntimeError) as error:
            if "nested" not in str(error).lower():
                raise
            said = f"the attention of nested tensors in {type(module).__name__} is not seen: {error}"
            raise ModelError(said, "Give it a plain tensor: one text needs no padding.") from error
    return seen.end()


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
        self._source, self._target = source, target
        self._paths = {id(module): name for name, module in model.named_modules()}
        self._numbers: dict[Kind, set[int]] = {"self": set(), "masked-self": set(), "cross": set()}
        self._apart: dict[tuple[str, Kind], list[Call]] = {}  # heads that are modules of their own, by their list
        self._loops: dict[Kind, _Loop] = {}
        self._others: Counter[tuple[int, int]] = Counter()
        self._dtypes = {torch.float32}
        self._has_run = False
        self._notes: dict[str, None] = {}

    def begin(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        """Note that a part of the model is run. Raises InputError where all of it is given several texts."""
        self._has_run = True
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
        if self._target is None and _DECODER.search(path) and "encoder" in self._paths.values():
            raise InputError(
                f"{type(self._model).__name__} has an encoder and a decoder, and it is not said what the decoder reads",
                "Name that too: target_tokens=[…].",
            )
        if (kind := self._kind(call, path)) is None:
            self._others[call.queries, call.keys] += 1
            return
        if call.texts > 1:
            raise _batch(call.texts)
        if call.heads > 1 or not (several := _HEADS.match(path)):
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
        call.record([self._record], kind, self._layer(kind, path))

    def end(self) -> Pass:
        """What was seen of the pass. Raises InputError if it was not of the model, ModelError without any attention."""
        name = type(self._model).__name__
        if not self._has_run:
            raise InputError(f"forward did not run the {name} that it is given", "forward=lambda model: model(x)")
        for kind in list(self._loops):
            self._leave_loop(kind)
        for path, kind in list(self._apart):  # of which some did not run
            self._join(path, kind)
        if not self._record.available:
            raise self._refusal(name)
        if self._target is not None and not self._numbers["cross"]:
            raise InputError(
                f"nothing in {name} looks from target_tokens to tokens: it has self-attention alone",
                "Leave out target_tokens, or run what reads them by itself: forward=lambda model: model.part(y).",
            )
        dtype = next(dtype for dtype in _COARSEST if dtype in self._dtypes)
        return Pass(self._record, tuple(self._notes), str(dtype).removeprefix("torch."), self._sizes)

    @property
    def _sizes(self) -> str:
        return ", ".join(f"{n} × {m}" for n, m in self._others)

    def _refusal(self, name: str) -> ModelError:
        tokens = f"{self._source} tokens" if self._target is None else f"{self._source} and {self._target} tokens"
        if self._others and all(queries == 1 for queries, _ in self._others) and self._source > 1:
            return ModelError(
                f"{name} has no attention between the {tokens} that it reads, but of {self._sizes} queries and keys",
                "Run it on all tokens in one pass, without a cache: forward=lambda model: model(x).",
            )
        if self._others:
            return ModelError(
                f"{name} has no attention between the {tokens} that it reads, but of {self._sizes} queries and keys",
                "Name all that it reads: tokens=[…], and target_tokens=[…] for what a decoder reads.",
            )
        return ModelError(f"no softmax attention was seen in {name}", SEEN)

    def _kind(self, call: Call, path: str) -> Kind | None:
        """The kind of a call, by its sizes, its mask, its inputs and the names on its path; None if not of tokens."""
        n, m = self._source, self._target
        size = call.queries, call.keys
        if m is not None and m != n:
            if size == (m, m):
                return self._of_decoder(call, path)
            return "self" if size == (n, n) else "cross" if size == (m, n) else None
        if size != (n, n):
            return None
        if call.one_input is not True and self._is_named_cross(path):
            return "cross"
        named = path.endswith("multihead_attn")  # as the decoder of torch calls its cross-attention
        if call.one_input is False and (m is not None or named):
            return "cross"
        if call.hides_later:
            return "masked-self"
        if call.hides_later is None:
            self._notes["one token alone: whether its self-attention is masked cannot be told"] = None
        return "self" if m is None else self._of_equals(call, path)

    def _is_named_cross(self, path: str) -> bool:
        """Whether names on the path say so: `encoder_attn` does in a decoder, and not in an encoder alone."""
        has_decoder = self._target is not None or _DECODER.search(path)
        return bool(_CROSS.search(path) or (has_decoder and _TO_ENCODER.search(path)))

    def _of_equals(self, call: Call, path: str) -> Kind | None:
        """The kind of a call that no mask and no name tells, where source and target are as long."""
        if _DECODER.search(path) and call.one_input:
            return self._of_decoder(call, path)
        if call.one_input:
            return "self"
        self._notes["source and target are as long: what is self- and what cross-attention was told by order"] = None
        return "cross" if self._numbers["masked-self"] else "self"

    def _of_decoder(self, call: Call, path: str) -> Kind | None:
        """Masked self-attention of a decoder; without a mask it is left out, and that is noted."""
        if call.hides_later is not False:
            return "masked-self"
        self._notes[f"left out {path}: self-attention of the target in which no mask hides what comes later"] = None
        return None

    def _layer(self, kind: Kind, path: str) -> int:
        """The number of the layer in the outermost list of layers on its path; each call once: else the next number."""
        layer, taken = self._in_list(path), self._numbers[kind]
        while layer in taken:
            layer += 1
        taken.add(layer)
        return layer

    def _in_list(self, path: str) -> int:
        steps = path.split(".")
        for at, step in enumerate(steps):
            if not step.isdecimal() or _HEADS.fullmatch(".".join(steps[: at + 1])):
                continue
            parent = self._model.get_submodule(".".join(steps[:at]))
            alike = len({type(child) for child in parent.children()}) == 1
            if isinstance(parent, torch.nn.ModuleList) or alike:
                return int(step)
        return 0


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
