"""The trained model as one safetensors file: weights in float16, and its sizes and vocabulary as metadata."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from attnviz.scratch import transformer
from attnviz.scratch.confidence import Threshold
from attnviz.scratch.tokenizer import LANGUAGES, Tokenizer
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
    thresholds: tuple[Threshold, ...] = ()
    """Where a translation to a language is unsure, as `measurements.measured` gives it."""
    rates: dict[str, dict[str, float]] = field(default_factory=dict)
    """By the name of a construction and the language that is written: the share of its translations that are right."""

    def threshold(self, language: int) -> float:
        """The confidence below which a translation to `language` is unsure; 0 where it is not known: then none is."""
        name = LANGUAGES[language]
        return next((one.confidence for one in self.thresholds if one.language == name), 0.0)


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """The file's content: every weight by its path in the tree, as `encoder.0.self.W_Q`."""
    from safetensors.numpy import save

    tensors = {name: array.astype(np.float16) for name, array in named(checkpoint.weights)}
    header = {"config": asdict(checkpoint.config), "roles": list(checkpoint.roles)}
    header |= {"thresholds": [asdict(one) for one in checkpoint.thresholds], "rates": checkpoint.rates}
    header |= checkpoint.tokenizer.tables()
    return save(tensors, metadata={"attnviz": json.dumps(header, ensure_ascii=False)})


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a file of `to_bytes`. Raises ValueError, which says what is wrong, where it is another or a damaged one."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        names = file.keys()
        header = _header((file.metadata() or {}).get("attnviz", "null"))
        config = _config(header["config"], len(names))
        tokenizer = Tokenizer.from_tables(header, config.stems, config.endings)
        measured = _roles(header), *_measured(header)
        shapes = transformer.shapes(config)
        if set(names) != {name for name, _ in named(shapes)}:
            raise ValueError("its tensors are not those of a transformer of its sizes")
        weights = map_tree(lambda name, shape: _weight(name, file.get_tensor(name), shape), shapes)
    return Checkpoint(config, weights, tokenizer, *measured)


def _header(metadata: str) -> dict[str, Any]:
    """What the metadata says. Raises ValueError where that is another file's."""
    header = json.loads(metadata)
    needed = {"config", "stems", "endings", "words", "roles"}
    if not isinstance(header, dict) or set(header) - {"thresholds", "rates"} != needed:
        raise ValueError("it has no sizes and no vocabulary")
    return header


def _config(sizes: Any, tensors: int) -> Config:
    """The sizes of a model with so many tensors. Raises ValueError if they fit no model."""
    if not isinstance(sizes, dict) or set(sizes) != {field.name for field in fields(Config)}:
        raise ValueError(f"its sizes are {str(sizes)[:80]}")
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            raise ValueError(f"its size {name} is {size!r}")
    config = Config(**sizes)
    if config.d % config.h or config.d % 2 or config.encoder_layers + config.decoder_layers > tensors:
        raise ValueError(f"its sizes do not fit each other or its {tensors} tensors: {sizes}")
    return config


def _roles(header: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    roles = header["roles"]
    if not isinstance(roles, list) or not all(isinstance(role, dict) for role in roles):
        raise ValueError(f"its roles are {str(roles)[:80]}")
    return tuple(roles)


def _measured(header: dict[str, Any]) -> tuple[tuple[Threshold, ...], dict[str, dict[str, float]]]:
    """The thresholds and the rates; a file from before they were measured has none. Raises ValueError for others."""
    try:
        thresholds = tuple(Threshold(**one) for one in header.get("thresholds", ()))
        rates = {construction: {**by_language} for construction, by_language in header.get("rates", {}).items()}
    except (AttributeError, TypeError) as error:
        raise ValueError(f"its thresholds or rates are damaged: {error}") from error
    shares = [share for by_language in rates.values() for share in by_language.values()]
    shares += [share for one in thresholds for share in (one.confidence, one.caught, one.lost)]
    if not all(type(share) in (int, float) and 0 <= share <= 1 for share in shares):
        raise ValueError(f"its thresholds or rates are not all from 0 to 1: {str(shares)[:80]}")
    return thresholds, rates


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
