"""Any torch module: called on the ids of a text, or by the caller's function with names for what it reads."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from inspect import signature
from typing import TYPE_CHECKING, Any

from attnviz.attention import IN_MEMORY, Trace
from attnviz.attention.arrays import text_and_tokens
from attnviz.errors import AttnvizError, InputError, ModelError
from attnviz.models.base import Model, Progress
from attnviz.models.captured_attention import attentions_of_record
from attnviz.models.huggingface.global_state import restores_global_state
from attnviz.models.huggingface.loading import given_tokenizer, quiet
from attnviz.models.huggingface.tokenization import TextTokenizer
from attnviz.models.model_inputs import ModelInputs, Side
from attnviz.prompt import Prompt
from attnviz.selection import Selection

if TYPE_CHECKING:
    import torch

Forward = Callable[[Any], Any]
"""A function that is called with a module and runs it: `lambda model: model(x)`."""

_LABELS = "attnviz.trace(model=model, tokens=[…], forward=lambda model: model(x))"


def is_module(given: Any) -> bool:
    """Whether `given` is a torch module, wrapped or not, but not a transformers model."""
    import torch
    from transformers import PreTrainedModel

    from attnviz.capture import unwrapped

    model = unwrapped(given)
    return isinstance(model, torch.nn.Module) and not isinstance(model, PreTrainedModel)


@dataclass(frozen=True, repr=False)
class ModuleModel(Model):
    """A module in memory, and its tokenizer if it has one; make one with `of`."""

    name: str
    module: "torch.nn.Module"
    text_tokenizer: TextTokenizer | None = None

    @classmethod
    def of(cls, given: Any, tokenizer: Any = None) -> "ModuleModel":
        """The model for a module, wrapped or not, or loaded by `attnviz.load`. Raises ModelError for anything else."""
        import torch

        from attnviz.capture import unwrapped
        from attnviz.models.huggingface.model import HuggingFaceModel

        inner = (
            given.module if isinstance(given, cls) else given.model if isinstance(given, HuggingFaceModel) else given
        )
        module = unwrapped(inner)
        if isinstance(inner, str | os.PathLike):
            raise ModelError(
                f"tokens and forward need a model in memory, and the model is {os.fspath(inner)!r}",
                f"Pass your own, {_LABELS}, or a text: attnviz.trace(TEXT, {os.fspath(inner)!r}).",
            )
        if not isinstance(module, torch.nn.Module):
            message = f"the model is of type {type(given).__name__}, not a module in memory"
            raise ModelError(message, f"For example {_LABELS}.")
        text_tokenizer = None if tokenizer is None else TextTokenizer(given_tokenizer(tokenizer, False))
        return cls(type(module).__name__, module, text_tokenizer)

    def _trace_all(self, given: Iterator[Prompt], selection: Selection, progress: Progress | None) -> Iterator[Trace]:
        for prompt in given:
            trace = self._trace_prompt(prompt, selection)
            if progress is not None:
                progress("tokens read", len(trace.attentions[0].queries), None)
            yield trace

    def _trace_prompt(self, prompt: Prompt, selection: Selection) -> Trace:
        """Call the module as `model(input_ids)`, `[1, token]`, and return the selected attention.

        Raises InputError for a target, a pair, a chat or `generate`, and ModelError if there is no tokenizer, if the
        module fails, and if no attention between the tokens was seen.
        """
        for option in prompt.options:
            raise InputError(f"{self.name} is called as model(input_ids): it cannot use {option}", _other_ways())
        if self.text_tokenizer is None:
            raise ModelError(
                f"a {self.name} in memory has no tokenizer",
                f"Pass it too, tokenizer=…, or name what the model reads: {_LABELS}.",
            )
        encoded = self.text_tokenizer.encode(prompt.text)
        side = Side(encoded.tokens)
        model_inputs = ModelInputs(encoded.text, encoded.inputs, {"encoder": side, "decoder": side})
        return self._trace(model_inputs, self._on_ids(encoded.ids), selection)

    def trace_labels(
        self,
        tokens: Sequence[str] | None,
        target_tokens: Sequence[str] | None,
        forward: Forward | None,
        selection: Selection | None = None,
    ) -> Trace:
        """Call `forward` with the module; `tokens` name what it reads, and `target_tokens` what its decoder reads.

        Raises InputError for names that are not strings, for a `forward` that cannot be called with a module, and as
        `trace` does.
        """
        if tokens is None or forward is None:
            missing = "tokens" if tokens is None else "forward"
            raise InputError(f"the argument {missing} is missing", f"Both are needed: {_LABELS}.")
        _require_forward(forward)
        text, read = text_and_tokens(tokens)
        target, written = (None, read) if target_tokens is None else text_and_tokens(target_tokens, "target_tokens")
        model_inputs = ModelInputs(text, {}, {"encoder": Side(read), "decoder": Side(written)}, target)
        return self._trace(model_inputs, forward, selection)

    def _on_ids(self, ids: Sequence[int]) -> Forward:
        import torch

        def forward(model: Any) -> None:
            location = next((tensor.device for tensor in (*model.parameters(), *model.buffers())), None)
            try:
                model(torch.tensor([ids], device=location))
            except AttnvizError:
                raise
            except Exception as error:
                message = f"{self.name} fails when it is called as model(input_ids) on {len(ids)} tokens: {error}"
                raise ModelError(message, f"Does it know all ids of this tokenizer? {_other_ways()}") from error

        return forward

    def _trace(self, model_inputs: ModelInputs, forward: Forward, selection: Selection | None) -> Trace:
        from attnviz.capture import capture_module

        selection = selection or Selection()
        read = model_inputs.by_words() if selection.words else model_inputs
        target = None if model_inputs.target is None else len(model_inputs.sides["decoder"].tokens)
        words = model_inputs.words if selection.words else None
        layouts = selection.layouts(read.trace(self.name))
        with quiet(), _as_written():
            source = len(model_inputs.sides["encoder"].tokens)
            found = capture_module(self.module, forward, selection, source, target, words, layouts)
        known = read.trace(self.name)
        provenance = self._provenance(found.record.path) | dict(read.provenance)
        trace = replace(
            known,
            attentions=attentions_of_record(found.record, known, found.dtype),
            provenance=provenance | selection.missing_kinds(found.record.available),
            notes=known.notes + found.notes,
        )
        return selection.reduce(trace)

    def _provenance(self, path: str) -> dict[str, str]:
        weights = [*self.module.parameters(), *self.module.buffers()]
        places = dict.fromkeys(str(weight.device) for weight in weights)
        types = dict.fromkeys(str(weight.dtype).removeprefix("torch.") for weight in self.module.parameters())
        versions = {package: version(package) for package in ("attnviz", "torch")}
        how = {"model": IN_MEMORY, "dtype": ", ".join(types)}
        return {**versions, **how, "device": ", ".join(places), "capture": path}


def _other_ways() -> str:
    return f"For a module that is called in another way: {_LABELS}."


def _require_forward(forward: Any) -> None:
    """Raise InputError if `forward` cannot be called with a model."""
    example = "forward=lambda model: model(x)"
    if not callable(forward):
        raise InputError(f"forward is of type {type(forward).__name__}, which cannot be called", example)
    try:
        signature(forward).bind(None)
    except ValueError:  # a callable without a signature
        return
    except TypeError:
        raise InputError("forward is called with one argument, the model, and this one takes others", example) from None


@restores_global_state
@contextmanager
def _as_written() -> Iterator[None]:
    """Run compiled code of `torch.compile` uncompiled, because calls in compiled code cannot be seen."""
    import torch

    with torch.compiler.set_stance("force_eager"):
        yield
