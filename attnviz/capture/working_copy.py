"""A copy of the model that shares its weights; a capture runs the copy, so that the model itself never changes.

A capture sets an attention implementation, a mode and hooks, all on the modules and configurations of the copy. So
nothing has to be restored after an error, and several threads can use one model at the same time.
"""

from functools import partial
from inspect import unwrap
from types import MethodType
from typing import Any

import torch
from torch._dynamo import OptimizedModule
from transformers import PretrainedConfig, PreTrainedModel

_WEIGHTS = {"_parameters", "_buffers"}
_CHUNKS = {"chunk_size_feed_forward", "chunk_size_lm_head"}
_AS_THEY_ARE = {bool, int, float, str, type(None), torch.dtype, torch.device}


def working_copy(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of `model` in evaluation mode: new modules and configurations, with the same parameters and buffers.

    Code compiled by `torch.compile` runs uncompiled, and hooks of the model are on the copy too. Layers do not run in
    chunks: these change no number, but raise an error if a text's length is not a multiple of their size.
    """
    copied: PreTrainedModel = _Copies().of(model)
    return copied


class _Copies:
    """The copies made so far, so that an object that stands in several places is copied once."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """A copy of a module, a configuration, or an object that holds or calls one; anything else unchanged."""
        kind = type(value)
        if kind in _AS_THEY_ARE:
            return value
        if kind is set:
            return value.copy()
        if isinstance(value, dict):
            copied = value.copy()  # keeps the type: a hook's handle needs an OrderedDict
            for name, each in value.items():
                copied[name] = self.of(each)
            return copied
        if kind in (list, tuple):
            return kind(self.of(each) for each in value)
        if isinstance(value, torch.nn.Module | PretrainedConfig):
            return self._of_object(uncompiled(value))
        if kind is MethodType and isinstance(value.__self__, torch.nn.Module):
            return MethodType(value.__func__, self.of(value.__self__))
        if kind is partial:  # the package accelerate replaces `forward` by one
            called = partial(value.func, *self.of(value.args), **self.of(value.keywords))
            vars(called).update(vars(value))  # its attributes hold the signature of the replaced function
            return called
        original = uncompiled(value)
        return value if original is value else self.of(original)

    def _of_object(self, value: Any) -> Any:
        if (made := self._made.get(id(value))) is not None:
            return made
        if isinstance(value, torch.jit.ScriptModule):  # no configuration changes it
            return value
        copied = self._made[id(value)] = object.__new__(type(value))
        state = vars(copied)
        state.update(vars(value))
        for name, each in vars(value).items():
            if type(each) not in _AS_THEY_ARE:
                state[name] = each.copy() if name in _WEIGHTS else self.of(each)
        if isinstance(value, torch.nn.Module):
            state |= {"training": False, "_compiled_call_impl": None}
            state |= dict.fromkeys(_CHUNKS.intersection(state), 0)
        return copied


def uncompiled(value: Any) -> Any:
    """The module or function that `torch.compile` compiled to `value`; `value` if it is not compiled."""
    if isinstance(value, OptimizedModule):
        return value._orig_mod
    if "_torchdynamo_orig_callable" in getattr(value, "__dict__", ()):
        return unwrap(value, stop=lambda inner: isinstance(inner, MethodType))
    return value
