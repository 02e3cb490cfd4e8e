"""English sentences to read: those of the built-in model's grammar, for there is no other corpus in an install."""

from collections.abc import Collection, Iterator
from random import Random

from attnviz.scratch import grammar
from attnviz.scratch.corpus import text


def sentences(random: Random, without: Collection[str] = ()) -> Iterator[str]:
    """Endless sentences drawn from `random`, each with a capital and a full stop, and with no word of `without`."""
    while True:
        words = text(grammar.english(grammar.draw(random)))
        if not {*words.split()} & {*without}:
            yield f"{words[0].upper()}{words[1:]}."
