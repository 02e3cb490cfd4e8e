"""Loading a Hugging Face model and its tokenizer from their location."""

import gc
import os
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from logging import getLogger
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.base import Progress
from attnviz.models.huggingface.adapter_folder import CONFIG, put_in, require_readable
from attnviz.models.huggingface.architecture import classes, lost_weights, require_text, require_whole
from attnviz.models.huggingface.devices import placement
from attnviz.models.huggingface.generation_file import refused_file
from attnviz.models.huggingface.gguf import read, require_used
from attnviz.models.huggingface.gguf_attention import scale_frequencies, set_attention
from attnviz.models.huggingface.gguf_tokenizer import load_gguf_tokenizer
from attnviz.models.huggingface.global_state import restores_global_state
from attnviz.models.huggingface.load_errors import NO_TOKENIZER, OTHER_TOKENIZER, translate_load_errors
from attnviz.models.huggingface.location import ModelLocation, chained_adapter_error, locate_all, locate_tokenizer
from attnviz.models.huggingface.progress import telling
from attnviz.models.huggingface.sizes import no_larger_than, require_sizes_named, weights_of
from attnviz.models.huggingface.tokenizer_limits import held_stderr, require_bounds

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_DTYPES = ("float32", "float16", "bfloat16")
_OF_A_TOKENIZER = ("decode", "convert_ids_to_tokens", "all_special_ids", "added_tokens_decoder", "special_tokens_map")
_FEWEST_WORDS = 3  # a tokenizer with fewer has lost its vocabulary


_one_at_a_time = threading.Lock()
"""While it loads weights, transformers replaces the functions of `torch.nn.init`: a second load would leave them so."""


def load_tokenizer(location: ModelLocation, **options: Any) -> "PreTrainedTokenizerBase":
    """The tokenizer at `location`.

    Raises ModelError if it cannot be loaded, has no vocabulary, or does not respect the limits of `tokenizer_limits`.
    """
    if location.adapter and not location.adapter.has_tokenizer:
        return load_tokenizer(location.adapter.base, **options | {"revision": location.adapter.revision})
    if location.is_file:
        with quick_start(), quiet(), held_stderr(), translate_load_errors(location, "tokenizer"):
            return load_gguf_tokenizer(location.file)
    with quick_start(), quiet(), held_stderr(), translate_load_errors(location, "tokenizer", options.get("revision")):
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(location.path, **options, **location.options)
        words = len(tokenizer) - len(tokenizer.all_special_ids)
    if words < _FEWEST_WORDS:  # transformers makes an empty one if the file is missing
        raise ModelError(NO_TOKENIZER.format(spec=location.spec), OTHER_TOKENIZER)
    require_bounds(tokenizer, location.spec)
    return tokenizer  # type: ignore[no-any-return]


def given_tokenizer(spec: Any, trust_remote_code: bool) -> "PreTrainedTokenizerBase":
    """The tokenizer that a user gives: one of transformers or of tokenizers in memory, or its name or folder.

    For the processor of a model of pictures and text it is the part that reads text. Raises ModelError for anything
    else.
    """
    if not isinstance(spec, str | os.PathLike):
        return _loaded_tokenizer(spec)
    return load_tokenizer(locate_tokenizer(os.fspath(spec)), trust_remote_code=trust_remote_code)


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
        f"the tokenizer is of type {type(given).__name__}",
        "Name one, or pass one of transformers: tokenizer=AutoTokenizer.from_pretrained(NAME). With another library, "
        "name the tokens: attnviz.trace(model=model, tokens=[…], forward=lambda model: model(ids)).",
    )


def load_model(
    location: ModelLocation,
    *,
    with_head: bool = False,
    **options: Any,
) -> "PreTrainedModel":
    """The model at `location`, of the class that its configuration names; for a language model only its base.

    `with_head` loads its head too; an encoder-decoder always has it, to write a target. An adapter at `location` is put
    into its model, which has the class that the adapter was trained in. The other options are `device`, `device_map`,
    `dtype`, `progress`, and those of `from_pretrained`.

    Raises ModelError for an unknown device or dtype, and for a model that cannot be found or loaded, lacks some of its
    weights, or does not read text.
    """
    trusted = bool(options.get("trust_remote_code"))
    if (adapter := location.adapter) is None:
        # transformers knows the names of StarCoder2's tensors only in the model with a head.
        heads = (False, True) if location.is_file and not with_head else (with_head,)
        return _load_whole(
            location, lambda config: [kind for head in heads for kind in classes(config, head, trusted)], **options
        )
    with quick_start(), quiet(), translate_load_errors(location, "adapter"):
        require_readable(adapter)
    try:
        options["revision"] = adapter.revision
        if adapter.base.path != location.path and locate_all(adapter.base, adapter.revision).adapter:
            raise chained_adapter_error(location.spec, adapter.base.spec)
        model = _load_whole(adapter.base, lambda config: adapter.classes(config, trusted), **options)
    except ModelError as error:
        if adapter.base.path == location.path:
            raise
        elsewhere = f"Fetch it once with a network, or name its folder in the {CONFIG}: base_model_name_or_path."
        hint = elsewhere if "cannot be reached" in error.message else error.hint
        raise ModelError(f"{location.spec} is an adapter of {adapter.base.spec}: {error.message}", hint) from error
    with quick_start(), quiet(), translate_load_errors(location, "adapter"), _one_at_a_time:
        return put_in(adapter, model)


def _load_whole(
    location: ModelLocation,
    kinds_for: Callable[[Any], Sequence[Any]],
    *,
    device: str | None = None,
    device_map: Any = None,
    dtype: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> "PreTrainedModel":
    """The model at `location` without any adapter, of a class that `kinds_for` returns for its configuration."""
    if dtype is not None and dtype not in _DTYPES:
        raise ModelError(f"{dtype!r} is not a dtype", f"Dtypes: {', '.join(_DTYPES)}.")
    options |= location.options
    revision = options.get("revision")
    if location.is_file:
        with translate_load_errors(location, "header"):
            read(location.file)
        dtype = dtype or "float32"  # transformers unpacks to float32, but only if the file name ends in .gguf
    with quick_start(), quiet(), telling(progress) as bar:
        import torch

        chosen, placed = placement(device, device_map)
        with translate_load_errors(location, "configuration", revision):
            from transformers import AutoConfig, PretrainedConfig

            if not location.is_file:
                require_sizes_named(PretrainedConfig.get_config_dict(location.path, **options)[0], location.spec)
            config = AutoConfig.from_pretrained(location.path, output_attentions=False, **options)
            if location.is_file:
                set_attention(read(location.file), config)
        with translate_load_errors(location, "weights", revision), _one_at_a_time:
            kinds = kinds_for(config)
            options |= {"dtype": getattr(torch, dtype) if dtype else "auto", "tqdm_class": bar, **placed}
            options["attn_implementation"] = (
                None  # ignore the checkpoint's choice: the capture chooses the attention function
            )
            model, report = _loaded(kinds, location, config=config, **options)
            if chosen:
                model = model.to(chosen)
    require_text(model, location)
    require_whole(model, report["missing_keys"], report["unexpected_keys"], location)
    if location.is_file:
        require_used(location.file, model)
        scale_frequencies(read(location.file), model)
    return model.eval()


def _loaded(
    kinds: Sequence[Any], location: ModelLocation, **options: Any
) -> "tuple[PreTrainedModel, Mapping[str, Collection[str]]]":
    """The model of the first class that finds all its weights, or of the last; and missing and left-over weights."""
    kind, *others = kinds
    if refused := refused_file(location, options.get("revision")):
        options["generation_config"] = refused.replacement
    with no_larger_than(lambda: weights_of(location, options.get("revision")), location.spec):
        # attnviz adds an adapter itself: transformers would do so only if peft is installed, and otherwise only warn.
        nowhere = {"adapter_kwargs": {"subfolder": "no-adapter"}}
        try:
            model, report = kind.from_pretrained(location.path, output_loading_info=True, **nowhere, **options)
        except KeyError:  # the base has no name for a tensor of experts
            if not others or not location.is_file:
                raise
            return _loaded(others, location, **options)
    if others and lost_weights(model, report["missing_keys"])[0]:
        del model  # free its memory before loading another
        return _loaded(others, location, **options)
    if refused:
        refused.apply(model)
    return model, report


@restores_global_state
@contextmanager
def quick_start() -> Iterator[None]:
    """Pause the garbage collector: it takes a fifth of the time to import thousands of modules, for nothing."""
    resting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if resting:
            gc.enable()


@restores_global_state
@contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars and warnings of transformers off stderr: attnviz reports what matters to the user itself."""
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
