"""Loading a .gguf file: it is recognised by its first bytes, read with all its parts, checked, and loaded.

transformers parses a file three times (configuration, weights, tokenizer), does not know files in parts, and uses sizes
of another model if a file does not say them. So while a file is loaded, the data that was read and checked here replace
the reader of the package `gguf`. transformers also computes the same map of tensor names for every tensor, and draws a
bar that cannot be switched off: the map is cached, and the bar is replaced by the one for other weights, which can.

`gguf_header.py` reads the file, `gguf_attention.py` sets the attention scale and the positions, `gguf_tokenizer.py` the
tokenizer.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.errors import ModelError
from attnviz.models.huggingface.gguf_header import MAGIC, Field, Header, Tensor, read_header
from attnviz.models.huggingface.global_state import restores_global_state

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.gguf)", re.IGNORECASE)
_KINDS = {  # the type in a file that is not a model → the reason and a hint for the error
    "adapter": ("an adapter, not a whole model", "Merge it into its model: llama-export-lora."),
    "imatrix": ("an importance matrix, which a model is quantised with", "Name the model itself."),
    "mmproj": ("the part of a model that reads pictures", "Name the model's own .gguf file."),
    "clip": ("the part of a model that reads pictures", "Name the model's own .gguf file."),
    "controlvector": ("a control vector, not a model", "Name the model that it steers."),
}
_LAYER = re.compile(r"(?:enc\.|dec\.)?blk\.(\d+)\.")
_SIZES = ("block_count", "embedding_length", "attention.head_count")
_MORE_SIZES = ("feed_forward_length", "expert_count", "expert_used_count")  # of some architectures


def is_gguf(path: Path) -> bool:
    """Whether a file is a .gguf file by its first bytes or by its name."""
    if path.suffix.lower() == ".gguf":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def parts(path: Path) -> tuple[Path, ...]:
    """All parts of the model that `path` is (a part of), from the file name: `model-00001-of-00002.gguf`."""
    match = _PART.fullmatch(path.name)
    if not match or not 0 < int(match[2]) <= int(match[3]):
        return (path,)
    return tuple(path.with_name(f"{match[1]}-{n:05}-of-{match[3]}{match[4]}") for n in range(1, int(match[3]) + 1))


def short_name(path: Path) -> str:
    """The name of the model in a file, without the part number and the suffix."""
    match = _PART.fullmatch(path.name)
    return match[1] if match else path.stem if path.suffix.lower() == ".gguf" else path.name


@cache
def read(path: Path) -> Header:
    """The metadata and the tensors of a file with all its parts; cached inside `one_parse`.

    Raises ModelError if a part is missing or damaged, or if the file is not a model that says its sizes.
    """
    paths = parts(path)
    if missing := [part.name for part in paths if not part.is_file()]:
        some = ", ".join(missing[:3]) + (", …" if missing[3:] else "")
        where = f"{path.parent / short_name(path)} lacks {len(missing)} of its {len(paths)} parts"
        raise ModelError(f"{where}: {some}", "Put all of them in one folder.")
    headers = [read_header(part) for part in paths]
    _require_one_model(paths, headers)
    whole = Header(headers[0].fields, tuple(tensor for header in headers for tensor in header.tensors))
    _require_model(path, whole)
    _require_sizes(path, whole)
    return whole


def _require_one_model(paths: tuple[Path, ...], headers: list[Header]) -> None:
    """Raise ModelError unless the files are the parts of one model, in order."""
    for number, (path, header) in enumerate(zip(paths, headers, strict=True)):
        part, count = header.get("split.no", number), header.get("split.count", 1)
        if not isinstance(part, int) or not isinstance(count, int):
            raise ModelError(f"{path} says that it is part {part!r} of {count!r}", "Get it again.")
        if (part, count or 1) != (number, len(paths)):
            raise ModelError(
                f"{path} says that it is part {part + 1} of {count}, and its name says part {number + 1} of"
                f" {len(paths)}",
                "Name the parts as they were: model-00001-of-00002.gguf and so on.",
            )
    names = [tensor.name for header in headers for tensor in header.tensors]
    if len({*names}) < len(names) or headers[0].get("split.tensors.count", len(names)) != len(names):
        raise ModelError(f"{paths[0]} and the parts beside it are not of one model", "Get them again.")


def _require_model(path: Path, header: Header) -> None:
    """Raise ModelError for a file that is not a model."""
    architecture = header.get("general.architecture")
    kinds = [header.get("general.type"), architecture]
    kinds += ["adapter"] if any(key.startswith("adapter.") for key in header.fields) else []
    kinds += ["adapter"] if any(tensor.name.endswith((".lora_a", ".lora_b")) for tensor in header.tensors) else []
    kinds += ["imatrix"] if any(key.startswith("imatrix.") for key in header.fields) else []
    for kind in kinds:
        if isinstance(kind, str) and kind in _KINDS:
            raise ModelError(f"{path} is {_KINDS[kind][0]}", _KINDS[kind][1])
    if not isinstance(architecture, str):
        raise ModelError(f"{path} does not say its architecture", "Is it a model?")
    if not header.tensors:
        raise ModelError(f"{path} has no weights: it may be only a vocabulary", "Name a whole model.")


def _require_sizes(path: Path, header: Header) -> None:
    """Raise ModelError for metadata without a size, because transformers would use the size of another model."""
    architecture = header.get("general.architecture")
    needed = [f"{architecture}.{key}" for key in _sizes_read(architecture)]
    missing = [key for key in needed if key not in header.fields]
    if needed and f"{architecture}.vocab_size" not in header.fields and "tokenizer.ggml.tokens" not in header.fields:
        missing.append("tokenizer.ggml.tokens")
    if missing:
        raise ModelError(f"{path} does not say its sizes: it lacks {', '.join(missing)}", "Is it a whole model?")
    for key in needed:
        size = header.get(key)
        if isinstance(size, bool) or not isinstance(size, int | np.ndarray) or not np.all(np.asarray(size) >= 0):
            raise ModelError(f"{path} says that its {key} is {size!r}", "Get it again.")
    if f"{architecture}.attention.head_count" in needed:  # a state-space model says 0
        _require_heads(path, header, architecture)
    layers, found = header.get(f"{architecture}.block_count", 0), [_LAYER.match(t.name) for t in header.tensors]
    held = 1 + max((int(match[1]) for match in found if match), default=-1)
    if needed and np.any(layers != held):
        raise ModelError(f"{path} says that it has {layers} layers, and holds {held}", "Get it again.")


def _require_heads(path: Path, header: Header, architecture: str) -> None:
    """Raise ModelError for invalid numbers of heads, or numbers that do not divide the sizes that they split."""
    heads, groups = f"{architecture}.attention.head_count", f"{architecture}.attention.head_count_kv"
    for key in (heads, groups):
        number = header.get(key, 1)
        if not isinstance(number, np.ndarray) and (not isinstance(number, int) or number < 1):
            raise ModelError(f"{path} says that its {key} is {number!r}", "Get it again.")
    shared = [(heads, groups)] if groups in header.fields else []
    if f"{architecture}.attention.key_length" not in header.fields:
        shared.insert(0, (f"{architecture}.embedding_length", heads))
    for whole, part in shared:
        of, by = header.get(whole), header.get(part)
        if isinstance(of, int) and isinstance(by, int) and of % by:
            raise ModelError(
                f"{path} says that its {whole} is {of} and its {part} {by}, which does not divide it", "Get it again."
            )


def _sizes_read(architecture: str) -> tuple[str, ...]:
    """The metadata keys of the sizes that transformers reads for an architecture; empty for an unknown one."""
    from transformers.integrations.gguf import GGUF_CONFIG_ARCHS

    if keys := keys_read(architecture):
        return tuple(key for key in (*_SIZES, *_MORE_SIZES) if key in keys)
    return _SIZES if architecture in GGUF_CONFIG_ARCHS else ()


def keys_read(architecture: str) -> dict[str, str | None]:
    """Metadata key of an architecture → its name in transformers, or None if transformers ignores it."""
    from transformers.integrations import GGUF_CONFIG_MAPPING

    plain = architecture.removesuffix("encoder").replace("-", "_")  # t5encoder, gpt-oss
    names = (plain, re.sub(r"moe$", "_moe", plain))
    return next((GGUF_CONFIG_MAPPING[name] for name in names if name in GGUF_CONFIG_MAPPING), {})


def require_used(path: Path, model: "PreTrainedModel") -> None:
    """Raise ModelError if a layer of the file has tensors that `model`, loaded from it, does not use.

    llama.cpp uses all biases, norms and sinks in a file; transformers drops those that its class does not have.
    """
    header = read(path)
    used = {name.removesuffix(".weight") for name in _tensors_used(header.get("general.architecture"), model)}
    layers = [tensor.name for tensor in header.tensors if _LAYER.match(tensor.name)]
    over = [name for name in layers if used and name.removesuffix(".weight") not in used]
    if over:
        kind = over[0].split(".", 2)[-1]
        alike = [name for name in over if name.endswith(kind)]
        raise ModelError(
            f"{path.name} has {over[0]} and {len(alike) - 1} more such, which transformers leaves out",
            "Its folder in Hugging Face format may work.",
        )


def _tensors_used(architecture: str, model: "PreTrainedModel") -> set[str]:
    """The names of the tensors that transformers puts into `model`; empty if it does not say them."""
    from transformers.integrations.gguf import GGUF_CONFIG_ARCHS
    from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor, get_gguf_hf_weights_map

    if architecture in GGUF_CONFIG_ARCHS:  # these are read in another way
        return set()
    return set(get_gguf_hf_weights_map(model, TENSOR_PROCESSORS.get(architecture, TensorProcessor)(config={})))


def as_gguf_reader(path: Path) -> Any:
    """The replacement of `gguf.GGUFReader` for a file: its fields, each as a list of parts, and its tensors.

    If the metadata do not say the number of key-value heads, it is the number of query heads, as in llama.cpp, and not
    the default of transformers for that architecture.
    """
    header = read(Path(path))
    fields = dict(header.fields)
    heads, groups = (f"{header.get('general.architecture')}.attention.head_count{more}" for more in ("", "_kv"))
    if heads in fields:
        fields.setdefault(groups, fields[heads])
    if header.get("general.name") == "mistral":  # transformers would use this name as the architecture
        del fields["general.name"]
    fields = {key: field for key, field in fields.items() if not key.startswith("gpt-oss.rope.scaling.")}
    return SimpleNamespace(
        fields={key: _as_gguf_field(field) for key, field in fields.items()},
        tensors=[_as_gguf_tensor(tensor) for tensor in header.tensors],
    )


def _as_gguf_field(field: Field) -> Any:
    if isinstance(field.value, list):
        values: Any = [value.encode() for value in field.value]
    elif isinstance(field.value, np.ndarray):
        values = field.value[:, None]
    else:
        values = [field.value.encode() if isinstance(field.value, str) else np.array([field.value])]
    return SimpleNamespace(types=field.types, parts=values, data=range(len(values)))


def _as_gguf_tensor(tensor: Tensor) -> Any:
    from gguf import GGMLQuantizationType
    from gguf.quants import quant_shape_to_byte_shape

    kind, plain = GGMLQuantizationType(tensor.type), {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
    whole = {f"I{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)}
    if dtype := (plain | whole).get(kind.name):
        data = tensor.data.view(dtype).reshape(tensor.shape)
    else:
        data = tensor.data.reshape(quant_shape_to_byte_shape(tensor.shape, kind))
    return SimpleNamespace(name=tensor.name, tensor_type=kind, data=data)


def _as_metadata(read_first: Callable[..., Any], path: str, *arrays: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The result of transformers' reader for some architectures: the first part's metadata, and all tensors' names."""
    return read_first(path, *arrays)[0], tuple(tensor.name for tensor in read(Path(path)).tensors)


def _as_gguf_header(read_first: Callable[[str], Any], path: str) -> Any:
    """The header of that reader: that of the first part, with the tensors of all parts."""
    from transformers.integrations.gguf.reader import TensorInfo

    tensors = read(Path(path)).tensors
    infos = (TensorInfo(tensor.name, tensor.shape, tensor.type, 0, tensor.data.nbytes) for tensor in tensors)
    return read_first(path)._replace(tensors=tuple(infos))


def _as_state_dict(header: Any) -> dict[str, Any]:
    """The weights for that reader."""
    from gguf import GGMLQuantizationType
    from gguf.quants import quant_shape_to_byte_shape
    from transformers.integrations.gguf.reader import LazyGgufTensor

    weights = {}
    for tensor in read(Path(header.path)).tensors:
        kind = GGMLQuantizationType(tensor.type)
        is_plain = kind.name in ("F32", "F16", "BF16")
        shape = tensor.shape if is_plain else quant_shape_to_byte_shape(tensor.shape, kind)
        weights[tensor.name] = LazyGgufTensor(tensor.data, tensor.type, shape)
    return weights


@restores_global_state
@contextmanager
def one_parse() -> Iterator[None]:
    """Inside the body, transformers gets the result of `read`, which reads each file once."""
    import gguf
    from transformers import modeling_gguf_pytorch_utils as older
    from transformers.integrations import gguf as newer
    from transformers.quantizers import quantizer_gguf as newest
    from transformers.utils import logging

    changes: list[tuple[Any, str, Any]] = [
        (gguf, "GGUFReader", cache(as_gguf_reader)),
        (gguf, "get_tensor_name_map", cache(gguf.get_tensor_name_map)),
        (older, "tqdm", logging.tqdm),
        (newer, "read_gguf_metadata", partial(_as_metadata, newer.read_gguf_metadata)),
        (newest, "GgufHeader", SimpleNamespace(from_file=partial(_as_gguf_header, newest.GgufHeader.from_file))),
        (newest, "load_gguf_state_dict", _as_state_dict),
    ]
    before = [getattr(owner, name) for owner, name, _ in changes]
    for owner, name, new in changes:
        setattr(owner, name, new)
    try:
        yield
    finally:
        for (owner, name, _), old in zip(changes, before, strict=True):
            setattr(owner, name, old)
        read.cache_clear()
