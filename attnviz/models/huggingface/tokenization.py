"""Turning texts into ids and tokens with a Hugging Face tokenizer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial, wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from attnviz.attention import Token
from attnviz.errors import InputError, ModelError
from attnviz.labels import tokens_from_offsets
from attnviz.models.huggingface.chat_template import rendered_chat
from attnviz.models.huggingface.languages import Languages
from attnviz.models.huggingface.offsets import offsets_by_words
from attnviz.models.huggingface.spelling import Offsets, decode, is_space, name, offsets_by_decoding, own_name
from attnviz.models.huggingface.tokenizer_limits import with_limits
from attnviz.models.word_list import joined, numbered
from attnviz.prompt import TextOrWords, require_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

JOINT = "\n"  # between the two texts of a pair
_one_at_a_time = Lock()
_P = ParamSpec("_P")
_T = TypeVar("_T")


def _within_bounds(
    method: "Callable[Concatenate[TextTokenizer, _P], _T]",
) -> "Callable[Concatenate[TextTokenizer, _P], _T]":
    """`method` with the limits of `tokenizer_limits` for a tokenizer.json; a tokenizer in Python can be interrupted."""

    @wraps(method)
    def within_bounds(text_tokenizer: "TextTokenizer", *given: _P.args, **how: _P.kwargs) -> _T:
        run = partial(method, text_tokenizer, *given, **how)
        if not text_tokenizer.tokenizer.is_fast:
            return run()
        return with_limits(run, sum(len(each) for each in given if isinstance(each, str | Sequence)))

    return within_bounds  # type: ignore[return-value]


@dataclass(frozen=True)
class TokenizedText:
    """A text as a model reads it: ids, mask and other inputs, and its tokens, whose spans are ranges of `text`.

    `offsets` are the spans with the spaces that spans leave out; `words` are the words if the text was given as a list.
    """

    text: str
    inputs: Mapping[str, list[int]]
    tokens: tuple[Token, ...]
    offsets: Offsets
    words: tuple[str, ...] = ()

    @property
    def ids(self) -> list[int]:
        """The id of each token."""
        return self.inputs["input_ids"]

    @property
    def special(self) -> list[bool]:
        """Which tokens are special."""
        return [token.special for token in self.tokens]

    def of_words(self, words: Sequence[str]) -> "TokenizedText":
        """This text with its tokens numbered by the `words` of the given list."""
        return replace(self, tokens=numbered(self.tokens, words), words=tuple(words))

    def written(self, id_: int | None) -> list[str]:
        """The text of each token with this id that is not special."""
        return [
            self.text[slice(*token.span)] if token.span else token.text
            for token in self.tokens
            if token.id == id_ and not token.special
        ]


@dataclass(frozen=True)
class TextTokenizer:
    """Turns texts into ids, and ids into tokens, with one tokenizer."""

    tokenizer: "PreTrainedTokenizerBase"

    @property
    def languages(self) -> Languages:
        """The languages for which the tokenizer has marks, and its current settings."""
        return self._languages.set_by(self.tokenizer)

    @cached_property
    def _languages(self) -> Languages:
        return Languages.of(self.tokenizer)

    @_within_bounds
    def encode(self, text: TextOrWords, *, as_target: bool = False, language: str | None = None) -> TokenizedText:
        """`text`, or a list of words, as a model reads it, with the mark of `language` if one is named.

        `as_target` is for the text of a decoder. Raises InputError for a text that is empty, not Unicode, or without
        any token.
        """
        what = "target" if as_target else "text"
        if not isinstance(text, str):
            return self.encode(joined(text, what), as_target=as_target, language=language).of_words(text)
        require_text(text, what)
        is_other = as_target and (
            self.languages.of_target or not self.languages
        )  # otherwise a target is encoded like a source
        inputs = self._tokenized(text_target=text) if is_other else self._tokenized(text)
        if language is not None:
            inputs = self.languages.mark(inputs, language)
        return self._encoded(text, inputs, what)

    @_within_bounds
    def encode_pair(self, text: TextOrWords, text_pair: TextOrWords) -> TokenizedText:
        """Two texts, the second in a new segment; `text` has one line for each.

        Raises InputError as `encode` does, for a list of words together with a text, and for a tokenizer without a
        separator between two texts.
        """
        if not isinstance(text, str) and not isinstance(text_pair, str):
            return self.encode_pair(joined(text), joined(text_pair, "second text")).of_words([*text, *text_pair])
        if not isinstance(text, str) or not isinstance(text_pair, str):
            raise InputError("one of the two texts is a list of words", "Give both as lists, or both as strings.")
        require_text(text)
        require_text(text_pair, "second text")
        inputs = self._tokenized(text, text_pair)
        border = self._border(inputs, text_pair)
        offsets, by = inputs["offset_mapping"], len(text) + len(JOINT)
        offsets[border:] = [(start + by, end + by) for start, end in offsets[border:]]
        encoded = self._encoded(f"{text}{JOINT}{text_pair}", inputs, "text")
        second = [replace(token, segment=1) for token in encoded.tokens[border:]]
        return replace(encoded, tokens=(*encoded.tokens[:border], *second))

    @_within_bounds
    def encode_chat(self, message: TextOrWords) -> TokenizedText:
        """`message` as a user's message in the tokenizer's chat template, up to the start of the answer.

        The text is the whole result of the template. Raises InputError as `encode` does, and ModelError if there is no
        template, or if it fails or needs too much time or memory.
        """
        if not isinstance(message, str):
            raise InputError("a chat is one message, and a list of words was given", "Give it as a string.")
        require_text(message)
        text = rendered_chat(self.tokenizer, [{"role": "user", "content": message}])
        return self._encoded(text, self._tokenized(text, add_special_tokens=False), "text")

    @_within_bounds
    def continued(self, prompt: TokenizedText, ids: Sequence[int]) -> TokenizedText:
        """`prompt` followed by the `ids` that a model wrote after it, as a new segment."""
        every = [*prompt.ids, *ids]
        special = [*prompt.special, *self.special(ids)]
        before, _ = offsets_by_decoding(prompt.ids, prompt.special, self._decode)
        spelled, offsets = offsets_by_decoding(every, special, self._decode)
        text, by = prompt.text + spelled[len(before) :], len(prompt.text) - len(before)
        written = [(start + by, end + by) if start < end else (0, 0) for start, end in offsets[len(prompt.ids) :]]
        whole = [*prompt.offsets, *written]
        segments = [token.segment for token in prompt.tokens]
        segments += [segments[-1] + 1] * len(ids)
        tokens = zip(self._tokens(text, every, special, whole), segments, strict=True)
        known = len(prompt.ids)
        encoded = TokenizedText(
            text,
            {"input_ids": every, "attention_mask": [1] * len(every)},
            tuple(replace(t, segment=segment, generated=index >= known) for index, (t, segment) in enumerate(tokens)),
            whole,
        )
        return encoded.of_words(prompt.words) if prompt.words else encoded

    @_within_bounds
    def spell(self, ids: Sequence[int]) -> tuple[str, tuple[Token, ...]]:
        """The text that generated `ids` spell, and their tokens."""
        special = self.special(ids)
        text, offsets = offsets_by_decoding(ids, special, self._decode)
        return text, self._tokens(text, ids, special, offsets)

    def special(self, ids: Sequence[int]) -> list[bool]:
        """Which ids are not text: special tokens, and ids that a model wrote and the tokenizer does not know.

        The unknown token is special in the tokenizer, but it stands for a word of the text and is not special here.
        """
        return [id_ in self._marks or own_name(self.tokenizer, id_) is None for id_ in ids]

    def named(self, id_: int) -> str:
        """The name of a token: `[CLS]`. Raises ModelError for an impossible id."""
        if id_ < 0:
            raise ModelError(f"{id_} is the id of no token", "Is decoder_start_token_id in its config.json right?")
        return name(self.tokenizer, id_)

    @cached_property
    def _marks(self) -> set[int | None]:
        tokenizer = self.tokenizer
        added = {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
        marks = (added | set(tokenizer.all_special_ids)) - {tokenizer.unk_token_id}
        marks |= set() if self.languages.of_target else {*self.languages.ids.values()}
        return marks | {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}

    def _tokenized(self, *texts: str, **how: Any) -> dict[str, Any]:
        kept = {"return_special_tokens_mask": True, "return_offsets_mapping": self.tokenizer.is_fast}
        inputs = self._called(*texts, **how, **kept)
        if "special_tokens_mask" not in inputs:
            inputs["special_tokens_mask"] = self.special(inputs["input_ids"])
        if "offset_mapping" not in inputs:
            given = [text for text in (*texts, *how.values()) if isinstance(text, str)]
            inputs["offset_mapping"] = self._sought(inputs["input_ids"], given, **how)
        return inputs

    def _called(self, *texts: str, **how: Any) -> dict[str, list[Any]]:
        """The tokenizer's output for one text. Raises ModelError if it fails, because its files are not trusted.

        The tokenizer of MarianMT is switched to the target and back, so no other thread can use it in between.
        """
        is_switched = hasattr(self.tokenizer, "_switch_to_target_mode") and not self.tokenizer.is_fast
        try:
            with _one_at_a_time if is_switched else nullcontext():
                return _of_one_text(self.tokenizer(*texts, **how))
        except Exception as error:
            message = f"the tokenizer fails on this text: {type(error).__name__}: {error}"
            raise ModelError(message, "Another one can be given: --tokenizer NAME") from error

    def _ids(self, **text: str) -> list[int]:
        """The ids of a `text`, or of a `text_target`, without the tokenizer's own marks."""
        return self._called(**text, add_special_tokens=False)["input_ids"]

    def _sought(self, ids: Sequence[int], texts: Sequence[str], **how: Any) -> Offsets:
        """The offset of each of `ids` in its text of `texts`, for a tokenizer that does not return offsets."""
        kind = "text_target" if "text_target" in how else "text"

        def encode(part: str) -> list[int]:
            return self._ids(**{kind: part})

        offsets: Offsets = []
        for text in texts:
            own = encode(text)
            while len(offsets) < len(ids) and ids[len(offsets) : len(offsets) + len(own)] != own:
                offsets.append((0, 0))
            offsets += offsets_by_words(text, own, self.tokenizer.unk_token_id, encode, self._decode)
        return (offsets + [(0, 0)] * len(ids))[: len(ids)]

    def _encoded(self, text: str, inputs: dict[str, Any], what: str) -> TokenizedText:
        added, offsets = inputs.pop("special_tokens_mask"), inputs.pop("offset_mapping")
        ids = inputs["input_ids"]
        special = [mark or bool(also) for mark, also in zip(self.special(ids), added, strict=True)]
        if all(special):
            raise InputError(f"the tokenizer finds no token in the {what}", "Give it some words.")
        return TokenizedText(text, inputs, self._tokens(text, ids, special, offsets), offsets)

    def _border(self, inputs: Mapping[str, Any], text_pair: str) -> int:
        """The index of the second text's first token. Raises InputError if there is no separator before it."""
        length = len(self._ids(text=text_pair))
        written = [index for index, added in enumerate(inputs["special_tokens_mask"]) if not added]
        if not 0 < length < len(written):
            raise InputError("the tokenizer finds no token in one of the two texts", "Give it some words.")
        border = written[-length]
        if border == written[-length - 1] + 1:
            raise InputError(
                "this model does not read pairs: its tokenizer puts no separator between two texts",
                "Leave out --text-pair, or take a model that reads pairs, such as BERT.",
            )
        return border

    def _tokens(
        self, text: str, ids: Sequence[int], special: Sequence[bool], offsets: Sequence[tuple[int, int]]
    ) -> tuple[Token, ...]:
        following = [*(start if start < end else len(text) for start, end in offsets[1:]), len(text)]
        spans = [
            # The offset of an added space is the character after it, which belongs to the next token.
            (0, 0) if end > after and is_space(self.tokenizer, id_) else (start, end)
            for id_, (start, end), after in zip(ids, offsets, following, strict=True)
        ]
        names = [
            "" if start < end else self.named(id_) if mark else self._decode([id_])
            for id_, mark, (start, end) in zip(ids, special, spans, strict=True)
        ]
        return tokens_from_offsets(text, ids, spans, special, names)

    def _decode(self, ids: Sequence[int]) -> str:
        return decode(self.tokenizer, ids)


def _of_one_text(given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A tokenizer's output for one text, as lists; some return tensors or arrays, or a batch of one text."""
    lists = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in given.items()}
    if (ids := lists["input_ids"]) and isinstance(ids[0], list):
        lists = {name: value[0] for name, value in lists.items()}
    return lists
