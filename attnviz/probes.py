"""Probes: what heads do with a text that is made to show it, over several samples."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.analysis.probe import Probe, ProbedHead, prefix_matching
from attnviz.errors import ModelError
from attnviz.selection import Selection

if TYPE_CHECKING:
    from attnviz.models.base import Model

LENGTH = 25
"""How many random tokens are repeated."""
SAMPLES = 10
_FEWEST = 100  # tokens of a vocabulary, of which sequences are random


def probe_induction(
    model: "Model",
    samples: int = SAMPLES,
    selection: Selection | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Probe:
    """Prefix matching of each head of a decoder, after Olsson et al. 2022, In-context Learning and Induction Heads.

    `[x; x]` is read, x being LENGTH random tokens of the vocabulary, special ones left out, the same ones each time;
    the number is `prefix_matching`. The spread is the standard deviation over `samples`. Raises ModelError for what is
    no decoder of its own.
    """
    from attnviz.models.huggingface.model import HuggingFaceModel

    if not isinstance(model, HuggingFaceModel):
        raise ModelError(
            f"{model.name} writes no text that goes on: it has no induction heads", "Name a decoder: -m NAME."
        )
    found: dict[tuple[int, int], list[float]] = {}
    for number, ids in enumerate(_repeated(model, samples), 1):
        for layer, heads, weights in model.capture_ids(ids, selection or Selection()):
            for head, value in zip(heads, prefix_matching(weights, LENGTH), strict=True):
                found.setdefault((layer, head), []).append(float(value))
        if progress:
            progress("samples", number, samples)
    probed = [ProbedHead(*key, float(np.mean(values)), float(np.std(values))) for key, values in found.items()]
    rows = np.arange(LENGTH, 2 * LENGTH)
    return Probe(
        name="induction",
        model=model.name,
        heads=tuple(sorted(probed, key=lambda one: -one.mean)),
        baseline=float(np.mean(1 / (rows + 1))),
        samples=samples,
        length=LENGTH,
    )


def _repeated(model: Any, samples: int) -> Iterator[list[int]]:
    """So many random sequences of the model's vocabulary, each twice in a row; the same ones every time."""
    tokenizer = model.text_tokenizer.tokenizer
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    size = min(len(tokenizer), model.model.get_input_embeddings().num_embeddings)
    ids = [id_ for id_ in range(size) if id_ not in special]
    if len(ids) < _FEWEST:
        raise ModelError(f"the vocabulary of {model.name} has {len(ids)} tokens, too few for random sequences")
    random = np.random.default_rng(0)
    for _ in range(samples):
        half = random.choice(ids, LENGTH, replace=False).tolist()
        yield half + half
