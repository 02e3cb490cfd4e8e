"""What a model is to read, and to write: a text, with all that may go with it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from attnviz.arguments import dataclass_repr, require_flag
from attnviz.errors import InputError

TextOrWords = str | Sequence[str]
"""A text, or the list of its words."""


class PromptOptions(TypedDict, total=False):
    """What may go with a text, as `Prompt` says."""

    target: TextOrWords | None
    text_pair: TextOrWords | None
    source_language: str | None
    target_language: str | None
    chat: bool
    generate: int | None


@dataclass(frozen=True)
class Prompt:
    """One text for a model.

    A decoder of an encoder-decoder reads `target`, or what the model writes itself where that is None. `text_pair` is a
    second text, for models that read pairs. `chat` makes of the text a user's message in the model's chat template.
    A decoder alone writes on with `generate`: so many tokens, or until it ends, always the likeliest.
    `source_language` and `target_language` are for a translator of many languages: the codes that its tokenizer has.

    Raises InputError for a number of tokens that is none, and for a `chat` that is no yes or no.
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
            raise InputError(f"{self.generate!r} is no number of tokens to generate", "--generate 1 or more.")

    def __repr__(self) -> str:
        return dataclass_repr(self)

    @property
    def options(self) -> dict[str, Any]:
        """What goes with the text, by its name; what was not given is left out."""
        given = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {name: value for name, value in given.items() if value is not None and value is not False}


def prompts(texts: Iterable[Prompt | TextOrWords], options: PromptOptions) -> Iterator[Prompt]:
    """A prompt for each of `texts`, with the same `options`; one that is a prompt already has its own.

    Raises InputError where `texts` are no list.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        said = f"are {texts!r}" if texts is None else f"are of type {type(texts).__name__}"
        raise InputError(f"the texts {said}, not a list of strings", 'One text: texts=["I ate an apple"].')
    return (text if isinstance(text, Prompt) else Prompt(text, **options) for text in texts)


def require_text(text: object, what: str = "text") -> None:
    """Raise InputError where `text`, which is called `what` in the message, is no string, empty or not Unicode."""
    if not isinstance(text, str):
        raise InputError(
            f"the {what} is of type {type(text).__name__}, not a string",
            "A list may hold its words. Many texts at once: attnviz.load(MODEL).trace_all(TEXTS).",
        )
    if not text.strip():
        raise InputError(f"the {what} is empty", 'Give it a sentence: attnviz plot "I ate an apple"')
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the {what} is not UTF-8: character {error.start} is not Unicode",
            "Check the terminal's locale, or pipe the text in.",
        ) from None
