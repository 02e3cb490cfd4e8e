"""Traces that wait on disk: a head is chosen over all lines of a file before the first of them is drawn."""

import pickle
import tempfile
from collections.abc import Iterator
from typing import Any


class Spool:
    """Objects in a temporary file that no other process sees, in the order in which they were added."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._count = 0

    def add(self, item: Any) -> None:
        """Add an object that can be pickled."""
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)
        self._count += 1

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        for _ in range(self._count):
            yield pickle.load(self._file)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
