"""The result of a probe: a number for each head over several samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from attnviz.head_names import head_name


@dataclass(frozen=True)
class ProbedHead:
    """The mean of a head's number over the samples of a probe, and its standard deviation, nan for a single sample.

    `rate` is the share of samples in which the number is above the threshold of the probe; None if it has no threshold.
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
class ProbeResult:
    """The result of a probe: its `heads`, the one with the largest mean first, and a baseline.

    `measure` is the name of the number, and `meaning` says in which text it is measured and what it counts. `baseline`
    is the number of `baseline_name`. The means are over `samples` of the `tried` samples; if no sample counts, there
    are no `heads`, and `baseline` is nan. `remark` is a sentence with what else a reader needs to know.
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
        """The share of heads × samples in which the number is above the threshold; None if there is no threshold."""
        return None if self.threshold is None else float(np.mean([head.rate for head in self.heads]))


def probed_heads(
    values: Mapping[tuple[int, int], Sequence[float]], threshold: float | None = None
) -> tuple[ProbedHead, ...]:
    """The heads, the one with the largest mean first. `values`: layer and head → a number for each sample."""
    heads = []
    for (layer, head), numbers in values.items():
        spread = float(np.std(numbers)) if len(numbers) > 1 else nan
        rate = None if threshold is None else float(np.mean(np.asarray(numbers) > threshold))
        heads.append(ProbedHead(layer, head, float(np.mean(numbers)), spread, rate))
    return tuple(sorted(heads, key=lambda one: -one.mean))
