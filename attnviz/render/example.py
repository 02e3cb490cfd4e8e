"""A text of a corpus as an example of what a head does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A text with its number and the link that is marked in it.

    `group` says of which texts it is an example, `place` where it stands in the corpus. `query` and `key` are the words
    of the link, and `weight` what the head gives from one to the other: None in a text without two content words.
    """

    group: str
    place: str
    number: float
    text: str
    query: str = ""
    key: str = ""
    weight: float | None = None
