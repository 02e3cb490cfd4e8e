"""The probe for attention sinks: the attention that a head gives the first token in texts of 64 tokens."""

from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.analysis.probe import ProbeResult, probed_heads
from attnviz.analysis.sink import SINK_THRESHOLD, mean_weight
from attnviz.errors import ModelError
from attnviz.labels import visible
from attnviz.probes.decoder import require_decoder, values_of
from attnviz.probes.sentences import sentences
from attnviz.selection import Selection

if TYPE_CHECKING:
    from attnviz.models.base import Model, Progress

LENGTH = 64
"""The tokens of a text, as in the paper."""
SAMPLES = 100
"""The number of texts, as in the paper."""


def probe_sink(
    model: "Model",
    samples: int = SAMPLES,
    selection: Selection | None = None,
    progress: "Progress | None" = None,
) -> ProbeResult:
    """`α_0` of each head of a decoder at T = LENGTH, after Gu et al. 2024, When Attention Sink Emerges.

    `α_0 = 1/T Σ_i A[i, 0]`. A head has a sink in a text if this is above 0.3, and the sink rate is the share of heads ×
    texts in which it is. The paper uses 100 texts of the model's validation data, T = 64, and finds sinks in random
    tokens too. Here the texts are English sentences of the built-in model's grammar, the same ones in every run, cut at
    LENGTH tokens. They are short and similar, so numbers may differ from those of a paper. If the tokenizer adds a
    start token, they begin with it. `progress` is called after each sample. Raises ModelError for a model that is not
    decoder-only.
    """
    decoder = require_decoder(model, LENGTH)
    texts = _texts(decoder, samples)
    values = values_of(decoder, texts, mean_weight, selection or Selection(), progress)
    return ProbeResult(
        name="sink",
        model=model.name,
        measure="α₀",
        meaning=f"the weight that the first token gets from all {LENGTH} tokens (Gu et al. 2024), in sentences of the"
        f" built-in model's grammar, {_start(decoder, texts)}",
        heads=probed_heads(values, SINK_THRESHOLD),
        baseline=float(np.mean(1 / np.arange(1, LENGTH + 1))),
        samples=samples,
        tried=samples,
        threshold=SINK_THRESHOLD,
    )


def _texts(model: Any, samples: int) -> list[list[int]]:
    """`samples` texts of LENGTH tokens; the same ones in every run."""
    return [_text(model, Random(number)) for number in range(samples)]


def _text(model: Any, random: Random) -> list[int]:
    drawn, read = sentences(random), ""
    for _ in range(LENGTH):  # a sentence has more than a token, and an end that a tokenizer adds is cut off
        read = f"{read} {next(drawn)}".strip()
        if len(ids := model.text_tokenizer.encode(read).ids) > LENGTH:
            return list(ids[:LENGTH])
    raise ModelError(f"the tokenizer of {model.name} makes fewer than {LENGTH} tokens of {LENGTH} sentences")


def _start(model: Any, texts: list[list[int]]) -> str:
    """The start token of the texts in words, or that they have none."""
    first = {ids[0] for ids in texts}
    if first <= {*model.text_tokenizer.tokenizer.all_special_ids}:
        return "after " + ", ".join(visible(model.text_tokenizer.named(id_)) for id_ in sorted(first))
    return "without a start token, for the tokenizer adds none"
