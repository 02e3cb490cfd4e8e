"""The languages of a multilingual translator: the marks that its tokenizer has for them.

M2M-100, NLLB, mBART-50 and SeamlessM4T put the mark of its language before a text, mBART and PLBart after it; a target
is marked like a source. MarianMT marks the source with the language of the target. The mark replaces the one that the
tokenizer added. The tokenizer itself is not changed, because others can use it at the same time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from attnviz.arguments import require_type
from attnviz.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_MARK = re.compile(r"__\w+__|[a-z]{2,3}_[A-Z][A-Za-z]{1,3}")  # __fr__, fr_XX, fra_Latn
_START_FROM_LAST = ("mbart", "plbart")
"""Models whose decoder always starts from the last of its labels, with some tokenizers the mark of the language."""


@dataclass(frozen=True)
class Languages:
    """The languages of a tokenizer: `ids` maps codes to the ids of their marks; and the languages that it is set to.

    `first` says whether a mark stands before the text, `of_target` whether the mark in the source names the language of
    the target, as in MarianMT. A tokenizer without languages has no `ids`.
    """

    ids: Mapping[str, int] = field(default_factory=dict)
    source: str | None = None
    target: str | None = None
    first: bool = True
    of_target: bool = False

    @classmethod
    def of(cls, tokenizer: "PreTrainedTokenizerBase") -> "Languages":
        """The languages of `tokenizer`."""
        if prefixes := getattr(tokenizer, "supported_language_codes", None):  # >>fra<<
            return cls({code[2:-2]: tokenizer.convert_tokens_to_ids(code) for code in prefixes}, of_target=True)
        if not hasattr(tokenizer, "set_src_lang_special_tokens"):
            return cls()
        marks = [str(token) for token in tokenizer.all_special_tokens if _MARK.fullmatch(str(token))]
        known = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in marks}
        known |= getattr(tokenizer, "lang_code_to_id", {})
        ids = {_code(mark): id_ for mark, id_ in known.items() if id_ not in (None, tokenizer.unk_token_id)}
        return cls(ids).set_by(tokenizer)

    def set_by(self, tokenizer: "PreTrainedTokenizerBase") -> "Languages":
        """These languages with the current settings of `tokenizer`."""
        if not self or self.of_target:
            return self
        source, target = (getattr(tokenizer, name, None) for name in ("src_lang", "tgt_lang"))
        first = bool(getattr(tokenizer, "prefix_tokens", ()))
        return replace(self, source=source and _code(source), target=target and _code(target), first=first)

    def __bool__(self) -> bool:
        return bool(self.ids)

    def find(self, given: str | None, option: str, name: str) -> str | None:
        """The code for the value `given` with `option`: the same code, or the only code that begins with it.

        Raises InputError if it is not a language of the model; `name` is the model's name in the message.
        """
        require_type(option.removeprefix("--").replace("-", "_"), given, str, InputError, "A code, such as fr.")
        if given is None:
            return None
        if not self or (self.of_target and option == SOURCE):
            what = "no languages" if not self else "no language of the source"
            raise InputError(f"the tokenizer of {name} names {what}", f"Leave out {option}.")
        wanted = given.strip(" _<>").replace("-", "_").lower()
        same = [code for code in self.ids if code.lower() == wanted]
        begins = same or [code for code in self.ids if code.lower().partition("_")[0] == wanted]
        if len(begins) == 1:
            return begins[0]
        near = begins or get_close_matches(wanted, self.ids, 3) or self._alike(wanted)
        hint = f"Did you mean {' or '.join(near)}?\n" if near else ""
        message = f"{given!r} is {'more than one' if begins else 'no'} language of {name}"
        raise InputError(message, f"{hint}{option} takes: {', '.join(self.ids)}")

    def _alike(self, wanted: str) -> list[str]:
        """The codes that are similar to `wanted` before the `_`: `fr` and `fra_Latn` are similar to `fr_XX`."""
        begins = {code: code.partition("_")[0] for code in self.ids}
        alike = get_close_matches(wanted.partition("_")[0], set(begins.values()), 3)
        return [code for begin in alike for code in begins if begins[code] == begin]

    def mark(self, inputs: Mapping[str, list[Any]], code: str) -> dict[str, list[Any]]:
        """`inputs` of a tokenizer with the mark of this language in place of the one that the tokenizer added."""
        marked = {name: [*values] for name, values in inputs.items()}
        ids, own = marked["input_ids"], {*self.ids.values()}
        for index, (id_, added) in enumerate(zip(ids, marked["special_tokens_mask"], strict=True)):
            if added and id_ in own:
                ids[index] = self.ids[code]
                return marked
        news = {"input_ids": self.ids[code], "token_type_ids": 0, "offset_mapping": (0, 0)}
        for name, values in marked.items():
            values.insert(0 if self.first else len(values), news.get(name, 1))
        return marked


@dataclass(frozen=True)
class Translation:
    """The codes of the source and the target language; None if a language is unknown or does not matter.

    `is_set` says whether the target language comes from the user or the tokenizer, and not from the model's
    configuration. `defaults` are the options for which the tokenizer's default was used.
    """

    languages: Languages
    source: str | None = None
    target: str | None = None
    is_set: bool = False
    defaults: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        languages: Languages,
        model: "PreTrainedModel",
        name: str,
        source: str | None,
        target: str | None,
        has_target: bool,
    ) -> "Translation":
        """The given languages, or the defaults of the tokenizer or of the `model`'s configuration.

        `name` is the model's name in messages, and `has_target` says whether its decoder reads a target.

        Raises InputError for an unknown language, and for a target language of a model without a target.
        """
        source, target = languages.find(source, SOURCE, name), languages.find(target, TARGET, name)
        if target is not None and not has_target:
            raise InputError(f"{name} has no decoder that reads or writes a target", f"Leave out {TARGET}.")
        if not languages or (languages.of_target and not has_target):
            return cls(Languages())
        says = target or (languages.target if languages.target in languages.ids else None)
        defaults = [SOURCE] * (source is None and languages.source in languages.ids)
        defaults += [TARGET] * (target is None and says is not None)
        configured = None if languages.of_target else _configured(languages, model)
        own = says or configured
        known = source or (languages.source if languages.source in languages.ids else None)
        return cls(languages, known, own if has_target else None, own != configured, tuple(defaults))

    @property
    def provenance(self) -> dict[str, str]:
        """The languages, for a trace."""
        codes = {"source language": self.source, "target language": self.target}
        return {name: code for name, code in codes.items() if code is not None}

    def note(self, option: str) -> tuple[str, ...]:
        """A note if the tokenizer's default was used for `option`."""
        if option not in self.defaults:
            return ()
        what, code = ("text", self.source) if option == SOURCE else ("target", self.target)
        return (f"the language of the {what} is {code}, the tokenizer's default: {option} names another",)

    def notes_on(self, ids: Sequence[int]) -> tuple[str, ...]:
        """Notes on a source of these ids. Raises InputError if it names the language of the target twice."""
        if not self.languages.of_target:
            return self.note(SOURCE)
        marks = sum(id_ in self.languages.ids.values() for id_ in ids[:2])
        if marks > 1:
            raise InputError("the text begins with the language of the target itself", f"Leave out {TARGET}.")
        few = ", ".join(self.languages.ids)
        return () if marks else (f"nothing names the language of the target: {TARGET} takes {few}",)

    @property
    def in_source(self) -> str | None:
        """The language of the mark in the source."""
        return self.target if self.languages.of_target else self.source

    @property
    def in_target(self) -> str | None:
        """The language of the mark in the target."""
        return None if self.languages.of_target else self.target

    def require_target(self, name: str) -> None:
        """Raise InputError if the target language is unknown; `name` is the model's name in the message."""
        if self.target is None and self.source is not None:
            few = ", ".join(self.languages.ids)
            message = f"{name} writes in {len(self.languages.ids)} languages, and nothing says in which"
            raise InputError(message, f"{TARGET} takes: {few}")

    def start(self, model: "PreTrainedModel", labels: list[int], default: int) -> int:
        """The start token of the decoder of `model` for the `labels` of a target."""
        return labels[-1] if model.config.model_type in _START_FROM_LAST else default

    def settings(self, model: "PreTrainedModel", start: int) -> dict[str, int | None]:
        """Settings to generate in the target language: `start`, then its mark as first token; or its mark as start."""
        if self.in_target is None or not self.is_set:
            return {"decoder_start_token_id": start}
        id_ = self.languages.ids[self.in_target]
        if model.config.model_type in _START_FROM_LAST and not self.languages.first:
            return {"decoder_start_token_id": id_, "forced_bos_token_id": None}
        return {"decoder_start_token_id": start, "forced_bos_token_id": id_}


SOURCE, TARGET = "--source-language", "--target-language"


def _code(mark: str) -> str:
    """The code of a mark: `fr` of `__fr__`."""
    return str(mark).strip("_")


def _configured(languages: Languages, model: "PreTrainedModel") -> str | None:
    """The language with which targets begin by the model's own configuration."""
    codes = {id_: code for code, id_ in languages.ids.items()}
    own = getattr(model, "generation_config", None)  # an encoder has none
    forced = [getattr(own, name, None) for name in ("forced_bos_token_id", "decoder_start_token_id")]
    forced.append(getattr(model.config, "decoder_start_token_id", None))
    return next((codes[id_] for id_ in forced if isinstance(id_, int) and id_ in codes), None)
