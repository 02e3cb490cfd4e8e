"""What the probes share: a decoder that can be probed, and its heads' numbers over several sequences."""

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
    """`model`, a Hugging Face model that is a decoder alone and reads so many `tokens`. Raises ModelError for others.

    An encoder-decoder is refused, although its decoder has masked self-attention: what a probe gives it to read would
    need a source beside it, and what the heads do would depend on that.
    """
    from attnviz.models.huggingface.model import HuggingFaceModel

    if not isinstance(model, HuggingFaceModel):
        raise ModelError(
            f"{model.name} writes no text that goes on: it cannot be probed", "Name a decoder, such as GPT-2: -m NAME."
        )
    from attnviz.capture import find_virtual_prompt, is_encoder_decoder, reads_both_ways
    from attnviz.models.huggingface.context_length import context_length, extrapolates

    if is_encoder_decoder(model.model) or reads_both_ways(model.model.config):
        raise ModelError(f"{model.name} is no decoder alone: it cannot be probed", "Name one, such as GPT-2: -m NAME.")
    if find_virtual_prompt(model.model):
        raise ModelError(
            f"{model.name} puts virtual tokens of an adapter before a text: it cannot be probed",
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
    """What `measure` gives for each head that was asked for, in each of the `sequences` of ids."""
    found: Values = {}
    for number, ids in enumerate(sequences, 1):
        add(found, ((layer, heads, measure(weights)) for layer, heads, weights in model.capture_ids(ids, selection)))
        if progress:
            progress("samples", number, len(sequences))
    return found


def add(values: Values, sample: Iterable[tuple[int, Sequence[int], HeadValues]]) -> None:
    """Put the numbers of one `sample` into `values`: each layer's number, its heads, and a number for each of these."""
    for layer, heads, numbers in sample:
        for head, number in zip(heads, numbers, strict=True):
            values.setdefault((layer, head), []).append(float(number))
