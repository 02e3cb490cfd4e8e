"""Where in the model a call of attention comes from: its kind, and its layer's true number."""

import inspect
from collections.abc import Mapping

import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from attnviz.capture.virtual_tokens import count_virtual
from attnviz.capture.wrappers import unwrapped
from attnviz.kinds import Kind

_STACKS = {  # a model of several stacks: where their layers are, and what they look at if it is not tokens
    "blt": {"local_encoder.layers": "", "global_transformer.layers": "patches of bytes", "local_decoder.layers": ""}
}


class CallSites:
    """Tells the calls of one pass apart.

    In an encoder-decoder, what is inside the encoder is self-attention; of the two calls that a decoder's layer makes,
    the first is masked self-attention and the second cross-attention. In other models the mask decides.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._names: dict[int, list[str]] = {}  # a module that several layers share has a name in each
        for name, module in model.named_modules(remove_duplicate=False):
            self._names.setdefault(id(module), []).append(name)
        self.without: dict[int, str] = {}
        """Layers whose attention is not between tokens, and what it is between."""
        self._in_stack: dict[int, int] = {}
        for stack, of_what in _STACKS.get(model.config.model_type, {}).items():
            first = len({*self._in_stack.values(), *self.without})
            for number, layer in enumerate(model.get_submodule(stack).children(), first):
                if of_what:
                    self.without[number] = f"attention between {of_what}"
                else:
                    self._in_stack |= {id(module): number for module in layer.modules()}
        self._last: tuple[torch.nn.Module, torch.Tensor] | None = None
        self._one_way = reads_one_way(model)
        self._has_encoder = is_encoder_decoder(model)
        self._encoder = {id(module) for module in model.get_encoder().modules()} if self._has_encoder else set()
        self._seen: dict[Kind, set[int]] = {"self": set(), "masked-self": set(), "cross": set()}

    def locate(self, module: torch.nn.Module, hides_later: bool | None) -> tuple[Kind, int]:
        """The kind and the layer of a call from `module`, and whether it hides what is later."""
        layer = self.layer(module)
        kind: Kind
        if not self._has_encoder:
            kind = "masked-self" if (self._one_way if hides_later is None else hides_later) else "self"
        elif id(module) in self._encoder:
            kind = "self"
        else:
            kind = "cross" if layer in self._seen["masked-self"] else "masked-self"
        while layer in self._seen[kind]:  # one module serves several layers, as in ALBERT
            layer += 1
        self._seen[kind].add(layer)
        return kind, layer

    def passes_over(self, module: torch.nn.Module) -> bool:
        """Whether a call from `module` is of no layer of tokens, in a model of several stacks."""
        return bool(self._in_stack) and id(module) not in self._in_stack

    def repeats(self, module: torch.nn.Module, query: torch.Tensor) -> bool:
        """Whether the call before was this one with other values, as DiffLlama makes two with the same weights."""
        last, self._last = self._last, (module, query)
        return last is not None and last[0] is module and last[1] is query

    def layer(self, module: torch.nn.Module) -> int:
        """The layer's number: what the module says, or the first number on the way to it.

        Each call of a module that several layers share is by the next of them.
        """
        number = self._in_stack.get(id(module), getattr(module, "layer_idx", None))
        if isinstance(number, int) and number >= 0:
            return number
        names = self._names[id(module)]
        path = (names.pop(0) if len(names) > 1 else names[0]).split(".")
        return next((int(step) for step in path if step.isdecimal()), 0)


def count_queries_and_keys(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], kind: Kind
) -> tuple[int, int]:
    """How many queries and keys that kind of attention has where both are tokens, virtual ones among them."""
    text = inputs["input_ids"]
    target = inputs.get("decoder_input_ids", text) if is_encoder_decoder(model) else text
    assert isinstance(text, torch.Tensor)
    assert isinstance(target, torch.Tensor)
    queries, keys = (text if kind == "self" else target), (target if kind == "masked-self" else text)
    more_queries, more_keys = count_virtual(model, kind, is_encoder_decoder(model))
    return queries.shape[1] + more_queries, keys.shape[1] + more_keys


def is_encoder_decoder(model: PreTrainedModel) -> bool:
    """Whether a decoder reads ids of its own beside an encoder.

    The configuration of a T5 encoder alone says so too, but its forward takes none; that of DiffusionGemma takes some,
    for a canvas.
    """
    takes = inspect.signature(unwrapped(model).forward).parameters
    return bool(model.config.is_encoder_decoder) and "decoder_input_ids" in takes


def reads_one_way(model: PreTrainedModel) -> bool:
    """Whether a model is of a kind that writes from left to right: what decides where one token alone cannot."""
    return model.config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not reads_both_ways(model.config)


def reads_both_ways(config: PretrainedConfig) -> bool:
    """Whether a model looks at what comes later too, as BERT does, and so cannot go on with a text."""
    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)


def reads_pictures(config: PretrainedConfig) -> bool:
    """Whether a model is of a kind that reads pictures and text: most can do without a picture, some cannot."""
    return config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES


def is_causal_mask(mask: torch.Tensor | None, queries: int) -> bool | None:
    """Whether a mask hides all that comes later: boolean, true where a query may look, or added to the scores.

    The last query and the last key are of one token. None for one query alone, which nothing comes after.
    """
    if queries == 1:
        return None
    if mask is None or mask.shape[-2] == 1:
        return False
    seen = mask if mask.dtype == torch.bool else mask >= 0
    return not seen.triu(1 + seen.shape[-1] - queries).any()
