"""The probe for induction heads: the model reads random tokens twice in a row."""

from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.analysis.prefix_matching import prefix_matching
from attnviz.analysis.probe import ProbeResult, probed_heads
from attnviz.errors import ModelError
from attnviz.probes.decoder import require_decoder, values_of
from attnviz.selection import Selection

if TYPE_CHECKING:
    from attnviz.models.base import Model, Progress

LENGTH = 25
"""The number of random tokens, which are read twice."""
SAMPLES = 10
_FEWEST = 100  # tokens that a vocabulary needs for random sequences


def probe_induction(
    model: "Model",
    samples: int = SAMPLES,
    selection: Selection | None = None,
    progress: "Progress | None" = None,
) -> ProbeResult:
    """Prefix matching of each head of a decoder, after Olsson et al. 2022, In-context Learning and Induction Heads.

    The model reads `[x; x]`, where `x` is LENGTH random tokens of the vocabulary without special tokens, the same ones
    in every run; the number is `prefix_matching`. The spread is the standard deviation over `samples`. `progress` is
    called after each sample. Raises ModelError for a model that is not decoder-only.
    """
    decoder = require_decoder(model, 2 * LENGTH)
    values = values_of(
        decoder,
        _repeated(decoder, samples),
        lambda weights: prefix_matching(weights, LENGTH),
        selection or Selection(),
        progress,
    )
    rows = np.arange(LENGTH, 2 * LENGTH)
    return ProbeResult(
        name="induction",
        model=model.name,
        measure="prefix matching",
        meaning=f"the weight on the token after the same token before, in {LENGTH} random tokens that are read twice in"
        " a row (Olsson et al. 2022)",
        heads=probed_heads(values),
        baseline=float(np.mean(1 / (rows + 1))),
        samples=samples,
        tried=samples,
    )


def _repeated(model: Any, samples: int) -> list[list[int]]:
    """`samples` random sequences of the vocabulary, each twice in a row; the same ones in every run."""
    tokenizer = model.text_tokenizer.tokenizer
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    size = min(len(tokenizer), model.model.get_input_embeddings().num_embeddings)
    ids = [id_ for id_ in range(size) if id_ not in special]
    if len(ids) < _FEWEST:
        raise ModelError(f"the vocabulary of {model.name} has {len(ids)} tokens, too few for random sequences")
    random = np.random.default_rng(0)
    halves = (random.choice(ids, LENGTH, replace=False).tolist() for _ in range(samples))
    return [half + half for half in halves]
