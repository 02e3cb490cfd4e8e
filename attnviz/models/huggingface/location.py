"""Finding the model that a user names: a folder, a .gguf file, a package, a name on the Hub; and its adapter."""

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from os.path import exists, isdir, isfile  # False for an impossible path; those of Path raise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from attnviz.errors import ModelError
from attnviz.models.huggingface.adapter_folder import CONFIG, WEIGHTS, Adapter, read_settings
from attnviz.models.huggingface.gguf import is_gguf, parts, short_name
from attnviz.models.huggingface.hub_cache import hub_folder
from attnviz.models.huggingface.load_errors import WHERE, suggest_names
from attnviz.models.huggingface.nested_models import find_nested_models
from attnviz.models.huggingface.packages import packaged_model

_TOKENIZER = "Name a model that has it, on the Hugging Face Hub or here, or a folder with its files: --tokenizer NAME."
_PICTURES = (".png", ".svg", ".pdf")
_WHOLE = tuple(f"{file}{index}" for file in ("model.safetensors", "pytorch_model.bin") for index in ("", ".index.json"))


@dataclass(frozen=True)
class ModelLocation:
    """The location of a model: as the user wrote it, as `from_pretrained` takes it, a short name, and options.

    If it holds an adapter, `adapter` has the location of the adapter's model.
    """

    spec: str
    path: str
    name: str
    options: dict[str, Any]
    adapter: Adapter | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a .gguf file."""
        return "gguf_file" in self.options

    @property
    def file(self) -> Path:
        """The .gguf file, or its part that was named."""
        return Path(self.path, self.options["gguf_file"])

    @property
    def on_hub(self) -> bool:
        """Whether it is a name on the Hugging Face Hub."""
        return not self.is_file and not isdir(self.path)

    @property
    def offline(self) -> bool:
        """Whether only the cache is used."""
        return "local_files_only" in self.options

    def files(self) -> Iterator[Path]:
        """The files on this machine that belong to it: all in its folder except pictures, which are results.

        For an adapter, also the files of its model.
        """
        if self.is_file:
            yield from parts(self.file)
        elif self.on_hub:
            yield from hub_folder(self.path).rglob("*")
        else:
            yield from (file for file in Path(self.path).rglob("*") if file.suffix.lower() not in _PICTURES)
        if self.adapter and self.adapter.base.path != self.path:
            yield from self.adapter.base.files()


def locate(spec: str, what: str = "model") -> ModelLocation:
    """Find the location that `spec` names, without torch; `what` (model or tokenizer) is for messages.

    Raises ModelError if nothing on this machine and no name on the Hub can be meant.
    """
    location = _located(spec, what)
    is_folder = not location.is_file and not location.on_hub
    return (
        _with_adapter(location, Path(location.path)) if is_folder and isfile(Path(location.path, CONFIG)) else location
    )


def locate_all(location: ModelLocation, revision: str | None = None) -> ModelLocation:
    """`location` with its adapter, which is downloaded if it is in a repository of the Hub."""
    if not location.on_hub:
        return location
    from transformers.utils import cached_file

    def fetched(file: str) -> str | None:
        found: str | None = cached_file(
            location.path,
            file,
            revision=revision,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            **location.options,
        )
        return found

    try:
        config = fetched(CONFIG)
    except OSError:  # loading the model raises the error
        return location
    if config is None:
        return location
    for file in (*WEIGHTS, "tokenizer_config.json", "config.json", *_WHOLE):
        fetched(file)
    return _with_adapter(location, Path(config).parent)


def in_cache(location: ModelLocation) -> ModelLocation:
    """`location` with its adapter, like `locate_all`, but without a download."""
    return locate_all(replace(location, options={"local_files_only": True})) if location.on_hub else location


def _with_adapter(location: ModelLocation, folder: Path) -> ModelLocation:
    """`location` with the adapter in `folder`, and the adapter's model.

    The model is in the same folder, or where the settings say: a folder (relative to the current folder or to the
    adapter) or anything that `locate` takes. Raises ModelError if there is no such model, if it is an adapter too, and
    without the package peft.
    """
    settings = read_settings(folder, location.spec)
    named = settings.get("base_model_name_or_path")
    if isfile(folder / "config.json") and any(isfile(folder / file) for file in _WHOLE):
        base, named = location, "the model beside it"
    elif not isinstance(named, str) or not named.strip():
        message = f"the {CONFIG} of {location.spec} does not say which model it belongs to"
        raise ModelError(message, "It is named by base_model_name_or_path: the name on the Hub, or the folder.")
    else:
        paths = (named, os.path.join(folder, named))
        try:
            base = _located(next((path for path in paths if exists(os.path.expanduser(path))), named))
        except ModelError as error:
            raise ModelError(
                f"{location.spec} is an adapter of {named}, which is neither here nor beside it",
                f"Has it moved? Put where it is, or its name on the Hub, for base_model_name_or_path in its {CONFIG}.",
            ) from error
        if isfile(Path(base.path, CONFIG)) and not base.is_file:
            raise chained_adapter_error(location.spec, named)
    if find_spec("peft") is None:
        message = f"{location.spec} is an adapter of {named}: reading it needs the package peft"
        raise ModelError(message, "pip install 'attnviz[adapters]'")
    return replace(location, adapter=Adapter(location.spec, folder, settings, base))


def chained_adapter_error(spec: str, base: str) -> ModelError:
    """The error for an adapter whose `base` is an adapter too."""
    return ModelError(
        f"{spec} is an adapter of {base}, which is an adapter itself",
        "Merge that one first: peft's merge_and_unload().",
    )


def _located(spec: str, what: str = "model") -> ModelLocation:
    """The location that `spec` names, without looking for an adapter."""
    where = WHERE if what == "model" else _TOKENIZER
    path, package = Path(os.path.expanduser(spec)), None
    if not spec.strip():
        raise ModelError(f"the name of the {what} is empty", where)
    if not exists(path) and (carried := packaged_model(spec)):
        path, package = carried.path, carried.package
    if path.suffix.lower() == ".gguf" and not exists(path):
        raise ModelError(f"no such file: {spec}", suggest_names(spec) or where)
    if isfile(path) and is_gguf(path):
        if missing := [needed for needed in ("gguf", "accelerate") if find_spec(needed) is None]:
            raise ModelError(
                f"reading {path.name} needs the package {' and '.join(missing)}", "pip install 'attnviz[gguf]'"
            )
        return ModelLocation(spec, str(path.parent), package or short_name(path), {"gguf_file": parts(path)[0].name})
    if isdir(path):
        if not isfile(path / "config.json") and not isfile(path / CONFIG):
            message = f"{spec} is a folder without a config.json, so not a Hugging Face model"
            raise ModelError(message, find_nested_models(str(path)) or WHERE)
        return ModelLocation(spec, str(path), package or "/".join(path.parts[-2:]), {})
    if exists(path):
        raise ModelError(f"{spec} is a file, but not a .gguf file", WHERE)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", spec) or spec.startswith((".", "/", "~")):
        message = f"no such {what}: {spec} is neither a folder here nor a name on the Hub"
        raise ModelError(message, suggest_names(spec) or where)
    return ModelLocation(spec, spec, spec, {"local_files_only": True} if _is_offline() else {})


def _is_offline() -> bool:
    """Whether the Hub's address is unknown here: its client would try for 25 seconds before it uses the cache."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        return not getproxies()  # behind a proxy names do not have to resolve
    return False


def locate_tokenizer(spec: str) -> ModelLocation:
    """Find the location that `spec` names, like `locate`; its folder does not have to hold a model."""
    folder = os.path.expanduser(spec)
    if isdir(folder):
        return ModelLocation(spec, folder, spec, {})
    if spec == "builtin":
        raise ModelError("the tokenizer of the built-in model reads for that model alone", "Name another, or none.")
    if isfile(folder) and not is_gguf(Path(folder)):
        message = f"{spec} is a file, and a tokenizer is named by its folder"
        raise ModelError(message, f"That is: --tokenizer {os.path.dirname(spec) or '.'}")
    return locate(spec, "tokenizer")
