"""A note on words of a text that are not in a model's vocabulary."""

from collections.abc import Sequence

from attnviz.labels import visible

_NAMED = 12  # the most unknown words that a note names; it counts the others

_LENGTH = 40  # characters of a word that a note shows


def unknown_note(unknown: Sequence[str], of: str, whose: str, hint: str = "") -> tuple[str, ...]:
    """A note that names the `unknown` words; `of` is how many there are in all, such as "9 tokens".

    Without unknown words there is no note. Even a single one is noted, because its row and column mean little.
    """
    if not unknown:
        return ()
    words = [word if len(word) <= _LENGTH else f"{word[:_LENGTH]}…" for word in dict.fromkeys(map(visible, unknown))]
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return (f"outside {whose} vocabulary: {', '.join(words[:_NAMED])}{more} ({len(unknown)} of {of}){hint}",)
