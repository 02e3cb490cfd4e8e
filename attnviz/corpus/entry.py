"""The parts of a corpus: texts with their targets and pairs of words, and lines that cannot be used."""

from dataclasses import dataclass

from attnviz.corpus.sentence import Sentence
from attnviz.errors import AttnvizError

TEXT, TARGET, PAIR, FROM, TO = FIELDS = ("text", "target", "pair", "from", "to")
"""The columns that a file may have: the text, the text for the decoder, a second text, and the two words of a pair."""


@dataclass(frozen=True)
class Entry:
    """A text of a corpus, and its place in the file: `line 7`, `row 7`.

    `target` is the text for the decoder of an encoder-decoder, `pair` the second text for a model that reads two.
    `words` are a pair: from the first word to the second. A `sentence` of CoNLL-U has its pairs in its dependencies.
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
        """Whether it has pairs of words."""
        return self.words is not None or self.sentence is not None


@dataclass(frozen=True)
class Fault:
    """A line of a corpus that cannot be used: its place, and the reason."""

    place: str
    error: AttnvizError
