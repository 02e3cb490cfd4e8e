"""A note on the words of a text that a model does not know."""

from collections.abc import Sequence

from attnviz.labels import visible

_NAMED = 12  # unknown words that a note names, before it counts the others


def unknown_note(unknown: Sequence[str], of: str, whose: str, hint: str = "") -> tuple[str, ...]:
    """A note that names each of the `unknown` words, and says how many they are `of`, such as "9 tokens".

    No note where there is none: one unknown word is worth saying, for its row and column mean little.
    """
    if not unknown:
        return ()
    words = list(dict.fromkeys(map(visible, unknown)))
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return (f"outside {whose} vocabulary: {', '.join(words[:_NAMED])}{more} ({len(unknown)} of {of}){hint}",)
