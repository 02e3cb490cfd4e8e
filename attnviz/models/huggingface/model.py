"""A Hugging Face model that traces texts: it is loaded, run once on a text, and its attention is captured."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.attention import IN_MEMORY, Range, Token, Trace, format_ranges
from attnviz.errors import ModelError, SelectionError
from attnviz.kinds import Kind
from attnviz.labels import visible
from attnviz.measured_roles import MeasuredRole, roles_among, to_provenance
from attnviz.models.base import Model, Progress
from attnviz.models.captured_attention import attentions_of_record
from attnviz.models.cut_runs import CutRuns
from attnviz.models.gradients import Gradients, RowGradients
from attnviz.models.huggingface.adapters import (
    named_with,
    notes_of,
    provenance_of,
    require_runnable,
    to_run,
    virtual_names,
)
from attnviz.models.huggingface.batching import group_by_length, is_even, pad, room
from attnviz.models.huggingface.devices import devices, input_device, require_as_it_is
from attnviz.models.huggingface.gguf import one_parse, read
from attnviz.models.huggingface.gguf_attention import attention_notes
from attnviz.models.huggingface.gguf_tokenizer import tokenizer_notes
from attnviz.models.huggingface.hub_cache import commit
from attnviz.models.huggingface.inputs import InputBuilder
from attnviz.models.huggingface.loading import given_tokenizer, load_model, load_tokenizer, quick_start, quiet
from attnviz.models.huggingface.location import locate, locate_all
from attnviz.models.huggingface.tokenization import TextTokenizer
from attnviz.models.huggingface.vocabulary import size_note, start_note
from attnviz.models.model_inputs import ModelInputs
from attnviz.prompt import Prompt
from attnviz.selection import Layout, Selection

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from attnviz.capture import Record

_ROUNDING = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 4e-2}  # the largest error of a weight by rounding


@dataclass(frozen=True, repr=False)
class HuggingFaceModel(Model):
    """A loaded model and its tokenizer; make one with `load`. `tokenizer` is the name of a tokenizer given by the user.

    `notes` are added to each of its traces. `base` is the name of the model of an adapter. `in_memory` says that the
    caller loaded the model, so that no name can load it again. `roles` are what its heads were measured to do.
    """

    name: str
    model: "PreTrainedModel"
    text_tokenizer: TextTokenizer
    revision: str | None = None
    tokenizer: str | None = None
    notes: tuple[str, ...] = ()
    base: str | None = None
    in_memory: bool = False
    roles: tuple[MeasuredRole, ...] = ()

    @classmethod
    def load(
        cls,
        spec: "str | os.PathLike[str] | PreTrainedModel",
        *,
        revision: str | None = None,
        device: str | None = None,
        device_map: "str | Mapping[str, int | str] | None" = None,
        dtype: str | None = None,
        trust_remote_code: bool = False,
        tokenizer: "str | os.PathLike[str] | PreTrainedTokenizerBase | None" = None,
        with_head: bool = False,
        progress: Progress | None = None,
    ) -> "HuggingFaceModel":
        """Load `spec`: a Hub name, a folder, a .gguf file, or a model already in memory, which needs its `tokenizer`.

        By default `device` is the best one available, and `dtype` that of the checkpoint; `device_map` is as in
        transformers. Weights are read from safetensors, or by torch's safe loader; code in a repository runs only with
        `trust_remote_code`. `with_head` loads the head that a decoder needs to generate. `progress` is called for bytes
        and weights. Raises ModelError for a model that cannot be found or loaded.
        """
        if not isinstance(spec, str | os.PathLike):
            require_as_it_is(spec, device=device, device_map=device_map, dtype=dtype)
            return cls._of_loaded(spec, tokenizer, revision, trust_remote_code)
        location = locate(os.fspath(spec))
        if revision is not None and not location.on_hub:
            raise ModelError(
                f"{location.spec} has no revision {revision}", "Only models on the Hub have revisions: leave it out."
            )
        location = locate_all(location, revision)
        options: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
        if tokenizer is not None:  # check the tokenizer before weights are read
            used = given_tokenizer(tokenizer, trust_remote_code)
        with quick_start(), one_parse() if location.is_file else nullcontext():
            how: dict[str, Any] = {"device": device, "device_map": device_map, "dtype": dtype, "with_head": with_head}
            model = load_model(location, progress=progress, **how, **options)
            if tokenizer is None:
                used = load_tokenizer(location, config=model.config, **options)
            notes = _gguf_notes(location.file, model, tokenizer is None) if location.is_file else ()
        loaded = commit(location.spec, revision) if location.on_hub else None
        other = _other_name(tokenizer, used, location.spec)
        base = location.adapter.base_name if location.adapter else None
        notes += location.adapter.notes if location.adapter else ()
        notes += size_note(model, len(used), location.name) if tokenizer is not None else ()
        roles, role_notes = roles_among(location.files())
        notes += start_note(used) + role_notes
        return cls(location.name, model, TextTokenizer(used), loaded, other, notes, base, roles=roles)

    @classmethod
    def _of_loaded(
        cls, given: Any, tokenizer: Any, revision: str | None, trust_remote_code: bool
    ) -> "HuggingFaceModel":
        """A model in memory, wrapped or not, with its tokenizer, which a wrapper can contain.

        Raises ModelError without a tokenizer, for anything but a model, and for a wrapper without a reachable model.
        """
        from attnviz.capture import wrapped

        *wrappers, model = wrapped(given)
        model = to_run(wrappers, model)
        if not hasattr(model, "config"):
            raise ModelError(
                f"the model is of type {type(given).__name__}",
                "Name one, or pass one of transformers: model=AutoModel.from_pretrained(NAME).",
            )
        if tokenizer is None:
            brought = (getattr(wrapper, "tokenizer", None) for wrapper in wrappers)
            tokenizer = next((found for found in brought if found is not None), None)
        if tokenizer is None:
            raise ModelError(
                f"a loaded {type(given).__name__} has no tokenizer",
                "Pass it too: attnviz.trace(text, model=model, tokenizer=tokenizer).",
            )
        name = model.config.name_or_path
        name = os.path.basename(name) if os.path.isdir(name) else name or type(model).__name__
        used = given_tokenizer(tokenizer, trust_remote_code)
        other = _other_name(tokenizer, used, model.config.name_or_path)
        notes = size_note(model, len(used), name) + start_note(used)
        return cls(name, model, TextTokenizer(used), revision, other, notes, in_memory=True)

    def _trace_all(self, given: Iterator[Prompt], selection: Selection, progress: Progress | None) -> Iterator[Trace]:
        """Run several texts in one pass, padded to the same length: as many as memory allows.

        Padding changes the weights of some models. If the shortest text has other weights when it runs alone, each text
        runs alone.
        """
        require_runnable(self.model)
        readings = (InputBuilder(self.name, self.model, self.text_tokenizer, one, progress).read() for one in given)
        return self._traces(readings, selection, progress)

    def _traces(
        self, readings: Iterator[ModelInputs], selection: Selection, progress: Progress | None
    ) -> Iterator[Trace]:
        for group in group_by_length(readings, room(self.model.config)):
            if progress is not None:
                progress("tokens read", sum(model_inputs.tokens for model_inputs in group), None)
            for model_inputs, record in zip(group, self._records(group, selection), strict=True):
                yield selection.reduce(
                    self.trace_of_record(model_inputs.by_words() if selection.words else model_inputs, record)
                )

    def _records(self, group: Sequence[ModelInputs], selection: Selection) -> "list[Record]":
        """The records of the texts of a group, from one pass if padding does not change them."""
        if is_even(group):
            return self._captured(group, selection)
        shortest = min(range(len(group)), key=lambda index: len(group[index].inputs["input_ids"]))
        [alone] = self._captured([group[shortest]], selection)
        together = self._captured(group, selection)
        if _agree(together[shortest], alone, _ROUNDING.get(self._dtype, 4e-2)):
            return together
        return [self._captured([model_inputs], selection)[0] for model_inputs in group]

    def _captured(self, group: Sequence[ModelInputs], selection: Selection) -> "list[Record]":
        import torch

        from attnviz.capture import capture_all

        device, filler = input_device(self.model), self.text_tokenizer.tokenizer.pad_token_id or 0
        inputs = {name: torch.tensor(ids, device=device) for name, ids in pad(group, filler).items()}
        lengths = [{}] * len(group) if is_even(group) else [model_inputs.lengths for model_inputs in group]
        words = [model_inputs.words for model_inputs in group] if selection.words else None
        read = [model_inputs.by_words() if selection.words else model_inputs for model_inputs in group]
        layouts = [_of_rows(selection.layouts(model_inputs.trace(self.name)), model_inputs) for model_inputs in read]
        with quiet():
            return capture_all(self._base, inputs, selection, lengths, words, layouts)

    def gradients(self, prompt: Prompt, progress: Progress | None = None) -> Gradients:
        """Run once on `prompt`, so that gradients of what it writes can be taken.

        Raises InputError and ModelError as `trace` does, and for a text or a model that is too long or gives none.
        """
        import torch

        from attnviz.capture.gradients import GradientPass

        require_runnable(self.model)
        model_inputs = InputBuilder(self.name, self.model, self.text_tokenizer, prompt, progress).read()
        if virtual_names(self.model):
            raise ModelError(
                "method gradient: the virtual tokens of an adapter stand for no text", "Take another: --method norm."
            )
        location = input_device(self.model)
        inputs = {name: torch.tensor([ids], device=location) for name, ids in model_inputs.inputs.items()}
        with quiet():
            taken = GradientPass(self.model, inputs)
        trace = model_inputs.trace(self.name if self.base else named_with(self.name, self.model))
        trace = replace(
            trace,
            attentions=tuple(one for one in trace.attentions if one.kind in taken.kinds),
            revision=self.revision,
            provenance={**self._provenance("eager output_attentions"), **model_inputs.provenance},
            notes=(*model_inputs.notes, *self.notes, *notes_of(self.model)),
        )
        predicts = trace.attentions[-1].predicts

        def of_rows(rows: Sequence[int]) -> Iterator[RowGradients]:
            for row in rows:
                token = (predicts[row] if predicts else None) or self.token_of(taken.likeliest(row))
                yield RowGradients(row, token, taken.weighted(row, token.id))

        return Gradients(trace, of_rows)

    def token_of(self, id: int) -> Token:
        """The token of this id, as one that the model would write."""
        tokenizer = self.text_tokenizer.tokenizer
        decoded = str(tokenizer.decode([id]))
        text = decoded.strip(" ") or decoded or str(tokenizer.convert_ids_to_tokens(id))
        return Token(id, visible(text), special=id in tokenizer.all_special_ids, generated=True)

    def cut_runs(self, prompt: Prompt) -> CutRuns:
        """Runs on `prompt` from which heads or links can be taken out; the model is not changed."""
        from attnviz.models.huggingface.cut_runs import HuggingFaceCutRuns

        return HuggingFaceCutRuns(self, prompt)

    def capture_ids(
        self, ids: Sequence[int], selection: Selection
    ) -> Iterator[tuple[int, tuple[int, ...], np.ndarray]]:
        """For each layer of a decoder that reads these `ids`: its number, its heads, and `[head, query, key]`.

        Raises ModelError for a model that has an encoder, or whose attention is not masked.
        """
        import torch

        from attnviz.capture import capture, is_encoder_decoder

        no_decoder = ModelError(
            f"{self.name} is not a decoder-only model: it cannot be probed", "Name one, such as GPT-2: -m NAME."
        )
        if is_encoder_decoder(self.model):
            raise no_decoder
        record = capture(self._base, {"input_ids": torch.tensor([ids], device=input_device(self.model))}, selection)
        if [*record.available] != ["masked-self"]:
            raise no_decoder
        for layer, weights in record.weights["masked-self"].items():
            yield layer, record.heads["masked-self"][layer], weights

    @cached_property
    def _base(self) -> "PreTrainedModel":
        from attnviz.capture import find_base

        return find_base(self.model)

    def trace_of_record(self, model_inputs: ModelInputs, record: "Record") -> Trace:
        """The trace of a record, with provenance and notes."""
        not_there = record.selection.missing_kinds(record.available) | _without_attention(record.non_attention_layers)
        name = self.name if self.base else named_with(self.name, self.model)
        found = attentions_of_record(record, model_inputs.trace(name), self._dtype)
        if not found and any(model_inputs.prefixes.values()):
            names = virtual_names(self.model)
            raise SelectionError(f"{names[0]} to {names[-1]} have no rows: they are only keys", "Name other rows.")
        return replace(
            model_inputs.trace(name),
            attentions=found,
            revision=self.revision,
            provenance={**self._provenance(record.path), **model_inputs.provenance, **not_there},
            notes=(*model_inputs.notes, *self.notes, *notes_of(self.model)),
        )

    @property
    def _dtype(self) -> str:
        return str(self.model.dtype).removeprefix("torch.")

    def _provenance(self, path: str) -> dict[str, str]:
        versions = {package: version(package) for package in ("attnviz", "transformers", "torch")}
        versions |= {"base model": self.base} if self.base else {}
        versions |= {"model": IN_MEMORY} if self.in_memory else {}
        versions |= provenance_of(self.model)
        versions |= to_provenance(self.roles)
        how = {**versions, "dtype": self._dtype, "device": ", ".join(devices(self.model)), "capture": path}
        return how if self.tokenizer is None else {**how, "tokenizer": self.tokenizer}


def _gguf_notes(path: Path, model: "PreTrainedModel", has_own_tokenizer: bool) -> tuple[str, ...]:
    """Notes on a loaded .gguf file where it can differ from llama.cpp."""
    header = read(path)
    return (*(tokenizer_notes(header) if has_own_tokenizer else ()), *attention_notes(header, model))


def _other_name(given: Any, tokenizer: "PreTrainedTokenizerBase", model: str) -> str | None:
    """The name of the `given` `tokenizer`; None if it is that of the `model`, or has no name."""
    if given is None:
        return None
    name = os.fspath(given) if isinstance(given, str | os.PathLike) else getattr(tokenizer, "name_or_path", "")
    return name if name and name != model else None


def _of_rows(layouts: Mapping[Kind, Layout], model_inputs: ModelInputs) -> dict[Kind, Layout]:
    """`layouts` with rows counted from the first real query: keys of a prefix have no rows."""
    before = model_inputs.prefixes
    return {
        kind: (tuple(row for row in _moved(rows, -before.get(kind, 0)) if row[0] >= 0), columns)
        for kind, (rows, columns) in layouts.items()
    }


def _moved(ranges: Sequence[Range], by: int) -> tuple[Range, ...]:
    return tuple((start + by, stop + by) for start, stop in ranges)


def _without_attention(layers: Mapping[int, str]) -> dict[str, str]:
    """For a trace's provenance: the layers that have no softmax attention between tokens, and what they do instead."""
    alike: dict[str, list[int]] = {}
    for layer, what in layers.items():
        alike.setdefault(what, []).append(layer)
    parts = [f"{format_ranges(tuple(numbers))}: {what}" for what, numbers in alike.items()]
    return {"layers without attention": "; ".join(parts)} if parts else {}


def _agree(one: "Record", other: "Record", tolerance: float) -> bool:
    """Whether two records hold the same weights, within `tolerance`."""
    return all(
        np.allclose(weights, other.weights[kind][layer], rtol=0, atol=tolerance)
        for kind, layers in one.weights.items()
        for layer, weights in layers.items()
    )
