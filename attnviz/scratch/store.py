"""The trained model as one safetensors file: weights in float16, and its sizes and vocabulary as metadata."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from attnviz.scratch import transformer
from attnviz.scratch.tokenizer import Tokenizer
from attnviz.scratch.transformer import Config

SHIPPED_SEED = 2
"""The seed of the weights that are here, and the one that is trained where none is named."""


@dataclass(frozen=True)
class Checkpoint:
    """A model that can be run: its sizes, its weights as numpy float32 arrays, and its tokenizer."""

    config: Config
    weights: dict[str, Any]
    tokenizer: Tokenizer
    roles: tuple[dict[str, Any], ...] = ()
    """What heads were measured to do, as `evaluate.measured_roles` gives it."""


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """The file's content: every weight by its path in the tree, as `encoder.0.self.W_Q`."""
    from safetensors.numpy import save

    tensors = {name: array.astype(np.float16) for name, array in named(checkpoint.weights)}
    sizes_and_roles = {"config": asdict(checkpoint.config), "roles": list(checkpoint.roles)}
    header = {**sizes_and_roles, **checkpoint.tokenizer.tables()}
    return save(tensors, metadata={"attnviz": json.dumps(header, ensure_ascii=False)})


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a file of `to_bytes`. Raises ValueError, which says what is wrong, where it is another or a damaged one."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        names = file.keys()
        config, tokenizer, roles = _described((file.metadata() or {}).get("attnviz", "null"), len(names))
        shapes = transformer.shapes(config)
        if set(names) != {name for name, _ in named(shapes)}:
            raise ValueError("its tensors are not those of a transformer of its sizes")
        weights = map_tree(lambda name, shape: _weight(name, file.get_tensor(name), shape), shapes)
    return Checkpoint(config, weights, tokenizer, roles)


def _described(metadata: str, tensors: int) -> tuple[Config, Tokenizer, tuple[dict[str, Any], ...]]:
    """The sizes, the tokenizer and the roles of a file with so many tensors. Raises ValueError if they fit no model."""
    header = json.loads(metadata)
    if not isinstance(header, dict) or set(header) != {"config", "stems", "endings", "words", "roles"}:
        raise ValueError("it has no sizes and no vocabulary")
    sizes = header["config"]
    if not isinstance(sizes, dict) or set(sizes) != {field.name for field in fields(Config)}:
        raise ValueError(f"its sizes are {str(sizes)[:80]}")
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            raise ValueError(f"its size {name} is {size!r}")
    config = Config(**sizes)
    if config.d % config.h or config.d % 2 or config.encoder_layers + config.decoder_layers > tensors:
        raise ValueError(f"its sizes do not fit each other or its {tensors} tensors: {sizes}")
    roles = header["roles"]
    if not isinstance(roles, list) or not all(isinstance(role, dict) for role in roles):
        raise ValueError(f"its roles are {str(roles)[:80]}")
    return config, Tokenizer.from_tables(header, config.stems, config.endings), tuple(roles)


def _weight(name: str, weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`weight` in float32. Raises ValueError where it has another type or shape, or is not finite."""
    if weight.dtype != np.float16 or weight.shape != shape:
        raise ValueError(f"{name} is {weight.dtype} {weight.shape}, and should be float16 {shape}")
    if not np.isfinite(weight).all():
        raise ValueError(f"a number of {name} is not finite")
    return weight.astype(np.float32)


@cache
def shipped() -> Checkpoint:
    """The model that comes with attnviz."""
    with as_file(shipped_file()) as path:
        return read(path)


def shipped_file() -> Traversable:
    """The file with the weights of that model."""
    return files("attnviz.scratch") / "weights" / "builtin.safetensors"


def named(tree: Any) -> list[tuple[str, Any]]:
    """The leaves of a tree of dictionaries and lists, each with its path."""
    leaves: list[tuple[str, Any]] = []
    map_tree(lambda path, leaf: leaves.append((path, leaf)), tree)
    return leaves


def map_tree(make: Callable[[str, Any], Any], tree: Any, path: str = "") -> Any:
    """The tree of the same form as `tree`, with `make(path, leaf)` in the place of each leaf."""
    join = f"{path}." if path else ""
    if isinstance(tree, dict):
        return {key: map_tree(make, branch, f"{join}{key}") for key, branch in tree.items()}
    if isinstance(tree, list):
        return [map_tree(make, branch, f"{join}{index}") for index, branch in enumerate(tree)]
    return make(path, tree)
