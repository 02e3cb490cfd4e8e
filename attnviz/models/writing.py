"""What a model writes by itself: a target, or how a prompt goes on. Greedily, so always the same."""

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel


def reads_both_ways(config: "PretrainedConfig") -> bool:
    """Whether a model looks at what comes later too, as BERT does, and so cannot go on with a text."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)


def write_target(model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", start: int, most: int) -> list[int]:
    """The ids of the target that an encoder-decoder writes for `inputs`, `[1, tokens]`, with `start`, `most` in all."""
    # transformers makes room in its cache for as many layers as the encoder has.
    deeper = getattr(model.config, "num_decoder_layers", 0) > getattr(model.config, "num_layers", 0)
    more: dict[str, Any] = {"use_cache": False} if deeper else {}
    return _generate(model, inputs, decoder_start_token_id=start, max_length=most, **more)


def write_on(model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", most: int) -> list[int]:
    """The ids that a decoder writes after those in `inputs`, `[1, tokens]`: `most`, or until it ends."""
    return _generate(model, inputs, max_new_tokens=most)[inputs["input_ids"].shape[1] :]


def has_ended(model: "PreTrainedModel", ids: Sequence[int], most: int) -> bool:
    """Whether the model ended `ids` by itself: at `most` tokens some are made to."""
    ends = model.generation_config.eos_token_id
    forced = len(ids) >= most and getattr(model.generation_config, "forced_eos_token_id", None) is not None
    return not forced and ids[-1] in (ends if isinstance(ends, list) else [ends])


def _generate(model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", **how: Any) -> list[int]:
    from attnviz.capture import unchanged

    takes = inspect.signature(model.forward).parameters
    given = {name: inputs[name] for name in ("input_ids", "attention_mask") if name in inputs and name in takes}
    with unchanged(model):
        model.eval()
        written = model.generate(**given, do_sample=False, num_beams=1, return_dict_in_generate=False, **how)
    return list(map(int, written[0]))
