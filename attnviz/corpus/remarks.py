"""What is to be said of single lines of a file: the same of several once, and no more than a person reads."""

from attnviz.errors import AttnvizError

MOST = 10
"""So many different remarks are kept."""


class Remarks:
    """Messages with their hints, each with the first place that it is of, and how many share it."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], tuple[str, int]] = {}
        self.others = 0
        self.count = 0

    def add(self, place: str, message: str, hint: str = "") -> None:
        """Take in the remark on `place`."""
        self.count += 1
        first, alike = self._places.get((message, hint), (place, 0))
        if alike or len(self._places) < MOST:
            self._places[message, hint] = first, alike + 1
        else:
            self.others += 1

    def told(self, file: str, texts: int | None = None) -> list[AttnvizError]:
        """Each of them once, with where it is in `file`, and at the end how many others there are.

        What is said of all of so many `texts` is said without a place.
        """
        told = [
            AttnvizError(message if alike == texts else f"{file}, {first}{_alike(alike - 1)}: {message}", hint)
            for (message, hint), (first, alike) in self._places.items()
        ]
        return told + [AttnvizError(f"{file}: {self.others:,} more of this kind")] * (self.others > 0)


def _alike(others: int) -> str:
    return f" (and {others:,} other{'s' * (others != 1)})" if others else ""
