"""How a meaning is worded where there is a choice: as it is written, as it may be read, or as it is accepted."""

from collections.abc import Iterator
from random import Random
from typing import TypeVar

Option = TypeVar("Option")
Key = tuple[int, str] | None  # clause number and role; None for a word that the other language does not have
Words = list[tuple[str, Key]]


class Wording:
    """The one wording that the model is taught to write: the first option everywhere."""

    def either(self, *options: Option) -> Option:
        """One of several right wordings."""
        return options[0]

    def loose(self, *options: Option) -> Option:
        """The first, or one that is read but never written: another speech level, a missing article."""
        return options[0]

    def accepted(self, *options: Option) -> Option:
        """The first, or one that is right as a translation but never read: it says less than the meaning does."""
        return options[0]

    def shuffled(self, items: list[Option]) -> list[Option]:
        """Constituents in an order that is read but not written."""
        return items


class AnyWording(Wording):
    """A wording at random, as people write: the first option half of the time."""

    def __init__(self, random: Random, scrambled: float = 0.2) -> None:
        self.random, self.scrambled = random, scrambled

    def either(self, *options: Option) -> Option:
        """One of several right wordings."""
        return options[0] if self.random.random() < 0.5 else self.random.choice(options)

    def loose(self, *options: Option) -> Option:
        """The first in two of three sentences, or one of the others."""
        return options[0] if self.random.random() < 0.6 else self.random.choice(options)

    def shuffled(self, items: list[Option]) -> list[Option]:
        """In some sentences the constituents are in any order."""
        return self.random.sample(items, len(items)) if self.random.random() < self.scrambled else items


class _EachWording(Wording):
    """The choices of `either` and `accepted` that a list of indices says; it notes how many options each had."""

    def __init__(self, chosen: list[int]) -> None:
        self.chosen, self.sizes = chosen, list[int]()

    def either(self, *options: Option) -> Option:
        place = len(self.sizes)
        self.sizes.append(len(options))
        return options[self.chosen[place] if place < len(self.chosen) else 0]

    accepted = either


def every_wording(limit: int = 500) -> Iterator[Wording]:
    """All right wordings, one after another, as an odometer counts; at most `limit`."""
    chosen: list[int] = []
    for _ in range(limit):
        wording = _EachWording(chosen)
        yield wording
        chosen = [*wording.chosen, *[0] * (len(wording.sizes) - len(wording.chosen))][: len(wording.sizes)]
        while chosen and chosen[-1] + 1 == wording.sizes[len(chosen) - 1]:
            chosen.pop()
        if not chosen:
            return
        chosen[-1] += 1
