"""The kind and the true layer number of a call of attention, from the module that makes it."""

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

_STACKS = {  # a model of several stacks: path of the layers → what they attend to, if it is not tokens
    "blt": {"local_encoder.layers": "", "global_transformer.layers": "patches of bytes", "local_decoder.layers": ""}
}


class CallSites:
    """Finds the kind and the layer of each call of one pass.

    In an encoder-decoder, calls inside the encoder are self-attention. Of the two calls of a decoder's layer, the first
    is masked self-attention and the second cross-attention. In other models the mask decides.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._names: dict[int, list[str]] = {}  # a module that several layers share has one name per layer
        for name, module in model.named_modules(remove_duplicate=False):
            self._names.setdefault(id(module), []).append(name)
        self.non_attention_layers: dict[int, str] = {}
        """Layers whose attention is not between tokens, with a description of that attention."""
        self._in_stack: dict[int, int] = {}
        for stack, of_what in _STACKS.get(model.config.model_type, {}).items():
            first = len({*self._in_stack.values(), *self.non_attention_layers})
            for number, layer in enumerate(model.get_submodule(stack).children(), first):
                if of_what:
                    self.non_attention_layers[number] = f"attention between {of_what}"
                else:
                    self._in_stack |= {id(module): number for module in layer.modules()}
        self._last: tuple[torch.nn.Module, torch.Tensor] | None = None
        self._one_way = reads_one_way(model)
        self._has_encoder = is_encoder_decoder(model)
        self._encoder = {id(module) for module in model.get_encoder().modules()} if self._has_encoder else set()
        self._seen: dict[Kind, set[int]] = {"self": set(), "masked-self": set(), "cross": set()}

    def locate(self, module: torch.nn.Module, hides_later: bool | None) -> tuple[Kind, int]:
        """The kind and the layer of a call from `module`; `hides_later` is the result of `is_causal_mask`."""
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

    def ignores(self, module: torch.nn.Module) -> bool:
        """Whether a call from `module` belongs to no layer of tokens, in a model of several stacks."""
        return bool(self._in_stack) and id(module) not in self._in_stack

    def repeats(self, module: torch.nn.Module, query: torch.Tensor) -> bool:
        """Whether the call before had the same weights with other values, as in DiffLlama, which makes two calls."""
        last, self._last = self._last, (module, query)
        return last is not None and last[0] is module and last[1] is query

    def layer(self, module: torch.nn.Module) -> int:
        """The number of the layer: the `layer_idx` of the module, or the first number in its path.

        If several layers share a module, each of its calls belongs to the next layer.
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
    """The numbers of queries and keys of attention between tokens of this kind, with virtual tokens."""
    text = inputs["input_ids"]
    target = inputs.get("decoder_input_ids", text) if is_encoder_decoder(model) else text
    assert isinstance(text, torch.Tensor)
    assert isinstance(target, torch.Tensor)
    queries, keys = (text if kind == "self" else target), (target if kind == "masked-self" else text)
    more_queries, more_keys = count_virtual(model, kind, is_encoder_decoder(model))
    return queries.shape[1] + more_queries, keys.shape[1] + more_keys


def is_encoder_decoder(model: PreTrainedModel) -> bool:
    """Whether the model has an encoder, and a decoder that reads its own ids.

    The configuration alone does not say it: that of a T5 encoder says yes, but its forward takes no decoder ids. The
    forward alone does not either: that of DiffusionGemma takes decoder ids for a canvas.
    """
    takes = inspect.signature(unwrapped(model).forward).parameters
    return bool(model.config.is_encoder_decoder) and "decoder_input_ids" in takes


def reads_one_way(model: PreTrainedModel) -> bool:
    """Whether the model type writes from left to right; this decides the kind of attention of a single token."""
    return model.config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not reads_both_ways(model.config)


def reads_both_ways(config: PretrainedConfig) -> bool:
    """Whether the model also looks at later tokens, like BERT, so that it cannot continue a text."""
    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)


def reads_pictures(config: PretrainedConfig) -> bool:
    """Whether the model type reads pictures and text; most of these run without a picture, some do not."""
    return config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES


def is_causal_mask(mask: torch.Tensor | None, queries: int) -> bool | None:
    """Whether a mask hides all later keys. It is boolean, True where a query can look, or is added to the scores.

    The last query and the last key are the same token. None for a single query, because nothing comes after it.
    """
    if queries == 1:
        return None
    if mask is None or mask.shape[-2] == 1:
        return False
    seen = mask if mask.dtype == torch.bool else mask >= 0
    return not seen.triu(1 + seen.shape[-1] - queries).any()
