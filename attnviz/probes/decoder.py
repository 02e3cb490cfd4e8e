"""Shared by the probes: the check that a model can be probed, and the numbers of its heads over several sequences."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attnviz.attention import HeadMatrices, HeadValues
from attnviz.errors import ModelError
from attnviz.selection import Selection

if TYPE_CHECKING:
    from attnviz.models.base import Model, Progress

Values = dict[tuple[int, int], list[float]]
"""The numbers of each layer and head, one for each sample."""


def require_decoder(model: "Model", tokens: int) -> Any:
    """`model`, if it is a decoder-only Hugging Face model that can read `tokens` tokens; raises ModelError if not.

    An encoder-decoder is refused, although its decoder has masked self-attention: it would need a source text as well,
    and what its heads do would depend on that text.
    """
    from attnviz.models.huggingface.model import HuggingFaceModel

    refusal = ModelError(
        f"{model.name} is not a decoder-only model: it cannot be probed", "Name one, such as GPT-2: -m NAME."
    )
    if not isinstance(model, HuggingFaceModel):
        raise refusal
    from attnviz.capture import find_virtual_prompt, is_encoder_decoder, reads_both_ways
    from attnviz.models.huggingface.context_length import context_length, extrapolates

    if is_encoder_decoder(model.model) or reads_both_ways(model.model.config):
        raise refusal
    if find_virtual_prompt(model.model):
        raise ModelError(
            f"{model.name} has an adapter that puts virtual tokens before a text: it cannot be probed",
            "Name the model without the adapter: -m NAME.",
        )
    most = context_length(model.model)
    if most is not None and most < tokens and not extrapolates(model.model):
        raise ModelError(f"{model.name} reads at most {most} tokens, and the probe has {tokens}")
    return model


def values_of(
    model: Any,
    sequences: Sequence[Sequence[int]],
    measure: Callable[[HeadMatrices], HeadValues],
    selection: Selection,
    progress: "Progress | None",
) -> Values:
    """The number that `measure` gives for each selected head, in each of the `sequences` of ids."""
    found: Values = {}
    for number, ids in enumerate(sequences, 1):
        add(found, ((layer, heads, measure(weights)) for layer, heads, weights in model.capture_ids(ids, selection)))
        if progress:
            progress("samples", number, len(sequences))
    return found


def add(values: Values, sample: Iterable[tuple[int, Sequence[int], HeadValues]]) -> None:
    """Add one `sample` to `values`: for each layer its number, its heads, and a number for each head."""
    for layer, heads, numbers in sample:
        for head, number in zip(heads, numbers, strict=True):
            values.setdefault((layer, head), []).append(float(number))
