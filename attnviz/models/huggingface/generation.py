"""Generating a target or the continuation of a prompt: greedily, so that the result is always the same.

Of the model's generation configuration, it uses the settings for which tokens can be written and how many, but not
those for sampling or beam search.
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
    """The name of the transformers class that loads a decoder with its head; None if there is none."""
    from transformers.models.auto import modeling_auto as auto

    if config.model_type in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return "AutoModelForCausalLM"
    return (
        "AutoModelForImageTextToText" if config.model_type in auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES else None
    )


def writes(model: "PreTrainedModel") -> bool:
    """Whether the rows of a decoder write the next token: whether some model with this kind of layers generates.

    The text model of CLIP, for example, is also causal, but no model generates with it; a classifier does not either.
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
    """Whether a model has a head for a task, like a classifier, and writes nothing."""
    from attnviz.capture import unwrapped

    model = unwrapped(model)
    return model.base_model is not model and model.get_output_embeddings() is None


@dataclass(frozen=True)
class Target:
    """The target of an encoder-decoder: `ids` from its start token on, and for each id whether the model chose it.

    The model does not choose the start token, nor tokens that its configuration forces: a language as the second, an
    end as the last. `is_cut` says that it had not ended at the longest allowed length.
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

    The generation configuration can set a lower limit. `begins` are settings that replace those of the configuration:
    the start token and the first token to write. Raises ModelError for a configuration that cannot be used.
    """
    most = _longest(model, most)
    settings = _settings(model) | {**begins, "max_length": most}
    ids = _generate(model, inputs, settings, progress and _Streamer(progress, None))
    forces_second, forces_last = (settings.get(f"forced_{end}_token_id") is not None for end in ("bos", "eos"))
    given = {0} | ({1} if forces_second else set()) | ({most - 1} if forces_last else set())
    chosen = [index not in given for index in range(len(ids))]
    has_ended = chosen[-1] and ids[-1] in ends(model)
    return Target(ids, chosen, len(ids) >= most and not has_ended)


def continue_text(
    model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", most: int, progress: Progress | None = None
) -> list[int]:
    """The ids that a decoder writes after those in `inputs`, `[1, tokens]`: `most` of them, or until it ends.

    Raises ModelError for a generation configuration that cannot be used.
    """
    settings = _settings(model) | {"max_new_tokens": most}
    return _generate(model, inputs, settings, progress and _Streamer(progress, most))[inputs["input_ids"].shape[1] :]


def ends(model: "PreTrainedModel") -> list[int]:
    """The end-of-text ids of the model."""
    own = getattr(model.generation_config, "eos_token_id", None)
    return own if isinstance(own, list) else [] if own is None else [own]


def strategy_note(model: "PreTrainedModel") -> tuple[str, ...]:
    """Notes if the model's generation configuration could not be read, or does not generate greedily."""
    own, asks = model.generation_config, ""
    if isinstance(beams := getattr(own, "num_beams", None), int) and beams > 1:
        asks = f"for a search with {beams} beams"
    if getattr(own, "do_sample", None) is True:
        asks = "for sampling"
    greedily = f"written greedily; the model's own generation configuration asks {asks}" if asks else ""
    return tuple(filter(None, (getattr(own, "note", ""), greedily)))


class _Streamer:
    """A streamer for `generate` that calls `progress` for each written token."""

    def __init__(self, progress: Progress, most: int | None) -> None:
        self.progress, self.most, self.written = progress, most, -1  # the first call has the tokens that were read

    def put(self, ids: "torch.Tensor") -> None:
        """Called with the tokens that were read, and then with one written token at a time."""
        self.written += 1
        self.progress("tokens written", self.written, self.most)

    def __deepcopy__(self, _: Any) -> "_Streamer":
        return self  # peft copies its arguments

    def end(self) -> None:
        """Called at the end."""


_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")
_HEEDED = (
    *("min_length", "min_new_tokens", "forced_bos_token_id", "forced_eos_token_id"),
    *("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "sequence_bias"),
    *("no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "repetition_penalty", "encoder_repetition_penalty"),
    *("exponential_decay_length_penalty", "remove_invalid_values"),
)
"""Settings for which tokens can be written. All others, for sampling, beams, caches and more, are not used, because
the most likely token is always chosen."""


def _settings(model: "PreTrainedModel") -> dict[str, Any]:
    """The settings of the model's generation configuration that are used here."""
    own = model.generation_config
    found = {name: getattr(own, name, None) for name in (*_TOKENS, *_HEEDED)}
    return {name: value for name, value in found.items() if value is not None}


def _longest(model: "PreTrainedModel", most: int) -> int:
    """The longest target in tokens: `most`, or fewer if the generation configuration says so."""
    own = model.generation_config
    name = "max_length" if getattr(own, "max_new_tokens", None) is None else "max_new_tokens"
    limit, start = getattr(own, name, None), int(name == "max_new_tokens")  # new tokens do not count the start token
    if limit is None:
        return most
    if not isinstance(limit, int) or limit + start < _SHORTEST:
        whose = f"the generation configuration of {type(model).__name__}"
        raise ModelError(f"{whose} has {name} {limit!r}: no target can be written", _INSTEAD)
    return min(most, limit + start)


_SHORTEST = 2  # tokens of a target: the start token, and one that is written
_INSTEAD = "Correct its generation_config.json or, in Python, model.generation_config."


def _generate(
    model: "PreTrainedModel",
    inputs: "Mapping[str, torch.Tensor]",
    settings: Mapping[str, Any],
    streamer: _Streamer | None,
) -> list[int]:
    """The ids that are read and then written, greedily and with only these `settings`."""
    from attnviz.capture import reads_pictures

    try:
        return _written(model, inputs, settings, streamer)
    except _FAILURES as error:
        plainly = {name: value for name, value in settings.items() if name not in (*_HEEDED, *_TOKENS)}
        if plainly != settings and _works(model, inputs, plainly):
            message = f"the generation configuration of {type(model).__name__} cannot be used: {error}"
            raise ModelError(message, _INSTEAD) from error
        if not reads_pictures(model.config):
            raise
        message = f"{type(model).__name__} does not write from only a text: {error}"
        raise ModelError(message, "Leave out --generate, give the --target, or name a text model.") from error


_FAILURES = (RuntimeError, ValueError, TypeError, AttributeError, LookupError, AssertionError, ArithmeticError)


def _works(model: "PreTrainedModel", inputs: "Mapping[str, torch.Tensor]", settings: Mapping[str, Any]) -> bool:
    """Whether the model can write a first token with these `settings`."""
    one = {"max_length": _SHORTEST} if "max_length" in settings else {"max_new_tokens": 1}
    with suppress(*_FAILURES):
        return bool(_written(model, inputs, {**settings, **one}, None))
    return False


def _written(
    model: "PreTrainedModel",
    inputs: "Mapping[str, torch.Tensor]",
    settings: Mapping[str, Any],
    streamer: _Streamer | None,
) -> list[int]:
    from transformers import GenerationConfig

    from attnviz.capture import unwrapped, working_copy

    takes = inspect.signature(unwrapped(model).forward).parameters
    given = {name: inputs[name] for name in ("input_ids", "attention_mask") if name in inputs and name in takes}
    writer = working_copy(model)
    cache = {} if _can_cache(model) else {"use_cache": False}
    greedy = GenerationConfig(**{**settings, **cache})
    writer.generation_config = unwrapped(writer).generation_config = greedy  # or their own would fill in settings
    return list(map(int, writer.generate(**given, generation_config=greedy, streamer=streamer)[0]))


def _can_cache(model: "PreTrainedModel") -> bool:
    """Whether keys and values can be cached between tokens."""
    from attnviz.capture import find_virtual_prompt

    if find_virtual_prompt(model):  # peft 0.21 loses it with a cache
        return False
    # The cache of transformers has as many layers as the encoder, even for a decoder alone.
    config = model.config.get_text_config(decoder=True)
    depths = (getattr(config, name, None) for name in ("decoder_layers", "num_decoder_layers"))
    depth = next((depth for depth in depths if isinstance(depth, int)), 0)
    return depth <= (getattr(config, "num_hidden_layers", None) or depth)
