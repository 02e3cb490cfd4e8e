"""From a model's name to a model that can be traced, and from a text to its trace."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attnviz.arguments import require_flag
from attnviz.attention import Trace
from attnviz.errors import InputError, ModelError
from attnviz.head_names import Names
from attnviz.measured_roles import FILE, MeasuredRoles, read_roles
from attnviz.models.base import Model, Progress
from attnviz.prompt import Prompt, TextOrWords
from attnviz.selection import Selection

BUILTIN = "builtin"


def load(
    spec: Any = BUILTIN,
    *,
    tokenizer: Any = None,
    revision: str | None = None,
    device: str | None = None,
    device_map: Any = None,
    dtype: str | None = None,
    trust_remote_code: bool = False,
    with_head: bool = False,
    progress: Progress | None = None,
) -> Model:
    """Load a model: `builtin`, a Hub name, a folder, a GGUF file, a package, or a loaded model with its `tokenizer`.

    A loaded model is one of transformers, or any module of torch that is called as `model(input_ids)`; wrappers of
    peft, accelerate, `torch.compile` and `torch.nn.DataParallel` are looked into.

    A folder, or what a Hub name stands for, may hold an adapter of the package peft, which is needed then: it is loaded
    with the model that its adapter_config.json names. A GGUF file is known by its first bytes, whatever its name is. A
    package is installed and carries a model; none of its code runs. A .safetensors file is a built-in model that
    `attnviz train` has made.

    `device` is `cpu`, `cuda`, `cuda:1`, `mps`, or the best that there is: a model larger than one GPU goes on over the
    next and over memory, where the package accelerate is installed. `device_map` says how, as in transformers: `auto`,
    `balanced`, `sequential`, or a device for each part. `dtype` is `float32`, `float16`, `bfloat16`, or the
    checkpoint's own. A decoder comes with the head that it needs to generate only `with_head`. `progress` is called
    with what is counted (bytes, weights), how many are done, and of how many, or None where that is not known.

    Raises ModelError for what cannot be found or loaded, and for an option that has no place there. Code in a
    repository runs only with `trust_remote_code`.
    """
    require_flag("trust_remote_code", trust_remote_code, ModelError)
    if spec == BUILTIN or (isinstance(spec, str | os.PathLike) and os.fspath(spec).endswith(".safetensors")):
        from attnviz.models.builtin import BuiltinModel

        has = {"device": (None, "auto", "cpu"), "dtype": (None, "float32")}
        asked = {"device": device, "dtype": dtype, "device_map": device_map, "revision": revision}
        asked["tokenizer"] = tokenizer
        for option in (option for option, value in asked.items() if value not in has.get(option, (None,))):
            raise ModelError(
                f"the built-in model has its own tokenizer, and runs on the CPU in float32: no {option} can be set",
                f"Leave out --{option.replace('_', '-')}, or take another model: -m NAME.",
            )
        return BuiltinModel.load() if spec == BUILTIN else BuiltinModel.open(spec)
    from attnviz.models.huggingface.devices import require_as_it_is
    from attnviz.models.huggingface.model import HuggingFaceModel
    from attnviz.models.torch_module import ModuleModel, is_module

    if not isinstance(spec, str | os.PathLike) and is_module(spec):
        require_as_it_is(spec, device=device, device_map=device_map, dtype=dtype)
        return ModuleModel.of(spec, tokenizer)
    return HuggingFaceModel.load(
        spec,
        tokenizer=tokenizer,
        revision=revision,
        device=device,
        device_map=device_map,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        with_head=with_head,
        progress=progress,
    )


def model_files(spec: str, tokenizer: str | None = None) -> Iterator[Path]:
    """The files on this machine that the model `spec` is loaded from, and its `tokenizer` where one is named.

    Raises ModelError as `load` does.
    """
    if tokenizer is not None:
        from attnviz.models.huggingface.location import locate_tokenizer

        yield from locate_tokenizer(tokenizer).files()
    if spec == BUILTIN:
        from attnviz.scratch.store import shipped_file

        yield Path(str(shipped_file()))
    elif spec.endswith(".safetensors"):
        yield Path(spec)
    else:
        from attnviz.models.huggingface.location import in_cache, locate

        yield from in_cache(locate(spec)).files()


def measured_roles(spec: str) -> MeasuredRoles | None:
    """What the heads of the model `spec` were measured to do, if its folder says so in an `attnviz.json`.

    Raises ModelError as `load` does, and FileError if that file is damaged.
    """
    file = next((path for path in model_files(spec) if path.name == FILE), None)
    return read_roles(file) if file else None


def trace(
    text: TextOrWords | None = None,
    model: Any = BUILTIN,
    *,
    target: TextOrWords | None = None,
    text_pair: TextOrWords | None = None,
    source_language: str | None = None,
    target_language: str | None = None,
    chat: bool = False,
    generate: int | None = None,
    layers: Names | None = None,
    heads: Names | None = None,
    kinds: Sequence[str] | str | None = None,
    rows: Sequence[int | str] | int | str | None = None,
    columns: Sequence[int | str] | int | str | None = None,
    cells: int | None = None,
    words: bool = False,
    tokens: Sequence[str] | None = None,
    target_tokens: Sequence[str] | None = None,
    forward: Callable[[Any], Any] | None = None,
    tokenizer: Any = None,
    revision: str | None = None,
    device: str | None = None,
    device_map: Any = None,
    dtype: str | None = None,
    trust_remote_code: bool = False,
) -> Trace:
    """Run `text` through `model` once and return its attention: of all layers, heads and kinds, or those asked for.

    `model` is what `load` takes (a name, a folder, a file, a model in memory) or returned. A decoder of an
    encoder-decoder reads `target`, or what the model writes itself where that is None; that of a classifier reads the
    text, and takes no target. A decoder alone writes on with `generate`: so many tokens, or until it ends, always the
    likeliest; the trace is of one pass over the prompt and what was written. `text_pair` is a second text, for models
    that read pairs; `chat` makes of the text a message in the model's chat template. The trace's text is all that the
    model read.
    `source_language` and `target_language` are for a translator of many languages: the codes that its tokenizer has for
    them, such as `fr`, `fr_XX` or `fra_Latn`.

    A text, a target and a pair may be given as lists of their words, without spaces in them: they are joined by spaces,
    and what is one word, the list says.

    A module of torch in memory, your own or one of transformers, is traced without a text too: `forward` is called with
    it, in evaluation mode, and runs it on whatever it reads, one text at a time; `tokens` name that, one for each
    position, and `target_tokens` what a decoder beside an encoder reads. All attention by torch's functions is seen,
    and softmaxes that are multiplied with values: `attnviz.trace(model=model, tokens=["I", "ate"], forward=lambda
    model: model(x))`. Kinds are told by sizes, masks and names, layers by lists of modules, or their order.

    `words` merges the tokens of each word. `rows` and `columns` keep only these queries and keys: their numbers, or
    `answer`, what the model wrote, `prompt`, all else, and `last:20`. The rows of the answer are those that write it:
    the first of them reads the prompt's last token. Without them, more than `cells` tokens are pooled to at most so
    many rows and columns, each cell by its largest weight, while the weights are computed; the first token and special
    ones stay apart. Raises InputError for a text that cannot be used, SelectionError for a kind,
    layer, head, row or column that there is not, ModelError for a model that cannot be loaded.

    >>> attnviz.trace("I ate an apple")["self"].weights(3).shape
    (4, 4, 4)
    """
    selection = Selection.of(layers, heads, kinds, rows, columns, cells, words)
    if tokens is not None or target_tokens is not None or forward is not None:
        from attnviz.models.torch_module import ModuleModel

        asked = {"text": text, "target": target, "text_pair": text_pair, "chat": chat or None, "generate": generate}
        asked |= {"tokenizer": tokenizer, "revision": revision, "device": device, "device_map": device_map}
        asked |= {"source_language": source_language, "target_language": target_language}
        for option in (name for name, value in {**asked, "dtype": dtype}.items() if value is not None):
            raise InputError(
                f"{option} has no place beside tokens and forward, which say what is read", "Leave it out."
            )
        return ModuleModel.of(model).trace_labels(tokens, target_tokens, forward, selection)
    if isinstance(model, str | os.PathLike) or not hasattr(model, "trace"):
        model = load(
            model,
            tokenizer=tokenizer,
            revision=revision,
            device=device,
            device_map=device_map,
            dtype=dtype,
            trust_remote_code=trust_remote_code,
            with_head=generate is not None,
        )
    prompt = Prompt(text, target, text_pair, source_language, target_language, chat, generate)  # type: ignore[arg-type]
    traced: Trace = model.trace(prompt, selection)
    return traced
