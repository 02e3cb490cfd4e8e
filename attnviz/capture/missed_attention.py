"""What of a pass of a module may be attention between its tokens and was not recorded: as notes, and as an error."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from transformers import PreTrainedModel

from attnviz.capture.function_mode import SEEN
from attnviz.errors import InputError, ModelError

_ALL_IT_READS = (
    "Name all that it reads, and no more: tokens=[…], and target_tokens=[…] for what a decoder reads."
    " Attention in blocks, windows or chunks of these is not put together."
)
_CHUNKS = "It reads its queries in chunks, which are not put together: run it with chunks as large as the text."


class MissedAttention:
    """What one pass of `model` on so many `source` and `target` tokens left out; fill it while the model runs."""

    def __init__(self, model: torch.nn.Module, source: int, target: int | None) -> None:
        self._model, self._source, self._target = model, source, target
        self._name = type(model).__name__
        self._paths = {id(module): name for name, module in model.named_modules()}
        self._attending: set[str] = set()  # the paths on which attention of any size was seen, and those above them
        self._unseen: dict[str, dict[str, None]] = {}
        self.ran: dict[str, None] = {}
        """The paths of the modules that ran."""
        self.others: Counter[tuple[int, int]] = Counter()
        """How many queries and keys each call of attention has that is not between all tokens."""
        self.unmasked: Collection[str] = ()
        """The paths of a decoder's self-attention that hides nothing."""
        self.unfollowed: Sequence[tuple[int, int]] = ()
        """How many queries and keys each softmax is of that was not multiplied with values, as far as is known."""

    def saw_attention(self, path: str) -> None:
        """Note that attention of any size was seen on a path."""
        self._attending |= _with_those_above(path)

    def add_unseen(self, found: Sequence[tuple[torch.nn.Module | None, str]]) -> None:
        """Note what else may be attention, as `UnseenAttention` finds it."""
        for module, said in found:
            self._unseen.setdefault(said, {})[self._paths.get(id(module)) or self._name] = None

    def notes(self) -> Iterator[str]:
        """What was left out."""
        for path in self.unmasked:
            yield f"left out {path}: self-attention of the target in which no mask hides what comes later"
        if self.unfollowed:
            sizes = ", ".join(f"{count} of {n} × {m}" for (n, m), count in Counter(self.unfollowed).items())
            yield f"left out: softmaxes whose result is multiplied with no values in a way that is understood, {sizes}"
        yield from (f"left out {where}" for where in self._where_unseen())
        known = self._attending.union(*map(_with_those_above, _flat(self._unseen)))
        if silent := [path for path in self.ran if path not in known and self._is_like_others(path)]:
            yield (
                f"no attention was seen in {_some(silent)}, though it was in others of the same class: they have none,"
                " or one that cannot be seen, by another package's kernel, a softmax by hand or an earlier layer's"
                " weights"
            )
        if self.others:
            yield f"left out: attention of {_sizes(self.others)} queries and keys, which are not all those tokens"

    def refusal(self) -> ModelError:
        """The error where no attention between the tokens was seen."""
        tokens = f"{self._source} tokens" if self._target is None else f"{self._source} and {self._target} tokens"
        if self.unmasked:
            return ModelError("; ".join(self.notes()), "Give its forward a mask for the target.")
        if self.others:
            return ModelError(
                f"{self._name} has no attention between the {tokens} that it reads, but of {_sizes(self.others)}"
                " queries and keys",
                self._hint_for_parts(),
            )
        said = f"no softmax attention was seen in {self._name}"
        if self._unseen:
            said = f"no attention in {self._name} is understood; {'; '.join(self._where_unseen())}"
        elif self.unfollowed:
            of = _sizes(Counter(self.unfollowed))
            said = f"no softmax in {self._name}, of {of}, is multiplied with values in a way that is understood"
        return ModelError(said, self._hint(SEEN))

    def _hint_for_parts(self) -> str:
        """What would work where every call is of a part of the tokens."""
        if self._source > 1 and all(queries == 1 for queries, _ in self.others):
            return "Run it on all tokens in one pass, without a cache: forward=lambda model: model(x)."
        queries = sum(number * count for (number, _), count in self.others.items())
        sees_all = self._target is None and all(keys == self._source for _, keys in self.others)
        return _CHUNKS if sees_all and queries % self._source == 0 else self._hint(_ALL_IT_READS)

    def without_cross(self) -> InputError:
        """The error where a target was named, and no attention looks from it to the source."""
        if self.others:
            return InputError(
                f"nothing in {self._name} looks from the {self._target} target_tokens to the {self._source} tokens"
                f" alone: it has attention of {_sizes(self.others)} queries and keys too",
                self._hint(_ALL_IT_READS),
            )
        return InputError(
            f"nothing in {self._name} looks from target_tokens to tokens: it has self-attention alone",
            "Leave out target_tokens, or run what reads them by itself: forward=lambda model: model.part(y).",
        )

    def _hint(self, otherwise: str) -> str:
        """What would work: a model of transformers within gives its weights itself."""
        for path, part in self._model.named_modules():
            if path and isinstance(part, PreTrainedModel):
                inside = re.sub(r"\.(\d+)", r"[\1]", f"model.{path}")
                return f"Trace its {type(part).__name__} by itself: attnviz.trace(text, {inside}, tokenizer=tokenizer)."
        return otherwise

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


def _with_those_above(path: str) -> set[str]:
    """A path, and those of the modules around its own."""
    return {path.rsplit(".", up)[0] for up in range(path.count(".") + 1)}


def _flat(paths: Mapping[str, Mapping[str, None]]) -> list[str]:
    return [path for each in paths.values() for path in each]


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (", …" if paths[3:] else "")


def _sizes(counted: Counter[tuple[int, int]]) -> str:
    return ", ".join(f"{n} × {m}" for n, m in counted)
