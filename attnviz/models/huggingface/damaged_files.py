"""Finding the damaged or missing file of a model or a tokenizer after loading has failed, so that an error names it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.huggingface.hub_cache import snapshot_folder

if TYPE_CHECKING:
    from attnviz.models.huggingface.location import ModelLocation

_CONFIG = "config.json"
_TOKENIZER = ("tokenizer_config.json", "tokenizer.json", "special_tokens_map.json", "added_tokens.json")
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
AGAIN = "Get it again: it is cut short, or a Git LFS pointer, for which: git lfs pull"


def damaged_file(location: "ModelLocation", what: str, revision: str | None) -> ModelError | None:
    """The error that names the damaged file because of which `what` could not be loaded; None if no file is damaged."""
    if (folder := _folder(location, revision)) is None:
        return None
    for name in (_CONFIG, *_TOKENIZER) if what == "tokenizer" else (_CONFIG, *_INDEXES):
        if (folder / name).is_file() and (fault := _fault(folder / name)):
            return ModelError(f"the {name} of {location.spec} {fault}", AGAIN)
    return _missing_index(folder, location.spec) if what == "weights" else None


def missing_pieces(location: "ModelLocation", revision: str | None) -> ModelError | None:
    """The error that names missing files of a tokenizer's class, if there is no tokenizer.json.

    None if no file is missing.
    """
    folder = _folder(location, revision)
    if folder is None or (folder / "tokenizer.json").is_file():
        return None
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

    model_type = _settings(folder / _CONFIG).get("model_type")
    name = _settings(folder / _TOKENIZER[0]).get("tokenizer_class") or TOKENIZER_MAPPING_NAMES.get(model_type)
    kind = tokenizer_class_from_name(name) if isinstance(name, str) else None
    files = dict(getattr(kind, "vocab_files_names", {})).values()
    missing = [file for file in files if file not in _TOKENIZER and not (folder / file).is_file()]
    if not missing:
        return None
    return ModelError(
        f"{location.spec} has no tokenizer.json, and a {name} cannot read other files, because there is no"
        f" {' and no '.join(missing)}",
        "Get what is missing, or name another tokenizer: --tokenizer NAME.",
    )


def _folder(location: "ModelLocation", revision: str | None) -> Path | None:
    """The folder of a model's files; None if the model is a single file."""
    if location.is_file:
        return None
    return snapshot_folder(location.path, revision) if location.on_hub else Path(location.path)


def _fault(file: Path) -> str | None:
    """The fault in a JSON file of settings or in an index of weights; None if there is none."""
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        return f"is not JSON: {error}"
    if not isinstance(content, dict):
        return f"holds a {type(content).__name__}, where settings by their names are expected"
    if file.name not in _INDEXES:
        return None
    files = content.get("weight_map")
    if not isinstance(files, dict) or not files or not all(isinstance(part, str) for part in files.values()):
        return "does not say which weight is in which file: weight_map"
    if outside := [part for part in files.values() if Path(part).name != part]:
        return f"names a file that is not beside it: {outside[0]}"
    return None if isinstance(content.get("metadata"), dict) else "lacks its metadata"


def _missing_index(folder: Path, spec: str) -> ModelError | None:
    for index in _INDEXES:
        whole = Path(index.removesuffix(".index.json"))
        parts = sorted(folder.glob(f"*-of-*{whole.suffix}"))
        if parts and not (folder / index).exists() and not (folder / whole).exists():
            return ModelError(
                f"the weights of {spec} are in parts, such as {parts[0].name}, and their index is missing: {index}",
                "Get it too: it says which weight is in which part.",
            )
    return None


def _settings(file: Path) -> Mapping[str, Any]:
    content = json.loads(file.read_bytes()) if file.is_file() else {}
    return content if isinstance(content, dict) else {}
