"""English sentences for probes, from the grammar of the built-in model, because the package holds no other corpus."""

from collections.abc import Collection, Iterator
from random import Random

from attnviz.scratch import grammar
from attnviz.scratch.corpus import text


def sentences(random: Random, without: Collection[str] = ()) -> Iterator[str]:
    """Random sentences without end, each with a capital letter and a full stop, and without the words of `without`."""
    while True:
        words = text(grammar.english(grammar.draw(random)))
        if not {*words.split()} & {*without}:
            yield f"{words[0].upper()}{words[1:]}."
