"""A Hugging Face model: loaded from wherever it is, run once on a text, its attention captured."""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from attnviz.attention import Attention, Part, Token, Trace
from attnviz.errors import InputError, ModelError
from attnviz.kinds import KINDS
from attnviz.models.encoding import Encoding
from attnviz.models.loading import load_model, load_tokenizer, locate, quiet
from attnviz.models.one_parse import one_parse
from attnviz.selection import Selection

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from attnviz.capture import Record

# How far a row's sum may be from 1: eager attention rounds its weights to the model's own type.
_TOLERANCE = {"float32": 1e-4, "float16": 5e-3, "bfloat16": 4e-2}
_LONGEST_TARGET = 256  # tokens that an encoder-decoder may generate, for one that never ends


@dataclass(frozen=True)
class Side:
    """What one stack of the model reads: its tokens, and, in a decoder, the token that each row writes."""

    tokens: tuple[Token, ...]
    predicts: tuple[Token | None, ...] | None = None


@dataclass(frozen=True)
class HuggingFaceModel:
    """A loaded model and its tokenizer; make one with `load`."""

    name: str
    model: "PreTrainedModel"
    encoding: Encoding
    revision: str | None = None

    @classmethod
    def load(
        cls,
        spec: "str | os.PathLike[str] | PreTrainedModel",
        *,
        revision: str | None = None,
        device: str | None = None,
        dtype: str | None = None,
        trust_remote_code: bool = False,
        tokenizer: "str | os.PathLike[str] | PreTrainedTokenizerBase | None" = None,
    ) -> "HuggingFaceModel":
        """Load `spec`: a Hub name, a folder, a .gguf file, or a model already in memory, which needs its `tokenizer`.

        `device` is the best that there is, and `dtype` the checkpoint's own, where they are not given. Weights come
        from safetensors, or through torch's safe loader; code in a repository runs only with `trust_remote_code`.
        Raises ModelError for what cannot be found or loaded.
        """
        if not isinstance(spec, str | os.PathLike):
            if tokenizer is None:
                raise ModelError(
                    f"a loaded {type(spec).__name__} does not bring its tokenizer",
                    "Pass it too: attnviz.trace(text, model=model, tokenizer=tokenizer).",
                )
            name = spec.config.name_or_path
            name = os.path.basename(name) if os.path.isdir(name) else name or type(spec).__name__
            return cls(name, spec, Encoding(load_tokenizer(tokenizer, {})), revision)
        place = locate(os.fspath(spec))
        options = {"revision": revision, "trust_remote_code": trust_remote_code, **place.options}
        with one_parse() if "gguf_file" in options else nullcontext():
            model = load_model(place.path, options, device, dtype)
            if tokenizer is None:
                tokenizer = load_tokenizer(place.path, options)
        return cls(place.name, model, Encoding(load_tokenizer(tokenizer, {})), revision)

    def trace(self, text: str, *, target: str | None = None, selection: Selection | None = None) -> Trace:
        """Run the model once on `text` and return the attention that `selection` asks for; all where it is None.

        An encoder-decoder reads `target` in its decoder, or, without one, what it greedily generates. Raises
        InputError for a text that is empty or too long, SelectionError for what the model does not have, ModelError
        where it has no softmax attention, and CaptureError where what it gave is not attention.
        """
        from attnviz.capture import capture

        selection = selection or Selection()
        has_encoder = bool(self.model.config.is_encoder_decoder)
        if target is not None and not has_encoder:
            raise InputError(f"{self.name} has no decoder apart that could read a target", "Leave the target out.")
        with quiet():
            inputs, tokens = self.encoding.encode(text)
            self._require_room(len(tokens), "text")
            tensors = {name: self._tensor(ids) for name, ids in inputs.items()}
            sides: dict[Part, Side] = {"encoder": Side(tokens), "decoder": Side(tokens, (*tokens[1:], None))}
            if has_encoder:
                ids, target, written = self._write(tensors) if target is None else self._read(target)
                tensors["decoder_input_ids"] = self._tensor(ids[:-1])
                sides["decoder"] = Side(written[:-1], written[1:])
            record = capture(self.model.base_model, tensors, selection)
        return Trace(
            model=self.name,
            text=text,
            attentions=self._attentions(record, sides),
            target=target,
            revision=self.revision,
            provenance=self._provenance(record.path) | selection.left_out(record.available),
        )

    def _read(self, target: str) -> tuple[list[int], str, tuple[Token, ...]]:
        """The given target: its ids after the start token, its text, its tokens.

        The decoder reads all of them but the last and writes all but the first.
        """
        inputs, tokens = self.encoding.encode(target, as_target=True)
        self._require_room(len(tokens), "target")
        start = self._start()
        return [start, *inputs["input_ids"]], target, (Token(start, self.encoding.named(start), special=True), *tokens)

    def _write(self, tensors: "Mapping[str, torch.Tensor]") -> tuple[list[int], str, tuple[Token, ...]]:
        """The same of a target that the model generates greedily."""
        from attnviz.capture import unchanged

        if not self.model.can_generate():
            raise ModelError(f"{type(self.model).__name__} cannot generate a target", "Give one: --target TEXT.")
        given = {name: tensors[name] for name in ("input_ids", "attention_mask") if name in tensors}
        room = min(self._room() or _LONGEST_TARGET, _LONGEST_TARGET)
        with unchanged(self.model):
            self.model.eval()
            generated = self.model.generate(
                **given, decoder_start_token_id=self._start(), do_sample=False, num_beams=1, max_length=room
            )
        ids = generated[0].tolist()
        text, tokens = self.encoding.spell(ids)
        return ids, text, tokens

    def _start(self) -> int:
        """The token that a decoder starts from. Raises ModelError where neither configuration nor tokenizer has one."""
        candidates = (
            getattr(self.model.config, "decoder_start_token_id", None),
            getattr(self.model.generation_config, "decoder_start_token_id", None),
            getattr(self.model.config, "pad_token_id", None),
            self.encoding.tokenizer.pad_token_id,
        )
        for candidate in candidates:
            if candidate is not None:
                return int(candidate)
        raise ModelError(f"{self.name} does not say which token its decoder starts from", "Set decoder_start_token_id.")

    def _attentions(self, record: "Record", sides: Mapping[Part, Side]) -> tuple[Attention, ...]:
        """What was captured, checked. Raises SelectionError for what was asked for and is not there."""
        chosen = record.selection.resolve(record.available)
        attentions = []
        for kind in (kind for kind in KINDS if kind in chosen):
            part: Part = "encoder" if kind == "self" else "decoder"
            layers = sorted(chosen[kind])
            sinks = record.sink_mass.get(kind, {})
            attention = Attention(
                kind=kind,
                part=part,
                queries=sides[part].tokens,
                keys=sides["encoder" if kind == "cross" else part].tokens,
                by_layer={layer: record.weights[kind][layer] for layer in layers},
                head_numbers={layer: chosen[kind][layer] for layer in layers},
                sink_mass={layer: sinks[layer] for layer in layers if layer in sinks},
                predicts=sides[part].predicts if part == "decoder" else None,
            )
            attention.check(_TOLERANCE.get(self._dtype, 4e-2))
            attentions.append(attention)
        return tuple(attentions)

    def _require_room(self, length: int, what: str) -> None:
        room = self._room()
        if room is not None and length > room:
            raise InputError(
                f"the {what} is {length} tokens long, and {self.name} has room for {room}", "Give it a shorter one."
            )

    def _room(self) -> int | None:
        """How many tokens the model has positions for; None where there is no limit."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        if not isinstance(positions, int) or positions < 1:
            return None
        # RoBERTa counts positions from after the padding's.
        for name, module in self.model.named_modules():
            if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
                return positions - int(module.padding_idx) - 1
        return positions

    def _tensor(self, ids: list[int]) -> "torch.Tensor":
        import torch

        return torch.tensor([ids], device=self.model.device)

    @property
    def _dtype(self) -> str:
        return str(self.model.dtype).removeprefix("torch.")

    def _provenance(self, path: str) -> dict[str, str]:
        versions = {package: version(package) for package in ("attnviz", "transformers", "torch")}
        return {**versions, "dtype": self._dtype, "device": str(self.model.device), "capture": path}
