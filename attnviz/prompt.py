"""The input of a model: a text and its options, such as a target or the number of tokens to generate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from attnviz.arguments import dataclass_repr, require_flag
from attnviz.errors import InputError

TextOrWords = str | Sequence[str]
"""A text, or the list of its words."""


class PromptOptions(TypedDict, total=False):
    """The options of a text; `Prompt` explains them."""

    target: TextOrWords | None
    text_pair: TextOrWords | None
    source_language: str | None
    target_language: str | None
    chat: bool
    generate: int | None


@dataclass(frozen=True)
class Prompt:
    """One text for a model.

    The decoder of an encoder-decoder reads `target`, or, if it is None, what the model itself writes. `text_pair` is a
    second text, for models that read pairs. `chat` puts the text as a user's message into the model's chat template.
    With `generate` a decoder-only model continues the text by at most this many tokens, always the most likely one.
    `source_language` and `target_language` are for multilingual translators: codes that the tokenizer knows.

    Raises InputError if `generate` is not a positive whole number, and if `chat` is not True or False.
    """

    text: TextOrWords
    target: TextOrWords | None = None
    text_pair: TextOrWords | None = None
    source_language: str | None = None
    target_language: str | None = None
    chat: bool = False
    generate: int | None = None

    def __post_init__(self) -> None:
        require_flag("chat", self.chat, InputError)
        if self.generate is not None and (type(self.generate) is not int or self.generate < 1):
            raise InputError(f"{self.generate!r} is not a number of tokens to generate", "--generate 1 or more.")

    def __repr__(self) -> str:
        return dataclass_repr(self)

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given, by their names."""
        given = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {name: value for name, value in given.items() if value is not None and value is not False}


def prompts(texts: Iterable[Prompt | TextOrWords], options: PromptOptions) -> Iterator[Prompt]:
    """A prompt with these `options` for each text; a text that already is a `Prompt` is kept.

    Raises InputError if `texts` is not a list.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        problem = f"are {texts!r}" if texts is None else f"are of type {type(texts).__name__}"
        raise InputError(f"the texts {problem}, not a list of strings", 'One text: texts=["I ate an apple"].')
    return (text if isinstance(text, Prompt) else Prompt(text, **options) for text in texts)


def require_text(text: object, what: str = "text") -> None:
    """Raise InputError if `text` is not a string, is empty or is not Unicode; `what` is its name in the message."""
    if not isinstance(text, str):
        raise InputError(
            f"the {what} is of type {type(text).__name__}, not a string",
            "A list of its words works too. Many texts at once: attnviz.load(MODEL).trace_all(TEXTS).",
        )
    if not text.strip():
        raise InputError(f"the {what} is empty", 'Give it a sentence, such as "I ate an apple".')
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the {what} is not UTF-8: character {error.start} is not Unicode",
            "Check the terminal's locale, or pipe the text in.",
        ) from None
