"""A sentence whose words are known, with which of them depends on which: what a treebank says of a text."""

from dataclasses import dataclass

from attnviz.attention import Range


@dataclass(frozen=True)
class Dependency:
    """The word `dependent` depends on the word `head` by `relation`, such as `obj`; words are counted from 0."""

    dependent: int
    head: int
    relation: str


@dataclass(frozen=True)
class Sentence:
    """Where each word stands in the text, in characters, and its dependencies, but for that of the root.

    Words that are written as one, as `du` for `de le`, stand in the same place, unless each has letters of its own.
    """

    words: tuple[Range, ...]
    dependencies: tuple[Dependency, ...]
