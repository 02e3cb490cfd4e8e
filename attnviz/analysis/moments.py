"""Mean and standard deviation of numbers that come one after the other, of which none is kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """What is known of several arrays of one shape, for each place in it: `count` numbers, nan left out, their `mean`.

    `deviations` is the sum of their squared distances from it. Moments of parts add up to those of the whole, however
    it is cut and in whatever order, but for the rounding of float64 (Chan, Golub and LeVeque 1983, Algorithms for
    Computing the Sample Variance).
    """

    count: Numbers
    mean: Numbers
    deviations: Numbers

    @classmethod
    def of(cls, values: Numbers) -> "Moments":
        """The moments of one array."""
        known = ~np.isnan(values)
        return cls(known.astype(np.float64), np.where(known, values, 0.0), np.zeros(np.shape(values)))

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)  # 0 where neither has a number
        apart = other.mean - self.mean
        deviations = self.deviations + other.deviations + apart**2 * self.count * share
        return Moments(count, self.mean + apart * share, deviations)

    @property
    def means(self) -> Numbers:
        """The means; nan where there was no number."""
        return np.where(self.count > 0, self.mean, np.nan)

    @property
    def spreads(self) -> Numbers:
        """The standard deviations, `√(Σ(x − mean)² / count)`; nan where there were fewer than two numbers."""
        return np.where(self.count > 1, np.sqrt(self.deviations / np.maximum(self.count, 1)), np.nan)
