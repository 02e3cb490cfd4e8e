"""The modules of a model that are running at the moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

import torch


class Running(NamedTuple):
    """A module that is running, and the number of this run; each call of a module is a new run."""

    module: torch.nn.Module
    run: int


def python_modules(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The modules of `model` that run as Python and take hooks; torch.jit has compiled the others."""
    return (module for module in model.modules() if not isinstance(module, torch.jit.ScriptModule))


@contextmanager
def entered(model: torch.nn.Module) -> Iterator[list[Running]]:
    """The list of the modules of `model` that are running, the innermost last. Adds hooks: give it a working copy."""
    inside: list[Running] = []
    runs = count(1)

    def enter(module: torch.nn.Module, _args: Any) -> None:
        inside.append(Running(module, next(runs)))

    def leave(*_: Any) -> None:
        inside.pop()

    hooks = []
    for module in python_modules(model):
        hooks.append(module.register_forward_pre_hook(enter))
        hooks.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield inside
    finally:
        for hook in hooks:
            hook.remove()
