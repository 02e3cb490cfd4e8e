"""Probes: what heads do with texts that are made to show it.

Each probe has a file, which makes its texts and measures the heads; `sentences.py` has sentences for several of them.
To add a probe, add a file and a row in `PROBES`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from attnviz.analysis.probe import ProbeResult
from attnviz.probes import induction, retrieval, sink


@dataclass(frozen=True)
class Probe:
    """A probe. `run` takes a model, the number of samples, a selection of heads, and a callback for progress.

    `meaning` says what the model reads and what the number is; `samples` is the default number of samples. A probe in
    which the model `writes` needs its language-model head.
    """

    name: str
    run: Callable[..., ProbeResult]
    meaning: str
    samples: int
    writes: bool = False


PROBES: dict[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe(
            "induction",
            induction.probe_induction,
            "random tokens read twice, and the weight on the token after the same token before (Olsson et al. 2022)",
            induction.SAMPLES,
        ),
        Probe(
            "sink",
            sink.probe_sink,
            f"{sink.LENGTH} tokens of sentences, and the weight on the first token (Gu et al. 2024)",
            sink.SAMPLES,
        ),
        Probe(
            "retrieval",
            retrieval.probe_retrieval,
            "a sentence hidden in a text, a question about it, and the share of it that the head copies into the answer"
            " (Wu et al. 2024)",
            retrieval.SAMPLES,
            writes=True,
        ),
    )
}
"""All probes by name."""
