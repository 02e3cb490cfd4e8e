"""What a capture runs: a copy of the model that shares its weights, so that whoever else runs the model sees no change.

An attention implementation, a mode, a hook: whatever is set for a capture is set on modules and configurations of its
own. Nothing has to be put back after an error, and several threads may use one model at once.
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
    """A copy of `model` in evaluation mode: modules and configurations of its own, the same parameters and buffers.

    What was compiled by `torch.compile` runs as it was written, and hooks on the model are on the copy too. No layer
    runs in chunks, which change no number, and where a text's length is no multiple of theirs are an error.
    """
    copied: PreTrainedModel = _Copies().of(model)
    return copied


class _Copies:
    """The copies that were made so far, so that what a model holds in several places is one thing in its copy too."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """The copy of a module, of a configuration, or of what holds or calls some; anything else as it is."""
        kind = type(value)
        if kind in _AS_THEY_ARE:
            return value
        if kind is set:
            return value.copy()
        if isinstance(value, dict):
            copied = value.copy()  # which has its type: a hook's handle needs an OrderedDict
            for name, each in value.items():
                copied[name] = self.of(each)
            return copied
        if kind in (list, tuple):
            return kind(self.of(each) for each in value)
        if isinstance(value, torch.nn.Module | PretrainedConfig):
            return self._of_object(uncompiled(value))
        if kind is MethodType and isinstance(value.__self__, torch.nn.Module):
            return MethodType(value.__func__, self.of(value.__self__))
        if kind is partial:  # as the package accelerate puts it in place of a `forward`
            called = partial(value.func, *self.of(value.args), **self.of(value.keywords))
            vars(called).update(vars(value))  # what it stands for says what it takes
            return called
        original = uncompiled(value)
        return value if original is value else self.of(original)

    def _of_object(self, value: Any) -> Any:
        if (made := self._made.get(id(value))) is not None:
            return made
        if isinstance(value, torch.jit.ScriptModule):  # which no configuration changes
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
    """What `torch.compile` was given, where `value` is the module or the function that it made of that."""
    if isinstance(value, OptimizedModule):
        return value._orig_mod
    if "_torchdynamo_orig_callable" in getattr(value, "__dict__", ()):
        return unwrap(value, stop=lambda inner: isinstance(inner, MethodType))
    return value
