"""The keys of a .gguf file for attention (its scale, its window), norms and rotary positions, set in the configuration.

transformers reads only some of these keys, different ones for each architecture, and uses its own defaults for the
rest. This file sets them by the rules of llama.cpp, also for missing keys:
https://github.com/ggml-org/llama.cpp/blob/master/src/llama-model.cpp. A key that cannot be set becomes a note.
"""

from collections.abc import Callable, Iterator
from math import nextafter
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.models.huggingface.gguf import keys_read
from attnviz.models.huggingface.gguf_header import Header

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

_EPSILONS = ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon")
_EPSILON_NAMES = ("rms_norm_eps", "layer_norm_eps", "norm_eps", "norm_epsilon", "layer_norm_epsilon")
_SIZES = {  # sizes that transformers takes from its defaults, or from another key
    "n_positions": "context_length",
    "n_inner": "feed_forward_length",
    "moe_intermediate_size": "expert_feed_forward_length",
    "shared_expert_intermediate_size": "expert_shared_feed_forward_length",
    "num_decoder_layers": "decoder_block_count",
}
_BASE = 10000.0  # of rotary frequencies
_OF_27B = {("gemma2", 46), ("gemma3", 62)}  # an architecture and how many layers
_SCALED = ("linear", "yarn")  # ways to scale positions in which transformers and llama.cpp agree
_SAME: dict[str, Callable[[Header, Any], Any]] = {  # the value in transformers of a key that is not set here
    "attention.causal": lambda header, config: True,
    "attention.value_length": lambda header, config: _head_width(header),
    "attention.max_alibi_bias": lambda header, config: 8.0,  # BLOOM's, https://arxiv.org/abs/2108.12409, section 3
    "rope.scaling.yarn_beta_fast": lambda header, config: 32.0,  # https://arxiv.org/abs/2309.00071, section 3.2
    "attention.shared_kv_layers": lambda header, config: getattr(config, "num_kv_shared_layers", 0),
    "attention.key_length_swa": lambda header, config: getattr(config, "head_dim", None),
    "attention.value_length_swa": lambda header, config: getattr(config, "head_dim", None),
    "rope.dimension_count_swa": lambda header, config: getattr(config, "head_dim", None),
    "attention.sliding_window_pattern": lambda header, config: [
        kind == "sliding_attention" for kind in getattr(config, "layer_types", ())
    ],
}
_OFF = (0, 1, "none", "")
_READ = {"attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.sliding_window"}
_READ |= {*_EPSILONS, "attn_logit_softcapping", "attention.relative_buckets_count", "rope.dimension_sections"}
_READ |= {"rope.freq_base", "rope.freq_base_swa", "rope.dimension_count", "rope.scaling.original_context_length"}
_READ |= {"rope.scaling.type", "rope.scaling.factor", "rope.scale_linear", "rope.scaling.finetuned"}


def set_attention(header: Header, config: "PretrainedConfig") -> None:
    """Set in the configuration that transformers made from a file the keys of the file that transformers ignored."""
    sizes = config.to_dict()
    width = _head_width(header)
    has_width = _number(header, "attention.key_length") is not None and _is_read(header, "attention.key_length")
    if width and "head_dim" in sizes and not has_width:
        config.head_dim = width
    if "query_pre_attn_scalar" in sizes and width:
        config.query_pre_attn_scalar = _query_scalar(header, width)
    if (cap := _number(header, "attn_logit_softcapping")) is not None and "attn_logit_softcapping" in sizes:
        config.attn_logit_softcapping = cap or None
    for name in _EPSILON_NAMES:
        for key in _EPSILONS:
            if name in sizes and (epsilon := _number(header, key)) is not None:
                setattr(config, name, epsilon)
    window = _number(header, "attention.sliding_window")
    if "sliding_window" in sizes and (window or "layer_types" not in sizes):
        config.sliding_window = window
    for name, key in _SIZES.items():
        if name in sizes and (size := _number(header, key)) is not None:
            setattr(config, name, size)
    if "feed_forward_proj" in sizes:
        _set_gate(header, config)
    if sizes.get("rope_parameters"):
        _set_rotary_positions(header, config.rope_parameters, width)


def _set_gate(header: Header, config: "PretrainedConfig") -> None:
    """Set T5's feed-forward function: GELU if it has a gate, otherwise ReLU."""
    config.is_gated_act = any("ffn_gate" in tensor.name for tensor in header.tensors)
    config.feed_forward_proj = "gated-gelu" if config.is_gated_act else "relu"
    config.dense_act_fn = "gelu_new" if config.is_gated_act else "relu"


def _set_rotary_positions(header: Header, parameters: dict[str, Any], width: int | None) -> None:
    """Set the base of the frequencies, the number of rotated dimensions of `width`, and the scaling of positions."""
    full = parameters.get("full_attention", parameters)
    full["rope_theta"] = _number(header, "rope.freq_base", _BASE)
    if (base := _number(header, "rope.freq_base_swa")) and "sliding_attention" in parameters:
        parameters["sliding_attention"]["rope_theta"] = base
    turned = _number(header, "rope.dimension_count", width)
    if turned and width and full is parameters and "partial_rotary_factor" in full:
        full["partial_rotary_factor"] = min(1.0, nextafter(turned / width, 1.0))  # their product is rounded down
    kind, factor = _scaling(header)
    if kind in _SCALED and factor and full.get("rope_type", "default") == "default":
        full |= {"rope_type": kind, "factor": float(factor)}
        if kind == "yarn":
            whole = _number(header, "rope.scaling.original_context_length", _number(header, "context_length"))
            full["original_max_position_embeddings"] = whole


def scale_frequencies(header: Header, model: "PreTrainedModel") -> None:
    """Divide a model's rotary frequencies by the factors in the file, as in files of Llama 3.1."""
    import torch

    if (factors := next((tensor for tensor in header.tensors if tensor.name == "rope_freqs.weight"), None)) is None:
        return
    dtype = {0: "<f4", 1: "<f2"}.get(factors.type, "<f4")  # F32, F16
    divisors = torch.from_numpy(factors.data.view(dtype).astype(np.float32))
    for module in model.modules():
        if _is_scalable(module, len(divisors)):
            module.inv_freq.div_(divisors.to(module.inv_freq))  # type: ignore[operator, union-attr]


def _is_scalable(module: Any, count: int) -> bool:
    """Whether a module has that many rotary frequencies, and nothing scales them yet."""
    frequencies = getattr(module, "inv_freq", None)
    return frequencies is not None and len(frequencies) == count and getattr(module, "rope_type", "") == "default"


def attention_notes(header: Header, model: "PreTrainedModel") -> Iterator[str]:
    """What a reader ought to know of the model made of a file: where its attention may differ from llama.cpp's."""
    if _is_unscaled(header, model):
        yield (
            "the file scales its rotary positions in a way that transformers does not read from a .gguf file: the"
            " weights may differ from those in llama.cpp"
        )
    if header.get("general.architecture") == "phi3" and (window := _number(header, "attention.sliding_window")):
        yield f"each token looks only at the last {window}, as the file says; in llama.cpp, phi3 looks at all"
    unread = [*_unread(header, model.config)]
    turned, found = _number(header, "rope.dimension_count"), _turned(model)
    if turned and found and turned not in found:
        unread.append(f"rope.dimension_count = {turned} (here {min(found)})")
    if unread:
        yield (
            f"the file says {', '.join(unread)}, which transformers does not read from a .gguf file: the weights may"
            " differ from those in llama.cpp"
        )


def _unread(header: Header, config: Any) -> Iterator[str]:
    """Each key of attention and positions, with its value, that neither transformers nor `set_attention` reads."""
    prefix = f"{header.get('general.architecture')}."
    for key, field in header.fields.items():
        name, value = key.removeprefix(prefix), field.value
        if name == key or not name.startswith(("attention.", "rope.", "attn_")):
            continue
        is_off = isinstance(value, int | float | str) and not isinstance(value, bool) and value in _OFF
        is_off &= (name, value) != ("rope.scaling.yarn_ext_factor", 0)
        if is_off or name in _READ or _is_read(header, name):
            continue
        value = value.tolist() if isinstance(value, np.ndarray) else value
        if name not in _SAME or _SAME[name](header, config) != value:
            yield f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"


def _is_unscaled(header: Header, model: "PreTrainedModel") -> bool:
    """Whether a file scales its rotary positions and the model loaded from it does not."""
    kind, factor = _scaling(header)
    parameters = getattr(model.config, "rope_parameters", None) or {}
    used = parameters.get("full_attention", parameters).get("rope_type", "default")
    if any(tensor.name.startswith("rope_factors") for tensor in header.tensors):
        return bool(used != "longrope")
    for tensor in header.tensors:
        if tensor.name.startswith("rope_freqs") and not any(_is_scalable(m, tensor.elements) for m in model.modules()):
            return True
    return kind not in ("", "none", used) and (bool(factor) or kind not in _SCALED)


def _turned(model: "PreTrainedModel") -> set[int]:
    """The numbers of dimensions of a head that the model's rotary positions rotate."""
    frequencies = [getattr(module, "inv_freq", None) for module in model.modules()]
    return {2 * len(one) for one in frequencies if one is not None}


def _scaling(header: Header) -> tuple[str, float | None]:
    """The type of a file's scaling of rotary positions, and its factor, or None if it has none."""
    factor = _number(header, "rope.scaling.factor", _number(header, "rope.scale_linear"))
    kind = header.get(f"{header.get('general.architecture')}.rope.scaling.type", "linear" if factor else "")
    return str(kind), None if factor in (0, 1) else factor


def _head_width(header: Header) -> int | None:
    """The width of a head's queries and keys."""
    if width := _number(header, "attention.key_length"):
        return int(width)
    hidden, heads = _number(header, "embedding_length"), _number(header, "attention.head_count")
    return int(hidden // heads) if hidden and heads else None


def _query_scalar(header: Header, width: int) -> int:
    """The d in Gemma's attention scale 1/√d, which no key says: a head's width, except in the 27B models."""
    hidden, heads = _number(header, "embedding_length"), _number(header, "attention.head_count")
    if (header.get("general.architecture"), _number(header, "block_count")) in _OF_27B and hidden and heads:
        return int(hidden // heads)
    return width


def _is_read(header: Header, name: str) -> bool:
    """Whether transformers reads this key for the file's architecture."""
    return keys_read(header.get("general.architecture")).get(name) is not None


def _number(header: Header, name: str, default: float | None = None) -> Any:
    """The number under this key of the file's architecture, or `default` if there is none."""
    value = header.get(f"{header.get('general.architecture')}.{name}")
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default
