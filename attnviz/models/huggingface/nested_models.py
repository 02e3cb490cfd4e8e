"""Finding models inside a folder that is not a model itself: checkpoints, parts of a pipeline, several models."""

import os
import re
from collections.abc import Iterator
from itertools import islice
from os.path import isfile
from pathlib import Path

from attnviz.models.huggingface.gguf import is_gguf, parts

_DEEP, _MANY = 3, 2000  # how deep, and how many folders, are searched
_SHOWN = 4
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_OF_A_MODEL = ("config.json", "adapter_config.json")


def find_nested_models(folder: str) -> str:
    """A hint that names the models in `folder`, the newest checkpoint first; empty if there are none."""
    found = sorted(_models(folder), key=_rank)
    if not found:
        return ""
    if _CHECKPOINT.fullmatch(Path(found[0]).name):
        return f"Its newest checkpoint: {found[0]}"
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    what = "There is a model in it" if len(found) == 1 else "There are models in it"
    return f"{what}: {', '.join(found[:_SHOWN])}{more}"


def _models(folder: str) -> Iterator[str]:
    """The folders and .gguf files below `folder` that are models, as paths that begin with `folder`."""
    for path, folders, files in islice(os.walk(folder), _MANY):
        yield from (os.path.join(path, file) for file in files if _is_whole(Path(path, file)))
        inside = {name: os.path.join(path, name) for name in folders if not name.startswith(".")}
        models = {name for name, below in inside.items() if any(isfile(f"{below}/{file}") for file in _OF_A_MODEL)}
        yield from (inside[name] for name in models)
        is_deep = len(Path(path).relative_to(folder).parts) == _DEEP - 1
        folders[:] = [] if is_deep else inside.keys() - models


def _is_whole(file: Path) -> bool:
    """Whether it is a .gguf file by its name or, for a name without an ending as in ollama, by its first bytes.

    Of a file in parts only the first existing part counts.
    """
    if file.suffix and file.suffix.lower() != ".gguf":
        return False
    return is_gguf(file) and next((part for part in parts(file) if isfile(part)), file) == file


def _rank(path: str) -> tuple[int, int, str]:
    """Sort key: the least deep first, then the checkpoint with most steps, then by name."""
    checkpoint = _CHECKPOINT.fullmatch(Path(path).name)
    return len(Path(path).parts), -int(checkpoint[1]) if checkpoint else 0, path
