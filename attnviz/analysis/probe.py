"""What a probe finds: a number for each head over several samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from attnviz.head_names import head_name


@dataclass(frozen=True)
class ProbedHead:
    """The mean of a probe's number over its samples, and its standard deviation: nan where there was one sample.

    `rate` is the share of samples in which the number is above the probe's threshold; None where that has none.
    """

    layer: int
    head: int
    mean: float
    spread: float
    rate: float | None = None

    @property
    def name(self) -> str:
        """The name of the head: `L3H5`."""
        return head_name(self.layer, self.head)


@dataclass(frozen=True)
class Probe:
    """What a probe found: the `heads` from the largest mean down, and what they are compared with.

    `measure` is what the number is called, and `meaning` says of which text it is and what it counts. `baseline` is the
    number that `baseline_name` would give. `samples` is how many samples the means are of, of all that were `tried`:
    where none counts, there are no `heads`, and `baseline` is nan. `remark` is what else the reader ought to know, in
    a sentence.
    """

    name: str
    model: str
    measure: str
    meaning: str
    heads: tuple[ProbedHead, ...]
    baseline: float
    samples: int
    tried: int
    threshold: float | None = None
    baseline_name: str = "uniform attention"
    remark: str = ""

    @property
    def is_zero(self) -> bool:
        """Whether no head has a number above 0."""
        return not any(head.mean > 0 for head in self.heads)

    @property
    def rate(self) -> float | None:
        """The share of heads × samples in which the number is above the threshold; None where there is none."""
        return None if self.threshold is None else float(np.mean([head.rate for head in self.heads]))


def probed_heads(
    values: Mapping[tuple[int, int], Sequence[float]], threshold: float | None = None
) -> tuple[ProbedHead, ...]:
    """The heads from the largest mean down. `values` has the numbers of each layer and head, one for each sample."""
    heads = []
    for (layer, head), numbers in values.items():
        spread = float(np.std(numbers)) if len(numbers) > 1 else nan
        rate = None if threshold is None else float(np.mean(np.asarray(numbers) > threshold))
        heads.append(ProbedHead(layer, head, float(np.mean(numbers)), spread, rate))
    return tuple(sorted(heads, key=lambda one: -one.mean))
