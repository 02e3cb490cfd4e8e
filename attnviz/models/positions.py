"""How long a text a model can read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def room(model: "PreTrainedModel") -> int | None:
    """How many tokens the model has positions for; None where there is no limit."""
    positions = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return None
    # RoBERTa counts positions from after the padding's.
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return positions - int(module.padding_idx) - 1
    return positions


def goes_beyond(model: "PreTrainedModel") -> bool:
    """Whether the model can read on past its room: rotary positions are computed, others are looked up in a table."""
    return getattr(model.config, "rope_parameters", None) is not None
