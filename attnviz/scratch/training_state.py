"""A training that is not at its end, as one safetensors file: weights and the means of their gradients.

The metadata say how many steps were made, and what made them: only the same training may go on from there.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from attnviz.errors import FileError
from attnviz.files import write_whole
from attnviz.scratch.attention import Weights
from attnviz.scratch.muon import Muon
from attnviz.scratch.store import named

METADATA = "attnviz training"
Optimizers = Sequence[torch.optim.Optimizer]


def save(file: Path, step: int, W: Weights, optimizers: Optimizers, made_by: Mapping[str, Any]) -> None:
    """Write what `restore` needs to go on after `step` steps. Raises FileError where the file cannot be written."""
    names = {array: name for name, array in named(W)}
    tensors = {name: array.detach() for array, name in names.items()}
    for optimizer in optimizers if step else ():
        for array in optimizer.param_groups[0]["params"]:
            tensors |= {f"{names[array]}.{mean}": optimizer.state[array][mean] for mean in _means(optimizer)}
    header = {"step": step, "made by": made_by}
    write_whole(file, to_bytes(tensors, metadata={METADATA: json.dumps(header)}))


def steps_done(file: Path, made_by: Mapping[str, Any]) -> int:
    """How many steps were made; 0 where there is no file.

    Raises FileError where the file is something else, or where something other than `made_by` made them: the file would
    be overwritten.
    """
    if not os.path.lexists(file):
        return 0
    if file.is_dir():
        raise FileError(f"{file} is a folder, where the checkpoint is kept", "Name another folder with -o.")
    with _opened(file) as opened:
        header = json.loads((opened.metadata() or {})[METADATA])
        step, other = header["step"], header["made by"]
        if type(step) is not int or step < 0 or not isinstance(other, dict):
            raise ValueError(f"{step!r} steps")
    if differences := [name for name in made_by if made_by[name] != other.get(name)]:
        told = "; ".join(f"{name} {other.get(name)}, here {made_by[name]}" for name in differences)
        raise FileError(
            f"{file} is of another training ({told}), and would be overwritten",
            "Continue that one with its own options, name another folder with -o, or delete the file.",
        )
    return step


def restore(file: Path, step: int, W: Weights, optimizers: Optimizers) -> None:
    """Take up what `save` wrote after `step` steps. Raises FileError where something of it is damaged."""
    names = {array: name for name, array in named(W)}
    with _opened(file) as opened, torch.no_grad():
        for array, name in names.items():
            array.copy_(_tensor(opened, name, array))
        for optimizer in optimizers:
            state: dict[int, dict[str, torch.Tensor]] = {}
            for number, array in enumerate(optimizer.param_groups[0]["params"]):
                means = {mean: _tensor(opened, f"{names[array]}.{mean}", array) for mean in _means(optimizer)}
                state[number] = {"step": torch.tensor(float(step)), **means}
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _means(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """What the optimizer keeps of each weight's gradient: the mean of it, and AdamW also of its square."""
    return ("momentum",) if isinstance(optimizer, Muon) else ("exp_avg", "exp_avg_sq")


def _tensor(opened: Any, name: str, like: torch.Tensor) -> torch.Tensor:
    """A tensor of the file, of the type and shape of `like`, and finite."""
    tensor: torch.Tensor = opened.get_tensor(name)
    if tensor.dtype != like.dtype or tensor.shape != like.shape:
        found, expected = (f"{one.dtype} {list(one.shape)}" for one in (tensor, like))
        raise ValueError(f"{name} is {found}, and should be {expected}")
    if not tensor.isfinite().all():
        raise ValueError(f"a number of {name} is not finite")
    return tensor


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """The file, opened; whatever shows that it is none of ours, or damaged, becomes a FileError."""
    try:
        with safe_open(file, framework="pt") as opened:
            yield opened
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise FileError(
            f"{file} is no checkpoint of attnviz train, or a damaged one: {error}",
            "Name another folder with -o, or delete the file to begin again.",
        ) from error
