"""Mean and standard deviation of a stream of numbers, without storing the numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of several arrays of one shape, element by element: the `count` of numbers without nan, and their `mean`.

    `deviations` is the sum of squared differences from the mean. The moments of parts add up to those of the whole, for
    any split and any order, up to the rounding of float64 (Chan, Golub and LeVeque 1983, Algorithms for Computing the
    Sample Variance).
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
        """The means; nan where there is no number."""
        return np.where(self.count > 0, self.mean, np.nan)

    @property
    def spreads(self) -> Numbers:
        """The standard deviations, `√(Σ(x − mean)² / count)`; nan where there are fewer than two numbers."""
        return np.where(self.count > 1, np.sqrt(self.deviations / np.maximum(self.count, 1)), np.nan)
