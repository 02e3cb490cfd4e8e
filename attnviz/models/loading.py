"""From what a user writes after -m to a Hugging Face model and tokenizer, or an error that says what would work."""

import gc
import io
import os
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from attnviz.errors import ModelError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_DTYPES = ("float32", "float16", "bfloat16")
_WHERE = "Name a model on the Hugging Face Hub (bert-base-uncased), a folder (./my-model) or a file (./model.gguf)."


@dataclass(frozen=True)
class Place:
    """Where a model is: what `from_pretrained` takes, a short name to show, and options that go with it."""

    path: str
    name: str
    options: dict[str, Any]


def locate(spec: str) -> Place:
    """Find out what `spec` names, without torch. Raises ModelError where it can be none of what there is."""
    path = Path(spec).expanduser()
    if path.suffix.lower() == ".gguf":
        if not path.is_file():
            raise ModelError(f"no such file: {spec}", _WHERE)
        if missing := [package for package in ("gguf", "accelerate") if find_spec(package) is None]:
            raise ModelError(
                f"reading {path.name} needs the package {' and '.join(missing)}", "pip install 'attnviz[gguf]'"
            )
        return Place(str(path.parent), path.stem, {"gguf_file": path.name})
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(f"{spec} is a folder without a config.json, so not a Hugging Face model", _WHERE)
        return Place(str(path), "/".join(path.parts[-2:]), {})
    if path.exists():
        raise ModelError(f"{spec} is a file, but not a .gguf file", _WHERE)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", spec) or spec.startswith((".", "/", "~")):
        raise ModelError(f"no such model: {spec} is no folder here and no name on the Hub", _WHERE)
    return Place(spec, spec, {"local_files_only": True} if _is_offline() else {})


def _is_offline() -> bool:
    """Whether the Hub has no address here: its client would try for 25 seconds before it looks in the cache."""
    from huggingface_hub import constants

    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        return not getproxies()  # behind a proxy, names need not resolve
    return False


def load_tokenizer(spec: Any, options: dict[str, Any]) -> "PreTrainedTokenizerBase":
    """The tokenizer of a Hub name or folder; one that is loaded already comes back. Raises ModelError."""
    if not isinstance(spec, str | os.PathLike):
        return spec  # type: ignore[no-any-return]
    with quick_start(), quiet(), explained(os.fspath(spec), "the tokenizer"):
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(os.fspath(spec), **options)  # type: ignore[no-any-return]


def load_model(path: str, options: dict[str, Any], device: str | None, dtype: str | None) -> "PreTrainedModel":
    """The model at `path` on `device`: an encoder-decoder with its head, which it needs to generate; others without.

    Raises ModelError for an unknown device or dtype, and for a model that cannot be found or loaded.
    """
    if dtype is not None and dtype not in _DTYPES:
        raise ModelError(f"{dtype!r} is not a dtype", f"Dtypes: {', '.join(_DTYPES)}.")
    with quick_start(), quiet():
        import torch

        chosen = _device(device)
        with explained(path, "the model"):
            from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM

            config = AutoConfig.from_pretrained(path, **options)
            kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModel
            weights = getattr(torch, dtype) if dtype else "auto"
            # transformers draws a bar for a .gguf file that it cannot be asked to leave out.
            with redirect_stderr(io.StringIO()) if "gguf_file" in options else nullcontext():
                model = kind.from_pretrained(path, config=config, dtype=weights, **options)
            return model.to(chosen).eval()  # type: ignore[no-any-return]


def _device(name: str | None) -> "torch.device":
    """The device of that name, or the best there is. Raises ModelError for one that is not there."""
    import torch

    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    have = [*(["cuda"] if cuda else []), *cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
    if name is None or name == "auto":
        return torch.device(have[0])
    if name not in have:
        raise ModelError(f"there is no device {name!r} here", f"Devices: auto, {', '.join(have)}.")
    return torch.device(name)


@contextmanager
def explained(path: str, what: str) -> Iterator[None]:
    """Turn what transformers raises while it loads `what` from `path` into a ModelError that says what would work."""
    from pickle import UnpicklingError

    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, ImportError, KeyError, RuntimeError, SafetensorError, UnpicklingError) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        if "trust_remote_code" in str(error):
            message, hint = f"{path} brings Python code of its own", "If you trust it: --trust-remote-code."
        elif isinstance(error, UnpicklingError):
            message, hint = f"the weights in {path} are pickled with more than weights", "Save them as safetensors."
        elif os.path.isdir(path):
            message, hint = f"cannot load {what} from {path}: {reason}", "Is the folder whole?"
        elif isinstance(error, OSError):
            message = f"cannot find {what} {path}: not in the cache, and not to be had from the Hugging Face Hub"
            hint = f"{reason} {_WHERE}"
        else:
            message, hint = f"cannot load {what} {path}: {reason}", _WHERE
        raise ModelError(message, hint) from error


@contextmanager
def quick_start() -> Iterator[None]:
    """Rest the garbage collector: while thousands of modules are imported it finds nothing, for a fifth of the time."""
    resting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if resting:
            gc.enable()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and warnings off stderr: what a user ought to know, attnviz says itself."""
    from huggingface_hub.utils import logging as hub_logging
    from transformers.utils import logging

    verbosity, hub_verbosity = logging.get_verbosity(), hub_logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.ERROR)
    hub_logging.set_verbosity(logging.ERROR)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        hub_logging.set_verbosity(hub_verbosity)
        if bars:
            logging.enable_progress_bar()
