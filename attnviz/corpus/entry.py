"""What a corpus is made of: texts, each with what may go with it, and lines that cannot be used."""

from dataclasses import dataclass

from attnviz.corpus.sentence import Sentence
from attnviz.errors import AttnvizError

TEXT, TARGET, PAIR, FROM, TO = FIELDS = ("text", "target", "pair", "from", "to")
"""The columns that a file may have: a text, what its decoder reads, a second text, and two words that are a pair."""


@dataclass(frozen=True)
class Entry:
    """A text of a corpus, and where it stands: `line 7`, `row 7`.

    `target` is for a decoder beside an encoder, `pair` the second text of a model that reads two, `words` a pair of
    words: from which to which. A `sentence` of CoNLL-U has the pairs in its dependencies.
    """

    place: str
    text: str
    target: str | None = None
    pair: str | None = None
    words: tuple[str, str] | None = None
    sentence: Sentence | None = None

    @property
    def number(self) -> int:
        """The number of its line or row in the file, from 1."""
        return int(self.place.split()[1])

    @property
    def has_pairs(self) -> bool:
        """Whether it says which words belong together."""
        return self.words is not None or self.sentence is not None


@dataclass(frozen=True)
class Fault:
    """What cannot be used of a corpus: where it stands, and why."""

    place: str
    error: AttnvizError
