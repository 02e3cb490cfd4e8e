"""From what a user writes after -m to a Hugging Face model and tokenizer, or an error that says what would work."""

import gc
import os
import re
import socket
import threading
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from logging import getLogger
from os.path import exists, isdir, isfile  # false for a path that can be none, where those of Path raise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from attnviz.errors import ModelError
from attnviz.models.architecture import classes, lost_weights, require_text, require_whole
from attnviz.models.bounded import held_stderr, require_bounds
from attnviz.models.cache import hub_folder
from attnviz.models.devices import placement
from attnviz.models.explained import WHERE, explained, nearby
from attnviz.models.gguf import is_gguf, parts, read, short_name
from attnviz.models.gguf_tokenizer import load_gguf_tokenizer
from attnviz.models.inside import models_inside
from attnviz.models.packages import packaged_model
from attnviz.models.process_wide import process_wide
from attnviz.models.progress import Progress, telling
from attnviz.models.sizes import no_larger_than, require_said, weights_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_DTYPES = ("float32", "float16", "bfloat16")
_PICTURES = (".png", ".svg", ".pdf")
_OF_A_TOKENIZER = ("decode", "convert_ids_to_tokens", "all_special_ids", "added_tokens_decoder", "special_tokens_map")
_FEWEST_WORDS = 3  # a tokenizer with fewer has lost its vocabulary


_one_at_a_time = threading.Lock()
"""While it loads weights, transformers replaces the functions of `torch.nn.init`: a second load would leave them so."""


@dataclass(frozen=True)
class Place:
    """Where a model is: as the user wrote it, as `from_pretrained` takes it, by a short name, and options with it."""

    spec: str
    path: str
    name: str
    options: dict[str, Any]

    @property
    def is_file(self) -> bool:
        """Whether it is a .gguf file."""
        return "gguf_file" in self.options

    @property
    def file(self) -> Path:
        """The .gguf file, or the part of it that was named."""
        return Path(self.path, self.options["gguf_file"])

    @property
    def on_hub(self) -> bool:
        """Whether it is a name on the Hugging Face Hub."""
        return not self.is_file and not isdir(self.path)

    @property
    def offline(self) -> bool:
        """Whether the cache alone is asked for it."""
        return "local_files_only" in self.options

    def files(self) -> Iterator[Path]:
        """The files on this machine that belong to it: all in its folder, but for pictures, which are results."""
        if self.is_file:
            yield from parts(self.file)
        elif self.on_hub:
            yield from hub_folder(self.path).rglob("*")
        else:
            yield from (file for file in Path(self.path).rglob("*") if file.suffix.lower() not in _PICTURES)


def locate(spec: str) -> Place:
    """Find out what `spec` names, without torch. Raises ModelError where it can be none of what there is."""
    path, package = Path(os.path.expanduser(spec)), None
    if not spec.strip():
        raise ModelError("the name of the model is empty", WHERE)
    if not exists(path) and (carried := packaged_model(spec)):
        path, package = carried.path, carried.package
    if path.suffix.lower() == ".gguf" and not isfile(path):
        raise ModelError(f"no such file: {spec}", nearby(spec) or WHERE)
    if isfile(path) and is_gguf(path):
        if missing := [needed for needed in ("gguf", "accelerate") if find_spec(needed) is None]:
            raise ModelError(
                f"reading {path.name} needs the package {' and '.join(missing)}", "pip install 'attnviz[gguf]'"
            )
        return Place(spec, str(path.parent), package or short_name(path), {"gguf_file": parts(path)[0].name})
    if isdir(path):
        if isfile(path / "adapter_config.json"):  # beside a whole model too: transformers may pass it over unsaid
            raise ModelError(
                f"{spec} holds an adapter, which is not put into its model from here",
                f"In Python, put it in: peft.PeftModel.from_pretrained(MODEL, {spec!r}), and pass that as model.",
            )
        if not isfile(path / "config.json"):
            message = f"{spec} is a folder without a config.json, so not a Hugging Face model"
            raise ModelError(message, models_inside(str(path)) or WHERE)
        return Place(spec, str(path), package or "/".join(path.parts[-2:]), {})
    if exists(path):
        raise ModelError(f"{spec} is a file, but not a .gguf file", WHERE)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", spec) or spec.startswith((".", "/", "~")):
        raise ModelError(f"no such model: {spec} is neither a folder here nor a name on the Hub", nearby(spec) or WHERE)
    return Place(spec, spec, spec, {"local_files_only": True} if _is_offline() else {})


def _is_offline() -> bool:
    """Whether the Hub has no address here: its client would try for 25 seconds before it looks in the cache."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        return not getproxies()  # behind a proxy, names need not resolve
    return False


def load_tokenizer(place: Place, **options: Any) -> "PreTrainedTokenizerBase":
    """The tokenizer at `place`.

    Raises ModelError where it cannot be loaded, has nothing in its vocabulary, or no bounds.
    """
    if place.is_file:
        with quick_start(), quiet(), held_stderr(), explained(place, "tokenizer"):
            return load_gguf_tokenizer(place.file)
    with quick_start(), quiet(), held_stderr(), explained(place, "tokenizer", options.get("revision")):
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(place.path, **options, **place.options)
        words = len(tokenizer) - len(tokenizer.all_special_ids)
    if words < _FEWEST_WORDS:  # made up where there was no file of it
        raise ModelError(
            f"{place.spec} has no tokenizer", "Most have a tokenizer.json. Another one can be given: --tokenizer NAME."
        )
    require_bounds(tokenizer, place.spec)
    return tokenizer  # type: ignore[no-any-return]


def given_tokenizer(spec: Any, trust_remote_code: bool) -> "PreTrainedTokenizerBase":
    """The tokenizer that a user gives: loaded already, of transformers or of tokenizers, or its name or folder.

    Of a processor, which a model of pictures and text has, it is the part that reads text. Raises ModelError for
    anything else.
    """
    if not isinstance(spec, str | os.PathLike):
        return _loaded_tokenizer(spec)
    return load_tokenizer(locate_tokenizer(os.fspath(spec)), trust_remote_code=trust_remote_code)


def locate_tokenizer(spec: str) -> Place:
    """Find out what `spec` names, as `locate` does; its folder need hold no model."""
    folder = os.path.expanduser(spec)
    return Place(spec, folder, spec, {}) if isdir(folder) else locate(spec)


def _loaded_tokenizer(given: Any) -> "PreTrainedTokenizerBase":
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    if isinstance(given, Tokenizer):
        unknown = getattr(given.model, "unk_token", None)
        return PreTrainedTokenizerFast(tokenizer_object=given, **{"unk_token": unknown} if unknown else {})
    for tokenizer in (given, getattr(given, "tokenizer", None)):
        if (
            not isinstance(tokenizer, type)
            and callable(tokenizer)
            and all(hasattr(tokenizer, name) for name in _OF_A_TOKENIZER)
        ):
            return tokenizer  # type: ignore[no-any-return]
    raise ModelError(
        f"what is given as a tokenizer is of type {type(given).__name__}",
        "Name one, or pass one of transformers: tokenizer=AutoTokenizer.from_pretrained(NAME).",
    )


def load_model(
    place: Place,
    *,
    device: str | None = None,
    device_map: Any = None,
    dtype: str | None = None,
    with_head: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> "PreTrainedModel":
    """The model at `place`, of the class that its configuration names; of a language model the base alone.

    That has its head `with_head`, and an encoder-decoder always, which needs it to write a target.

    Raises ModelError for an unknown device or dtype, for a model that cannot be found or loaded, that lacks some of
    its weights, or that reads something else than text.
    """
    if dtype is not None and dtype not in _DTYPES:
        raise ModelError(f"{dtype!r} is not a dtype", f"Dtypes: {', '.join(_DTYPES)}.")
    options |= place.options
    revision = options.get("revision")
    if place.is_file:
        with explained(place, "header"):
            read(place.file)
        dtype = dtype or "float32"  # transformers unpacks to it, and asks the file's name whether to
    with quick_start(), quiet(), telling(progress) as bar:
        import torch

        chosen, placed = placement(device, device_map)
        with explained(place, "configuration", revision):
            from transformers import AutoConfig, PretrainedConfig

            if not place.is_file:
                require_said(PretrainedConfig.get_config_dict(place.path, **options)[0], place.spec)
            config = AutoConfig.from_pretrained(place.path, output_attentions=False, **options)
        with explained(place, "weights", revision), _one_at_a_time:
            kinds = classes(config, with_head, bool(options.get("trust_remote_code")))
            options |= {"dtype": getattr(torch, dtype) if dtype else "auto", "tqdm_class": bar, **placed}
            options["attn_implementation"] = (
                None  # whatever the checkpoint names: what computes attention is our choice
            )
            model, missing = _loaded(kinds, place, config=config, **options)
            if chosen:
                model = model.to(chosen)
    require_text(model, place)
    require_whole(model, missing, place)
    return model.eval()


def _loaded(kinds: Sequence[Any], place: Place, **options: Any) -> "tuple[PreTrainedModel, Collection[str]]":
    """The model by the first class that finds all its weights, or by the last, and the names of those it lacks."""
    kind, *others = kinds
    with no_larger_than(lambda: weights_of(place, options.get("revision")), place.spec):
        model, report = kind.from_pretrained(place.path, output_loading_info=True, **options)
    if others and lost_weights(model, report["missing_keys"])[0]:
        del model  # before there is another
        return _loaded(others, place, **options)
    return model, report["missing_keys"]


@process_wide
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


@process_wide
@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and warnings off stderr: what a user ought to know, attnviz says itself."""
    from huggingface_hub.utils import logging as hub_logging
    from transformers.utils import logging

    verbosity, hub_verbosity = logging.get_verbosity(), hub_logging.get_verbosity()
    accelerate = getLogger("accelerate")
    spreading = accelerate.level
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.ERROR)
    hub_logging.set_verbosity(logging.ERROR)
    accelerate.setLevel(logging.ERROR)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        hub_logging.set_verbosity(hub_verbosity)
        accelerate.setLevel(spreading)
        if bars:
            logging.enable_progress_bar()
