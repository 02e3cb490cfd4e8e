"""Probes: what heads do with a text that is made to show it, over several samples."""

from collections.abc import Callable
from dataclasses import dataclass

from attnviz.analysis.probe import Probe
from attnviz.probes import induction, retrieval, sink


@dataclass(frozen=True)
class ProbeKind:
    """A probe: `run` takes a model, how many samples, a selection of heads, and what is told of the progress.

    `meaning` says what is read and what the number is, `samples` how many samples there are where no number is given.
    A decoder that `writes` needs its language-model head.
    """

    name: str
    run: Callable[..., Probe]
    meaning: str
    samples: int
    writes: bool = False


PROBES: dict[str, ProbeKind] = {
    kind.name: kind
    for kind in (
        ProbeKind(
            "induction",
            induction.probe_induction,
            "random tokens twice, and the weight on what came after the same token before (Olsson et al. 2022)",
            induction.SAMPLES,
        ),
        ProbeKind(
            "sink",
            sink.probe_sink,
            f"{sink.LENGTH} tokens of sentences, and the weight on the first of them (Gu et al. 2024)",
            sink.SAMPLES,
        ),
        ProbeKind(
            "retrieval",
            retrieval.probe_retrieval,
            "a sentence hidden in a text and asked for, and the share of it that the head copies into the answer"
            " (Wu et al. 2024)",
            retrieval.SAMPLES,
            writes=True,
        ),
    )
}
"""Every probe, by its name."""
