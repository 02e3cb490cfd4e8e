"""Runs of a model on one text with something taken out, as `attnviz.ablate` compares them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Trace
from attnviz.cuts import Cut

Probabilities = NDArray[np.float32]
"""The probability of each token that a model can write, `[row, token]`."""
Done = Callable[[int, int], None]
"""Called with the number of runs done, and of all."""


class CutRuns(ABC):
    """A model and a text that it has read: `trace` is the run without a cut.

    `probabilities` are those of that run, for each row of the decoder, or of a masked language model; None for a model
    that writes nothing. `masked` are the rows that read a mask.
    """

    trace: Trace
    probabilities: Probabilities | None
    masked: tuple[int, ...] = ()

    @abstractmethod
    def run(self, cut: Cut) -> tuple[Trace, Probabilities | None]:
        """The same with a cut. Raises ModelError if the model does not show where its heads are."""

    @abstractmethod
    def without_each(
        self, cuts: Sequence[Cut], row: int, token: int, progress: Done | None = None
    ) -> NDArray[np.float64]:
        """The probability of `token` at `row` with each of the cuts alone, `[cut]`."""

    @abstractmethod
    def word(self, token: int) -> str:
        """A token as a reader sees it."""

    @abstractmethod
    def tokens_of(self, word: str) -> list[int]:
        """The tokens with which `word` can begin, the likeliest spelling first; none if it cannot be written."""

    def as_written(self, token: int) -> int:
        """The token that the model writes for this one, where several are spelled or made alike."""
        return token

    def translation(self, cut: Cut) -> str | None:
        """What the model writes with a cut; None for a model that does not translate by itself."""
        return None
