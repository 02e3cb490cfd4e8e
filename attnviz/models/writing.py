"""What a model writes by itself: a target, or how a prompt goes on. Greedily, so always the same."""

import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.progress import Progress

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel


def reads_both_ways(config: "PretrainedConfig") -> bool:
    """Whether a model looks at what comes later too, as BERT does, and so cannot go on with a text."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)


def writes(model: "PreTrainedModel") -> bool:
    """Whether a decoder's rows stand for the tokens that come next: whether some model on its kind of layers generates.

    The text side of CLIP, say, sees only what came before too, but nothing writes with it.
    """
    from transformers import GenerationMixin

    kin = vars(sys.modules[type(model).__module__]).values()
    return model.can_generate() or any(
        isinstance(one, type) and issubclass(one, GenerationMixin) and one is not GenerationMixin for one in kin
    )


def write_target(
    model: "PreTrainedModel",
    inputs: "Mapping[str, torch.Tensor]",
    start: int,
    most: int,
    progress: Progress | None = None,
) -> list[int]:
    """The ids of the target that an encoder-decoder writes for `inputs`, `[1, tokens]`, with `start`, `most` in all."""
    # transformers makes room in its cache for as many layers as the encoder has.
    deeper = getattr(model.config, "num_decoder_layers", 0) > getattr(model.config, "num_layers", 0)
    more: dict[str, Any] = {"use_cache": False} if deeper else {}
    told = progress and _Told(progress, None)
    return _generate(model, inputs, told, decoder_start_token_id=start, max_length=most, **more)


def write_on(
    model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", most: int, progress: Progress | None = None
) -> list[int]:
    """The ids that a decoder writes after those in `inputs`, `[1, tokens]`: `most`, or until it ends."""
    told = progress and _Told(progress, most)
    return _generate(model, inputs, told, max_new_tokens=most)[inputs["input_ids"].shape[1] :]


def has_ended(model: "PreTrainedModel", ids: Sequence[int], most: int) -> bool:
    """Whether the model ended `ids` by itself: at `most` tokens some are made to."""
    ends = model.generation_config.eos_token_id
    return chosen(model, ids, most)[-1] and ids[-1] in (ends if isinstance(ends, list) else [ends])


def chosen(model: "PreTrainedModel", ids: Sequence[int], most: int) -> list[bool]:
    """For each of the `ids` of a target whether the model chose it.

    It does not choose the first, which it starts from, nor what its configuration forces: a language as the second, or
    an end at `most` tokens.
    """
    config = model.generation_config
    forces_second, forces_last = (
        getattr(config, name, None) is not None for name in ("forced_bos_token_id", "forced_eos_token_id")
    )
    given = {0} | ({1} if forces_second else set()) | ({most - 1} if forces_last else set())
    return [at not in given for at in range(len(ids))]


class _Told:
    """What `generate` takes for a streamer: tells `progress` of each token that was written."""

    def __init__(self, progress: Progress, most: int | None) -> None:
        self.progress, self.most, self.written = progress, most, -1  # the first that comes is what was read

    def put(self, ids: "torch.Tensor") -> None:
        """Hear of the tokens that were read, and then of one at a time."""
        self.written += 1
        self.progress("tokens written", self.written, self.most)

    def end(self) -> None:
        """Nothing more comes."""


def _generate(
    model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", told: _Told | None, **how: Any
) -> list[int]:
    from attnviz.capture import reads_pictures, working_copy

    takes = inspect.signature(model.forward).parameters
    given = {name: inputs[name] for name in ("input_ids", "attention_mask") if name in inputs and name in takes}
    greedily: dict[str, Any] = {"do_sample": False, "num_beams": 1, "return_dict_in_generate": False, "streamer": told}
    try:
        written = working_copy(model).generate(**given, **greedily, **how)
    except (TypeError, ValueError, AttributeError) as error:
        if not reads_pictures(model.config):
            raise
        message = f"{type(model).__name__} does not write from text alone: {error}"
        raise ModelError(message, "Leave out --generate, give the --target, or name a text model.") from error
    return list(map(int, written[0]))
