"""Possible attention between tokens that a pass of a module did not record: as notes, and as an error."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from transformers import PreTrainedModel

from attnviz.capture.function_mode import SEEN
from attnviz.errors import InputError, ModelError

_ALL_IT_READS = (
    "Name exactly the tokens that it reads: tokens=[…], and target_tokens=[…] for what a decoder reads."
    " Attention in blocks, windows or chunks of tokens cannot be joined."
)
_CHUNKS = "It reads its queries in chunks, which cannot be joined: run it with chunks as large as the text."


class MissedAttention:
    """What one pass of `model` did not record; `source` and `target` are numbers of tokens. Fill it during the pass."""

    def __init__(self, model: torch.nn.Module, source: int, target: int | None) -> None:
        self._model, self._source, self._target = model, source, target
        self._name = type(model).__name__
        self._paths = {id(module): name for name, module in model.named_modules()}
        self._attending: set[str] = set()  # paths of modules with attention of any size, and of the modules around them
        self._unseen: dict[str, dict[str, None]] = {}
        self.ran: dict[str, None] = {}
        """The paths of the modules that ran."""
        self.others: Counter[tuple[int, int]] = Counter()
        """The sizes (queries, keys) of the calls that are not between all tokens, counted."""
        self.unmasked: Collection[str] = ()
        """The paths of a decoder's self-attention that hides nothing."""
        self.unfollowed: Sequence[tuple[int, int]] = ()
        """The sizes (queries, keys) of each softmax that was not seen to be multiplied with values."""

    def saw_attention(self, path: str) -> None:
        """Note that the module at `path` made a call of attention of any size."""
        self._attending |= _with_those_above(path)

    def add_unseen(self, found: Sequence[tuple[torch.nn.Module | None, str]]) -> None:
        """Note other computations that could be attention, from `UnseenAttention`."""
        for module, description in found:
            self._unseen.setdefault(description, {})[self._paths.get(id(module)) or self._name] = None

    def notes(self) -> Iterator[str]:
        """A sentence for each thing that was left out."""
        for path in self.unmasked:
            yield f"left out {path}: self-attention of the target without a mask that hides later tokens"
        if self.unfollowed:
            sizes = ", ".join(f"{count} of {n} × {m}" for (n, m), count in Counter(self.unfollowed).items())
            yield f"left out: softmaxes that were not seen to be multiplied with values, {sizes}"
        yield from (f"left out {where}" for where in self._where_unseen())
        known = self._attending.union(*map(_with_those_above, _flat(self._unseen)))
        if silent := [path for path in self.ran if path not in known and self._is_like_others(path)]:
            yield (
                f"no attention was seen in {_some(silent)}, but it was in other modules of the same class: there is"
                " none, or it cannot be seen because it uses another package's kernel, a softmax by hand or the weights"
                " of an earlier layer"
            )
        if self.others:
            yield f"left out: attention of {_sizes(self.others)} queries and keys, which is not between all tokens"

    def refusal(self) -> ModelError:
        """The error if no attention between the tokens was seen."""
        tokens = f"{self._source} tokens" if self._target is None else f"{self._source} and {self._target} tokens"
        if self.unmasked:
            return ModelError("; ".join(self.notes()), "Give its forward a mask for the target.")
        if self.others:
            return ModelError(
                f"{self._name} has no attention between the {tokens} that it reads; it has attention of"
                f" {_sizes(self.others)} queries and keys",
                self._hint_for_parts(),
            )
        message = f"no softmax attention was seen in {self._name}"
        if self._unseen:
            message = f"no attention in {self._name} could be recognised; {'; '.join(self._where_unseen())}"
        elif self.unfollowed:
            sizes = _sizes(Counter(self.unfollowed))
            message = f"no softmax in {self._name}, of {sizes}, was seen to be multiplied with values"
        return ModelError(message, self._hint(SEEN))

    def _hint_for_parts(self) -> str:
        """The hint if every call covers a part of the tokens."""
        if self._source > 1 and all(queries == 1 for queries, _ in self.others):
            return "Run it on all tokens in one pass, without a cache: forward=lambda model: model(x)."
        queries = sum(number * count for (number, _), count in self.others.items())
        sees_all = self._target is None and all(keys == self._source for _, keys in self.others)
        return _CHUNKS if sees_all and queries % self._source == 0 else self._hint(_ALL_IT_READS)

    def without_cross(self) -> InputError:
        """The error if there are target tokens, and no attention from them to the source."""
        if self.others:
            return InputError(
                f"nothing in {self._name} looks from the {self._target} target_tokens to the {self._source} tokens"
                f" alone: it has attention of {_sizes(self.others)} queries and keys too",
                self._hint(_ALL_IT_READS),
            )
        return InputError(
            f"nothing in {self._name} looks from target_tokens to tokens: it has only self-attention",
            "Leave out target_tokens, or run only the part that reads them: forward=lambda model: model.part(y).",
        )

    def _hint(self, otherwise: str) -> str:
        """A hint to trace the transformers model inside, if there is one; otherwise `otherwise`."""
        for path, part in self._model.named_modules():
            if path and isinstance(part, PreTrainedModel):
                inside = re.sub(r"\.(\d+)", r"[\1]", f"model.{path}")
                return f"Trace only its {type(part).__name__}: attnviz.trace(text, {inside}, tokenizer=tokenizer)."
        return otherwise

    def _where_unseen(self) -> Iterator[str]:
        """The paths of modules with each computation that could be attention."""
        for description, paths in self._unseen.items():
            yield f"in {_some([*paths])}: {description}"

    def _is_like_others(self, path: str) -> bool:
        """Whether attention was seen in a module of the same class and with the same parent."""
        above, _, name = path.rpartition(".")
        beside = dict(self._model.get_submodule(above).named_children())
        if not path or not any(True for _ in beside[name].parameters()):  # a module that only multiplies
            return False
        others = (f"{above}.{other}".lstrip(".") for other, one in beside.items() if type(one) is type(beside[name]))
        return any(other in self._attending for other in others)


def _with_those_above(path: str) -> set[str]:
    """A path, and the paths of the modules around it."""
    return {path.rsplit(".", up)[0] for up in range(path.count(".") + 1)}


def _flat(paths: Mapping[str, Mapping[str, None]]) -> list[str]:
    return [path for each in paths.values() for path in each]


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (", …" if paths[3:] else "")


def _sizes(counted: Counter[tuple[int, int]]) -> str:
    return ", ".join(f"{n} × {m}" for n, m in counted)
