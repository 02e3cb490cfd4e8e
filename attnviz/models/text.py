"""What any model asks of a text."""

from attnviz.errors import InputError


def require_text(text: str, what: str = "text") -> None:
    """Raise InputError where `text`, which is called `what` in the message, is no string, empty or not Unicode."""
    if not isinstance(text, str):
        raise InputError(
            f"the {what} is of type {type(text).__name__}, not a string",
            "Many texts at once: attnviz.load(MODEL).trace_all(TEXTS).",
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
