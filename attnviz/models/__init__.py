"""Loading a model by its name, and tracing a text."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attnviz.arguments import require_flag
from attnviz.attention import Trace
from attnviz.errors import InputError, ModelError
from attnviz.head_names import Names
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

    A loaded model is a transformers model, or any torch module that is called as `model(input_ids)`. Models inside
    wrappers of peft, accelerate, `torch.compile` and `torch.nn.DataParallel` are found.

    A folder or a repository on the Hub can hold an adapter of the package peft, which must be installed: the adapter is
    loaded with the model that its adapter_config.json names. A GGUF file is recognised by its first bytes, so it can
    have any name. A package is an installed package that contains a model; none of its code runs. A .safetensors file
    is a built-in model from `attnviz train`.

    `device` is `cpu`, `cuda`, `cuda:1`, `mps`; by default it is the best one available. With the package accelerate, a
    model that is larger than one GPU is spread over the next GPUs and memory. `device_map` says how, as in
    transformers: `auto`, `balanced`, `sequential`, or a device for each part. `dtype` is `float32`, `float16` or
    `bfloat16`; by default it is that of the checkpoint. A decoder has the head that it needs to generate only
    `with_head`. `progress` is called with what is counted (bytes, weights), the number done, and the total, or None if
    it is not known.

    Raises ModelError for a model that cannot be found or loaded, and for an option that this model does not have. Code
    in a repository runs only with `trust_remote_code`.
    """
    require_flag("trust_remote_code", trust_remote_code, ModelError)
    if spec == BUILTIN or (isinstance(spec, str | os.PathLike) and os.fspath(spec).endswith(".safetensors")):
        from attnviz.models.builtin import BuiltinModel

        allowed = {"device": (None, "auto", "cpu"), "dtype": (None, "float32")}
        given = {"device": device, "dtype": dtype, "device_map": device_map, "revision": revision}
        given["tokenizer"] = tokenizer
        for option in (option for option, value in given.items() if value not in allowed.get(option, (None,))):
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
    """The files on this machine from which the model `spec` is loaded, and those of its `tokenizer` if one is named.

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
    value_norms: bool = False,
    neurons: int | None = None,
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
    """Run `text` through `model` once and return its attention: all layers, heads and kinds, or the selected ones.

    `model` is anything that `load` takes (a name, a folder, a file, a model in memory) or a loaded model. The decoder
    of an encoder-decoder reads `target`, or, if it is None, what the model itself writes; the decoder of a classifier
    reads the text and takes no target. With `generate` a decoder-only model continues the text by at most this many
    tokens, always the most likely one; the trace is of one pass over the prompt and the written tokens. `text_pair` is
    a second text, for models that read pairs. `chat` puts the text as a message into the model's chat template. The
    text of the trace is everything that the model read.
    `source_language` and `target_language` are for multilingual translators: codes that the tokenizer knows, such as
    `fr`, `fr_XX` or `fra_Latn`.

    A text, a target and a pair can be given as lists of their words, without spaces in them. The words are joined by
    spaces, and the list decides what one word is.

    A torch module in memory, your own or one of transformers, can also be traced without a text. `forward` is called
    with a copy of it in evaluation mode, and runs it on its input, one text at a time. `tokens` names each position of
    this input, and `target_tokens` each position that a decoder beside an encoder reads: `attnviz.trace(model=model,
    tokens=["I", "ate"], forward=lambda model: model(x))`. All attention by torch's functions is seen, and softmaxes
    that are multiplied with values. Kinds follow from sizes, masks and names, and layers from lists of modules or the
    order of calls.

    `words` merges the tokens of each word. `rows` and `columns` keep only these queries and keys: numbers, or the names
    `answer` (what the model wrote), `prompt` (the rest) and `last:20`. The rows of the answer are those that write it;
    the first of them reads the prompt's last token. Without them, more than `cells` tokens are pooled to at most that
    many rows and columns while the weights are computed; each cell holds its largest weight. The first token and
    special tokens are not pooled.

    `value_norms` also keeps how far each head moves its result when it reads a key (Kobayashi et al. 2020), for methods
    that weigh attention by it: `trace["self"].value_norms[3]` is `[head, key]` for layer 3. `neurons` is the
    number of one layer whose queries, keys and values are kept too: with `neurons=3`, `trace["self"].projections[3]`
    has them, and the scores that they give.

    Raises InputError for a text that cannot be used, SelectionError for a kind, layer, head, row or column that does
    not exist, ModelError for a model that cannot be loaded, or that does not show its value norms, queries and keys.

    >>> attnviz.trace("I ate an apple")["self"].weights(3).shape
    (4, 4, 4)
    """
    selection = Selection.of(layers, heads, kinds, rows, columns, cells, words, value_norms, neurons)
    if tokens is not None or target_tokens is not None or forward is not None:
        from attnviz.models.torch_module import ModuleModel

        given = {"text": text, "target": target, "text_pair": text_pair, "chat": chat or None, "generate": generate}
        given |= {"tokenizer": tokenizer, "revision": revision, "device": device, "device_map": device_map}
        given |= {"source_language": source_language, "target_language": target_language}
        for option in (name for name, value in {**given, "dtype": dtype}.items() if value is not None):
            raise InputError(
                f"{option} cannot be used with tokens and forward, which say what is read", "Leave it out."
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
