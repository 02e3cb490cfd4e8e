"""A sentence of a treebank: its words and their dependencies."""

from dataclasses import dataclass

from attnviz.attention import Range


@dataclass(frozen=True)
class Dependency:
    """The word `dependent` depends on the word `head` by a `relation` such as `obj`; words count from 0."""

    dependent: int
    head: int
    relation: str


@dataclass(frozen=True)
class Sentence:
    """The characters of each word in the text, and the dependencies without that of the root.

    Words that the text writes as one, such as `de` and `le` in French `du`, have the same characters, unless together
    they spell what is written.
    """

    words: tuple[Range, ...]
    dependencies: tuple[Dependency, ...]
