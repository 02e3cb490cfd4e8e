"""Which modules of a model are running."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

import torch


class Running(NamedTuple):
    """A module that runs, and the number of that run: another one each time that it is called."""

    module: torch.nn.Module
    run: int


def python_modules(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The modules of `model` that run as Python: torch.jit has compiled the others, and these take no hooks."""
    return (module for module in model.modules() if not isinstance(module, torch.jit.ScriptModule))


@contextmanager
def entered(model: torch.nn.Module) -> Iterator[list[Running]]:
    """The modules of `model` that are running, the innermost last. Hooks tell: give it a working copy."""
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
