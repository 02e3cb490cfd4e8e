"""What a probe finds: a number for each head over several samples, and prefix matching."""

from dataclasses import dataclass

import numpy as np

from attnviz.attention import HeadMatrices, HeadValues


@dataclass(frozen=True)
class ProbedHead:
    """The mean of a probe's number over its samples, and how much it differs from one to another."""

    layer: int
    head: int
    mean: float
    spread: float

    @property
    def name(self) -> str:
        """The head as people write it: `L3H5`."""
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True)
class Probe:
    """What a probe found: the `heads` from the largest number down, and what uniform attention would give."""

    name: str
    model: str
    heads: tuple[ProbedHead, ...]
    baseline: float
    samples: int
    length: int


def prefix_matching(weights: HeadMatrices, length: int) -> HeadValues:
    """Mean of `A[i, i − (length − 1)]` over the second half of `[x; x]`, x being `length` tokens, `[head]`.

    What came after the same token before (Olsson et al. 2022, In-context Learning and Induction Heads). `weights` are
    `[head, 2 · length, 2 · length]`.
    """
    stripe = np.diagonal(weights, 1 - length, axis1=1, axis2=2)[:, 1:]  # from row `length` on
    mean: HeadValues = stripe.mean(-1, dtype=np.float64)
    return mean
