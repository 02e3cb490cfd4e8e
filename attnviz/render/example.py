"""A text of a corpus as an example of what a head does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A text with its number and the link that is marked in it.

    `group` is the name of the decile that it is an example of, and `place` its place in the corpus. `query` and `key`
    are the words of the link, and `weight` the weight of the head from one to the other: None in a text without two
    content words.
    """

    group: str
    place: str
    number: float
    text: str
    query: str = ""
    key: str = ""
    weight: float | None = None
