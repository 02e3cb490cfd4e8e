"""Errors and notes on single lines of files: each is listed once, with the number of lines that share it."""

from attnviz.errors import AttnvizError

MOST = 10
"""How many different remarks are listed by default."""


class Remarks:
    """Messages with their hints, each with the first place that it is about, and the number of places that share it.

    The first `most` different messages are listed, and the others are counted; with None all are listed.
    """

    def __init__(self, most: int | None = MOST) -> None:
        self._most = most
        self._places: dict[tuple[str, str], tuple[str, int]] = {}
        self._unlisted = 0
        self.count = 0

    def add(self, place: str, message: str, hint: str = "") -> None:
        """Add a remark on `place`: `a.txt, line 7`."""
        self.count += 1
        first, alike = self._places.get((message, hint), (place, 0))
        if alike or self._most is None or len(self._places) < self._most:
            self._places[message, hint] = first, alike + 1
        else:
            self._unlisted += 1

    def listed(self, texts: int | None = None) -> list[AttnvizError]:
        """Each remark once, with its first place; at the end the number of those that are not listed.

        A remark on all of the `texts` texts has no place.
        """
        remarks = [
            AttnvizError(message if alike == texts else f"{first}{_others(alike - 1)}: {message}", hint)
            for (message, hint), (first, alike) in self._places.items()
        ]
        return remarks + [AttnvizError(f"{self._unlisted:,} more are not listed")] * (self._unlisted > 0)


def _others(count: int) -> str:
    return f" (and {count:,} other{'s' * (count != 1)})" if count else ""
