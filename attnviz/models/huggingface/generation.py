"""What a model writes by itself: a target, or how a prompt goes on. Greedily, so always the same.

Of the model's generation configuration it heeds what says which tokens may be written, and how many; not how they are
sampled or searched for.
"""

import inspect
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.base import Progress

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel


def class_that_writes(config: "PretrainedConfig") -> str | None:
    """The name of the class of transformers that loads a decoder with its head; None where there is none."""
    from transformers.models.auto import modeling_auto as auto

    if config.model_type in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return "AutoModelForCausalLM"
    return (
        "AutoModelForImageTextToText" if config.model_type in auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES else None
    )


def writes(model: "PreTrainedModel") -> bool:
    """Whether a decoder's rows stand for the tokens that come next: whether some model on its kind of layers generates.

    The text side of CLIP, say, sees only what came before too, but nothing writes with it; nor with a classifier.
    """
    from transformers import GenerationMixin

    from attnviz.capture import unwrapped

    model = unwrapped(model)
    if is_for_task(model):
        return False
    kin = vars(sys.modules[type(model).__module__]).values()
    return model.can_generate() or any(
        isinstance(one, type) and issubclass(one, GenerationMixin) and one is not GenerationMixin for one in kin
    )


def is_for_task(model: "PreTrainedModel") -> bool:
    """Whether a model has a head that is no language model's, as a classifier does, and writes nothing."""
    from attnviz.capture import unwrapped

    model = unwrapped(model)
    return model.base_model is not model and model.get_output_embeddings() is None


@dataclass(frozen=True)
class Target:
    """What an encoder-decoder wrote: `ids` from its start token on, and for each whether the model chose it.

    It does not choose the first, which it starts from, nor what its configuration forces: a language as the second, or
    an end as the last. `is_cut` where it had not ended at the most tokens that there may be.
    """

    ids: list[int]
    chosen: list[bool]
    is_cut: bool


def write_target(
    model: "PreTrainedModel",
    inputs: "Mapping[str, torch.Tensor]",
    begins: Mapping[str, int | None],
    most: int,
    progress: Progress | None = None,
) -> Target:
    """The target that an encoder-decoder writes for `inputs`, `[1, tokens]`: at most `most` tokens.

    Fewer, where the model's generation configuration says so. `begins` are the settings that go before that: the token
    to start from, and the one to write first. Raises ModelError for a configuration that cannot be followed.
    """
    most = _longest(model, most)
    settings = _settings(model) | {**begins, "max_length": most}
    ids = _generate(model, inputs, settings, progress and _Told(progress, None))
    forces_second, forces_last = (settings.get(f"forced_{end}_token_id") is not None for end in ("bos", "eos"))
    given = {0} | ({1} if forces_second else set()) | ({most - 1} if forces_last else set())
    chosen = [index not in given for index in range(len(ids))]
    has_ended = chosen[-1] and ids[-1] in ends(model)
    return Target(ids, chosen, len(ids) >= most and not has_ended)


def continue_text(
    model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", most: int, progress: Progress | None = None
) -> list[int]:
    """The ids that a decoder writes after those in `inputs`, `[1, tokens]`: `most`, or until it ends.

    Raises ModelError for a generation configuration that cannot be followed.
    """
    settings = _settings(model) | {"max_new_tokens": most}
    return _generate(model, inputs, settings, progress and _Told(progress, most))[inputs["input_ids"].shape[1] :]


def ends(model: "PreTrainedModel") -> list[int]:
    """The ids that end what the model writes."""
    own = getattr(model.generation_config, "eos_token_id", None)
    return own if isinstance(own, list) else [] if own is None else [own]


def strategy_note(model: "PreTrainedModel") -> tuple[str, ...]:
    """Notes where the model's generation configuration could not be read, or would choose its tokens not greedily."""
    own, asks = model.generation_config, ""
    if isinstance(beams := getattr(own, "num_beams", None), int) and beams > 1:
        asks = f"for a search with {beams} beams"
    if getattr(own, "do_sample", None) is True:
        asks = "for sampling"
    greedily = f"written greedily; the model's own generation configuration asks {asks}" if asks else ""
    return tuple(filter(None, (getattr(own, "note", ""), greedily)))


class _Told:
    """What `generate` takes for a streamer: tells `progress` of each token that was written."""

    def __init__(self, progress: Progress, most: int | None) -> None:
        self.progress, self.most, self.written = progress, most, -1  # the first that comes is what was read

    def put(self, ids: "torch.Tensor") -> None:
        """Hear of the tokens that were read, and then of one at a time."""
        self.written += 1
        self.progress("tokens written", self.written, self.most)

    def __deepcopy__(self, _: Any) -> "_Told":
        return self  # peft copies what it is given to write with

    def end(self) -> None:
        """Nothing more comes."""


_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")
_HEEDED = (
    *("min_length", "min_new_tokens", "forced_bos_token_id", "forced_eos_token_id"),
    *("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "sequence_bias"),
    *("no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "repetition_penalty", "encoder_repetition_penalty"),
    *("exponential_decay_length_penalty", "remove_invalid_values"),
)
"""What a generation configuration says of which tokens may be written: all else in it, of sampling, beams, caches and
what comes with the text, is left aside, for the likeliest token alone is taken."""


def _settings(model: "PreTrainedModel") -> dict[str, Any]:
    """What the model's own generation configuration says that is heeded here."""
    own = model.generation_config
    found = {name: getattr(own, name, None) for name in (*_TOKENS, *_HEEDED)}
    return {name: value for name, value in found.items() if value is not None}


def _longest(model: "PreTrainedModel", most: int) -> int:
    """How many tokens a target may have: `most`, or fewer where the generation configuration says so."""
    own = model.generation_config
    name = "max_length" if getattr(own, "max_new_tokens", None) is None else "max_new_tokens"
    said, start = getattr(own, name, None), int(name == "max_new_tokens")  # new are those after the start token
    if said is None:
        return most
    if not isinstance(said, int) or said + start < _SHORTEST:
        whose = f"the generation configuration of {type(model).__name__}"
        raise ModelError(f"{whose} has {name} {said!r}: no target can be written", _INSTEAD)
    return min(most, said + start)


_SHORTEST = 2  # tokens of a target: the start token, and one that is written
_INSTEAD = "Mend its generation_config.json; or, in Python, model.generation_config."


def _generate(
    model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", settings: Mapping[str, Any], told: _Told | None
) -> list[int]:
    """What is read and written: greedily, by those `settings` of a generation configuration and no others."""
    from attnviz.capture import reads_pictures

    try:
        return _written(model, inputs, settings, told)
    except _FAILURES as error:
        plainly = {name: value for name, value in settings.items() if name not in (*_HEEDED, *_TOKENS)}
        if plainly != settings and _works(model, inputs, plainly):
            message = f"the generation configuration of {type(model).__name__} cannot be followed: {error}"
            raise ModelError(message, _INSTEAD) from error
        if not reads_pictures(model.config):
            raise
        message = f"{type(model).__name__} does not write from text alone: {error}"
        raise ModelError(message, "Leave out --generate, give the --target, or name a text model.") from error


_FAILURES = (RuntimeError, ValueError, TypeError, AttributeError, LookupError, AssertionError, ArithmeticError)


def _works(model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", settings: Mapping[str, Any]) -> bool:
    """Whether the model writes a first token by those `settings`."""
    one = {"max_length": _SHORTEST} if "max_length" in settings else {"max_new_tokens": 1}
    with suppress(*_FAILURES):
        return bool(_written(model, inputs, {**settings, **one}, None))
    return False


def _written(
    model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", settings: Mapping[str, Any], told: _Told | None
) -> list[int]:
    from transformers import GenerationConfig

    from attnviz.capture import unwrapped, working_copy

    takes = inspect.signature(unwrapped(model).forward).parameters
    given = {name: inputs[name] for name in ("input_ids", "attention_mask") if name in inputs and name in takes}
    writer = working_copy(model)
    by_itself = {} if _may_cache(model) else {"use_cache": False}
    greedy = GenerationConfig(**{**settings, **by_itself})
    writer.generation_config = unwrapped(writer).generation_config = greedy  # else their own fill in what is not said
    return list(map(int, writer.generate(**given, generation_config=greedy, streamer=told)[0]))


def _may_cache(model: "PreTrainedModel") -> bool:
    """Whether keys and values can be kept from one token to the next."""
    from attnviz.capture import find_virtual_prompt

    if find_virtual_prompt(model):  # which peft 0.21 loses where there is a cache
        return False
    # The cache of transformers has room for so many layers as the encoder has, even where the decoder is alone.
    config = model.config.get_text_config(decoder=True)
    depths = (getattr(config, name, None) for name in ("decoder_layers", "num_decoder_layers"))
    depth = next((depth for depth in depths if isinstance(depth, int)), 0)
    return depth <= (getattr(config, "num_hidden_layers", None) or depth)
