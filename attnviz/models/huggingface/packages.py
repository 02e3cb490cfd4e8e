"""Models inside installed packages, found in the file lists of pip, so that no code of a package runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path, PurePosixPath

from attnviz.errors import ModelError

WEIGHTS = (".safetensors", ".bin")
"""The endings of files of weights in a folder in Hugging Face format."""


@dataclass(frozen=True)
class PackagedModel:
    """A model in a package: the package's name, and the model's folder in Hugging Face format or its .gguf file."""

    package: str
    path: Path

    @property
    def size(self) -> int:
        """Its size in bytes."""
        files = self.path.iterdir() if self.path.is_dir() else [self.path]
        return sum(file.stat().st_size for file in files if file.is_file())


def packaged_models() -> list[PackagedModel]:
    """Every model in an installed package, by the package's name."""
    found = {model.path: model for package in distributions() for model in _models(package)}
    return sorted(found.values(), key=lambda model: (model.package, model.path))


def packaged_model(name: str) -> PackagedModel | None:
    """The model in the installed package `name`; None if there is none.

    As in pip, `-`, `_` and `.` are the same, and case does not matter. Raises ModelError for a package with several
    models.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        return None
    try:
        models = list(_models(distribution(name)))
    except PackageNotFoundError:
        return None
    if len(models) > 1:
        paths = " ".join(str(model.path) for model in models)
        raise ModelError(f"the package {name} carries {len(models)} models", f"Name one: {paths}")
    return models[0] if models else None


def _models(package: Distribution) -> Iterator[PackagedModel]:
    """The existing models in a package's list of files."""
    listed = package.read_text("RECORD") or ""
    if ".gguf" not in listed and "config.json" not in listed:  # most packages; parsing all lists takes seconds
        return
    files = [PurePosixPath(file) for file in package.files or ()]
    with_weights = {file.parent for file in files if file.suffix in WEIGHTS}
    paths = [file for file in files if file.suffix == ".gguf"]
    paths += [file.parent for file in files if file.name == "config.json" and file.parent in with_weights]
    for path in (Path(str(package.locate_file(path))) for path in paths):
        if path.exists():
            yield PackagedModel(package.name, path)
