"""How long a text a model can read."""

from typing import TYPE_CHECKING

from attnviz.attention import Part

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def context_length(model: "PreTrainedModel", part: Part = "encoder") -> int | None:
    """How many tokens that part of the model has positions for; None where there is no limit.

    The parts differ in an encoder-decoder that was put together from two models, and in LED. A model that is no
    encoder-decoder is one part, however it is called.
    """
    stack = _stack(model, part)
    own = getattr(stack.config, f"max_{part}_position_embeddings", None)  # of LED
    positions = own or getattr(stack.config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return None
    # RoBERTa counts positions from after the padding's.
    for name, module in stack.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return positions - int(module.padding_idx) - 1
    return positions


def extrapolates(model: "PreTrainedModel", part: Part = "encoder") -> bool:
    """Whether that part can read on past its room: rotary positions are computed, others are looked up in a table."""
    return getattr(_stack(model, part).config, "rope_parameters", None) is not None


def _stack(model: "PreTrainedModel", part: Part) -> "PreTrainedModel":
    """That part of an encoder-decoder, where it has a configuration of its own; else the model."""
    from attnviz.capture import is_encoder_decoder

    if not is_encoder_decoder(model):
        return model
    stack = model.get_encoder() if part == "encoder" else model.get_decoder()
    return stack if hasattr(stack, "config") else model
