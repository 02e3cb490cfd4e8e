"""Building the inputs of a model from a prompt: the text, and in a decoder the given or the generated target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from attnviz.attention import Part, Token
from attnviz.errors import InputError, ModelError
from attnviz.labels import visible
from attnviz.models.base import Progress
from attnviz.models.huggingface.adapters import virtual_names
from attnviz.models.huggingface.context_length import context_length, extrapolates
from attnviz.models.huggingface.devices import input_device
from attnviz.models.huggingface.generation import (
    class_that_writes,
    continue_text,
    ends,
    is_for_task,
    strategy_note,
    write_target,
    writes,
)
from attnviz.models.huggingface.languages import TARGET, Translation
from attnviz.models.huggingface.loading import quiet
from attnviz.models.huggingface.tokenization import TextTokenizer, TokenizedText
from attnviz.models.huggingface.vocabulary import require_embeddings
from attnviz.models.model_inputs import ModelInputs, Side
from attnviz.models.unknown_words import unknown_note
from attnviz.models.word_list import joined
from attnviz.prompt import Prompt, TextOrWords

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_LONGEST_TARGET = 256  # limit of generated tokens, for a model that never ends


@dataclass(frozen=True)
class InputBuilder:
    """Builds the inputs for a `prompt`; messages use `name` for the model.

    `progress` is called for the tokens that the model writes.
    """

    name: str
    model: "PreTrainedModel"
    text_tokenizer: TextTokenizer
    prompt: Prompt
    progress: Progress | None = None

    @cached_property
    def translation(self) -> Translation:
        """The languages from and into which the model translates. Raises InputError for an unknown language."""
        given = self.prompt.source_language, self.prompt.target_language
        has_target = self.has_encoder and not self.reads_source
        return Translation.of(self.text_tokenizer.languages, self.model, self.name, *given, has_target)

    @property
    def has_encoder(self) -> bool:
        """Whether an encoder reads the text, and a decoder reads a target or the text too."""
        from attnviz.capture import is_encoder_decoder

        return is_encoder_decoder(self.model)

    @property
    def reads_source(self) -> bool:
        """Whether the decoder reads the text instead of a target."""
        from attnviz.capture import reads_source

        return reads_source(self.model)

    def read(self) -> ModelInputs:
        """The inputs of the model. Raises InputError and ModelError as `Model.trace` does."""
        with quiet():
            return self._after_virtual(self._read())

    def _read(self) -> ModelInputs:
        generate = self.prompt.generate
        self._require_place()
        encoded, provenance = self._encoded()
        provenance |= self.translation.provenance
        notes = self._checked(encoded, "text", generate or 0) + self.translation.notes_on(encoded.ids)
        if generate is not None:
            ids = continue_text(self._writer(), self._tensors(encoded.inputs), generate, self.progress)
            before, encoded = encoded, self.text_tokenizer.continued(encoded, ids)
            provenance["generated"] = encoded.text[len(before.text) :]
            what = self._said_to_be_written(provenance["generated"], encoded.tokens[len(before.tokens) :])
            notes += (f"generated {what} ({len(ids)} token{'s' * (len(ids) != 1)})", *strategy_note(self.model))
        tokens = encoded.tokens
        next_ones = (*tokens[1:], None) if writes(self.model) else None
        sides: dict[Part, Side] = {"encoder": Side(tokens), "decoder": Side(tokens, next_ones)}
        model_inputs = ModelInputs(encoded.text, encoded.inputs, sides, None, provenance, notes)
        if self.has_encoder and not self.reads_source:
            model_inputs = self._with_target(model_inputs, encoded)
        model_inputs = replace(model_inputs, inputs=self._handed(model_inputs.inputs))
        return self._with_source(model_inputs) if self.reads_source else model_inputs

    def _said_to_be_written(self, text: str, tokens: tuple[Token, ...]) -> str:
        """The written text for a note, or the special tokens if the model wrote nothing else."""
        if text:
            return visible(text.strip(" ") or text)
        marks = dict.fromkeys(visible(token.text) for token in tokens if token.id not in ends(self.model))
        return f"only {', '.join(marks)}" if marks else "nothing, because the model ended the text at once"

    def _after_virtual(self, model_inputs: ModelInputs) -> ModelInputs:
        """`model_inputs` with an adapter's virtual tokens before the text: see `capture.virtual_tokens`."""
        from attnviz.capture import find_virtual_prompt

        if (prompt := find_virtual_prompt(self.model)) is None:
            return model_inputs
        names = enumerate(virtual_names(self.model))
        virtual = tuple(Token(number, name, special=True) for number, name in names)
        parts: tuple[Part, ...] = ("encoder", "decoder")
        if self.has_encoder:
            parts = ("decoder",) if prompt.are_keys else ("encoder",)
        changed = {part: model_inputs.sides[part].after(virtual, prompt.are_keys) for part in parts}
        return replace(model_inputs, sides={**model_inputs.sides, **changed})

    def _require_place(self) -> None:
        """Raise InputError for options that this model cannot use."""
        target, generate = self.prompt.target, self.prompt.generate
        if target is not None and not self.has_encoder:
            raise InputError(f"{self.name} has no separate decoder that could read a target", "Leave the target out.")
        if self.reads_source and (target, generate) != (None, None):
            kind = type(self.model).__name__
            raise InputError(
                f"{self.name} is a {kind}: its decoder reads the text itself, and writes nothing",
                f"Leave out {'the target' if generate is None else '--generate'}.",
            )
        if generate is not None and self.has_encoder:
            raise InputError(
                f"{self.name} is an encoder-decoder: it does not continue a text, it writes a target",
                "Leave out --generate: without --target the model generates one.",
            )

    def _encoded(self) -> tuple[TokenizedText, dict[str, str]]:
        """The tokenized text, pair or chat, and its parts for the provenance."""
        text, text_pair, chat = self.prompt.text, self.prompt.text_pair, self.prompt.chat
        if chat and text_pair is not None:
            raise InputError("a chat is one message, and two texts were given", "Leave out --chat or --text-pair.")
        if chat and self.text_tokenizer.languages:  # a template cannot hold the mark of a language
            raise InputError(f"{self.name} is a multilingual translator and does not read chats", "Leave out --chat.")
        if chat:
            return self.text_tokenizer.encode_chat(text), {"chat": str(text)}
        if text_pair is not None:
            return self.text_tokenizer.encode_pair(text, text_pair), {"text pair": joined(text_pair)}
        return self.text_tokenizer.encode(text, language=self.translation.in_source), {}

    def _with_target(self, model_inputs: ModelInputs, encoded: TokenizedText) -> ModelInputs:
        """`model_inputs` with those of the decoder, which reads the target without its last token."""
        target = self.prompt.target
        ids, provenance, tokens, notes = self._written(encoded) if target is None else self._given(target)
        inputs = {**model_inputs.inputs, "decoder_input_ids": ids[:-1]}
        sides = {**model_inputs.sides, "decoder": Side(tokens[:-1], tokens[1:])}
        return replace(model_inputs, inputs=inputs, sides=sides, target=provenance, notes=model_inputs.notes + notes)

    def _with_source(self, model_inputs: ModelInputs) -> ModelInputs:
        """`model_inputs` with the side of a decoder that reads the text, in the form that the model makes of it."""
        start, *others = model_inputs.inputs["decoder_input_ids"]
        source, what = model_inputs.sides["encoder"].tokens[:-1], "the text itself, a token later"
        if others != [token.id for token in source]:
            _, spelled = self.text_tokenizer.spell(others)
            source, what = (
                tuple(replace(token, span=None, word=None) for token in spelled),
                "what the model makes of the text",
            )
        tokens = (Token(start, self.text_tokenizer.named(start), special=True), *source)
        note = f"the decoder of {type(self.model).__name__} reads {what}, and writes nothing"
        notes = dict.fromkeys((*model_inputs.notes, *self._crowding(len(tokens), "text", in_decoder=True), note))
        return replace(
            model_inputs,
            sides={**model_inputs.sides, "decoder": Side(tokens)},
            provenance={**model_inputs.provenance, "decoder reads": what},
            notes=tuple(notes),
        )

    def _handed(self, inputs: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        """The inputs of the model's base when the model reads `inputs`."""
        from attnviz.capture import base_inputs

        read = base_inputs(self.model, self._tensors(inputs))
        return {name: [int(each) for each in value[0]] for name, value in read.items()}

    def _given(self, target: TextOrWords) -> tuple[list[int], str, tuple[Token, ...], tuple[str, ...]]:
        """The given target: its ids with the start token first, its text, its tokens, and notes."""
        self.translation.require_target(self.name)
        encoded = self.text_tokenizer.encode(target, as_target=True, language=self.translation.in_target)
        notes = self._checked(encoded, "target") + self.translation.note(TARGET)
        start = self.translation.start(self.model, encoded.ids, self._start())
        mark = Token(start, self.text_tokenizer.named(start), special=True)
        return [start, *encoded.ids], encoded.text, (mark, *encoded.tokens), notes

    def _written(self, encoded: TokenizedText) -> tuple[list[int], str, tuple[Token, ...], tuple[str, ...]]:
        """The same for a target that the model generates."""
        if not self.model.can_generate():
            raise ModelError(f"{type(self.model).__name__} cannot generate a target", "Give one: --target TEXT.")
        self.translation.require_target(self.name)
        if (code := self.translation.in_target) is not None:
            require_embeddings(self.model, [self.text_tokenizer.languages.ids[code]], self.name, in_decoder=True)
        begins = self.translation.settings(self.model, self._start())
        most = min(context_length(self.model, "decoder") or _LONGEST_TARGET, _LONGEST_TARGET)
        written = write_target(self.model, self._tensors(encoded.inputs), begins, most, self.progress)
        length = len(written.ids)
        cut = [f"the target was cut at {length} tokens: {self.name} had not ended it"] if written.is_cut else []
        notes = (*cut, *strategy_note(self.model), *self.translation.note(TARGET))
        text, tokens = self.text_tokenizer.spell(written.ids)
        own = zip(tokens, written.chosen, strict=True)
        return written.ids, text, tuple(replace(token, generated=is_own) for token, is_own in own), notes

    def _writer(self) -> "PreTrainedModel":
        """The model, if it can continue a text. Raises InputError and ModelError if it cannot."""
        from attnviz.capture import find_virtual_prompt, reads_both_ways

        if reads_both_ways(self.model.config):
            raise InputError(f"{self.name} reads both ways: it does not continue a text", "Leave out --generate.")
        if not self.model.can_generate():
            if is_for_task(self.model):
                raise InputError(
                    f"{self.name} is a {type(self.model).__name__}: it writes nothing", "Leave out --generate."
                )
            kind = class_that_writes(self.model.config)
            hint = f"Load it with one: attnviz.load(MODEL, with_head=True), or {kind}."
            hint = hint if kind else "Leave out --generate: transformers has no class that writes with this model."
            raise ModelError(f"{type(self.model).__name__} has no language-model head to generate with", hint)
        if (prompt := find_virtual_prompt(self.model)) and prompt.are_keys:  # Llama then uses wrong positions
            message = (
                f"{self.name} has a learned prefix, and peft counts positions in another way when it writes after it"
            )
            raise ModelError(f"{message}: it would write something else than it reads", "Leave out --generate.")
        return self.model

    def _start(self) -> int:
        """The start token of the decoder, the same for reading a target as for writing one.

        It is looked up in the order of `generate` of transformers. Raises ModelError if nothing names it.
        """
        settings = getattr(self.model, "generation_config", None)
        own = getattr(settings, "decoder_start_token_id", None)
        candidates = (
            own[0] if isinstance(own, list) and len(own) == 1 else own,  # one for each text of a batch
            getattr(self.model.config, "decoder_start_token_id", None),
            getattr(settings, "bos_token_id", None),
            getattr(self.model.config, "pad_token_id", None),
            self.text_tokenizer.tokenizer.pad_token_id,
        )
        for candidate in candidates:
            if isinstance(candidate, int):
                return candidate
        raise ModelError(f"{self.name} does not say which token its decoder starts from", "Set decoder_start_token_id.")

    def _checked(self, encoded: TokenizedText, what: str, more: int = 0) -> tuple[str, ...]:
        """Notes on a text that the model can read. Raises InputError for a text that it cannot read."""
        require_embeddings(self.model, encoded.ids, self.name, in_decoder=what == "target")
        unknown = encoded.written(self.text_tokenizer.tokenizer.unk_token_id)
        of = f"the {len(encoded.tokens) - sum(encoded.special)} tokens of the {what}"
        crowding = self._crowding(len(encoded.tokens), what, more, in_decoder=what == "target")
        return crowding + unknown_note(unknown, of, f"{self.name}'s")

    def _crowding(self, length: int, what: str, more: int = 0, *, in_decoder: bool = False) -> tuple[str, ...]:
        """A note if a text and `more` tokens to write exceed the model's positions. InputError if it cannot."""
        part: Part = "decoder" if in_decoder else "encoder"
        most = context_length(self.model, part)
        virtual = len(virtual_names(self.model)) if what == "text" else 0
        if most is None or length + virtual + more <= most:
            return ()
        long = f"the {what} is {length} tokens long" + (f", with {more} to generate" if more else "")
        long += f", after {virtual} virtual ones" if virtual else ""
        length += virtual
        if not extrapolates(self.model, part):
            hint = f"Generate at most {most - length}." if length < most else f"Give it a shorter {what}."
            raise InputError(f"{long}, and {self.name} reads at most {most}", hint)
        return (f"{long}, and {self.name} was made for {most}: beyond that, its attention may mean little",)

    def _tensors(self, inputs: Mapping[str, Sequence[int]]) -> "dict[str, torch.Tensor]":
        import torch

        device = input_device(self.model)
        return {name: torch.tensor([ids], device=device) for name, ids in inputs.items()}
