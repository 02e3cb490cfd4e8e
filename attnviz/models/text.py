"""What any model asks of a text, and of several at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from attnviz.errors import InputError

TextOrWords = str | Sequence[str]
"""A text, or the list of its words."""


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


def each_with(
    texts: Iterable[TextOrWords],
    targets: Iterable[TextOrWords | None] | None,
    text_pairs: Iterable[TextOrWords | None] | None,
) -> list[tuple[TextOrWords, TextOrWords | None, TextOrWords | None]]:
    """Each of `texts` with its target and its second text, None where it has none.

    Raises InputError where one of the three is no list of strings, or there are more or fewer of one than of another.
    """
    given = _listed(texts, "texts")
    beside = [
        [None] * len(given) if more is None else _listed(more, what)
        for what, more in (("targets", targets), ("text_pairs", text_pairs))
    ]
    for what, more in zip(("targets", "text_pairs"), beside, strict=True):
        if len(more) != len(given):
            raise InputError(
                f"{what} for {len(more)} texts were given, and there are {len(given)}",
                f"Give one for each text, and None for a text that has none: {what}=[None, …].",
            )
    return list(zip(given, *beside, strict=True))


def require_count(generate: Any) -> None:
    """Raise InputError where `generate` is no number of tokens to write."""
    if generate is not None and (not isinstance(generate, int) or isinstance(generate, bool) or generate < 1):
        raise InputError(f"{generate!r} is no number of tokens to generate", "--generate 1 or more.")


def _listed(given: Any, what: str) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        said = f"are {given!r}" if given is None else f"are of type {type(given).__name__}"
        raise InputError(f"the {what} {said}, not a list of strings", f'One text: {what}=["I ate an apple"].')
    return list(given)
