"""English sentences for probes, from the grammar of the built-in model, because the package holds no other corpus."""

from collections.abc import Collection, Iterator
from random import Random

from attnviz.scratch import grammar
from attnviz.scratch.corpus import text
from attnviz.scratch.in_english import in_english
from attnviz.scratch.wording import Wording


def sentences(random: Random, without: Collection[str] = ()) -> Iterator[str]:
    """Random sentences without end, each with a capital letter and a full stop, and without the words of `without`.

    No sentence has a placeholder for a name.
    """
    while True:
        said = text(in_english(grammar.draw(random), Wording()))
        if "<" not in said and not {*said.split()} & {*without}:
            said = said.replace(" 's", "'s").replace("can not", "cannot").replace(" ?", "?")
            yield f"{said[0].upper()}{said[1:]}{'' if said.endswith('?') else '.'}"
