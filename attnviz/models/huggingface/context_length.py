"""The longest text that a model can read."""

from typing import TYPE_CHECKING

from attnviz.attention import Part

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def context_length(model: "PreTrainedModel", part: Part = "encoder") -> int | None:
    """The number of positions of that part of the model; None if there is no limit.

    The parts differ in LED, and in an encoder-decoder made of two models. Any other model is one part, which both names
    of parts mean.
    """
    stack = _stack(model, part)
    own = getattr(stack.config, f"max_{part}_position_embeddings", None)  # of LED
    positions = own or getattr(stack.config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return None
    # RoBERTa's positions start after that of padding.
    for name, module in stack.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return positions - int(module.padding_idx) - 1
    return positions


def extrapolates(model: "PreTrainedModel", part: Part = "encoder") -> bool:
    """Whether that part can read longer texts: rotary positions are computed, others are looked up in a table."""
    return getattr(_stack(model, part).config, "rope_parameters", None) is not None


def _stack(model: "PreTrainedModel", part: Part) -> "PreTrainedModel":
    """That part of an encoder-decoder if it has its own configuration, otherwise the model."""
    from attnviz.capture import is_encoder_decoder

    if not is_encoder_decoder(model):
        return model
    stack = model.get_encoder() if part == "encoder" else model.get_decoder()
    return stack if hasattr(stack, "config") else model
