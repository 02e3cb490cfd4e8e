"""A tiny seeded model of every model type of the installed transformers that reads text, from its configuration class.

What a field is called says what it is: `SIZES` shrinks it. `AMENDMENTS` holds only what no rule can know.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto as auto
from transformers.models.auto.auto_factory import _LazyAutoMapping

from attnviz.capture import find_base
from attnviz.models.huggingface.loading import load_model
from attnviz.models.huggingface.location import locate

if device := os.environ.get("ATTNVIZ_DEVICE"):  # for sweep.py
    torch.set_default_device(device)

VOCABULARY = 320
WHOLE = {"shieldgemma2": "ShieldGemma2ForImageClassification"}
"""A type of pictures and text → the class that its checkpoints name, if it is not that of the mapping."""
TEXT = torch.tensor([[5, 17, 200, 31, 5, 44, 310, 90, 12, 77, 17, 31, 250, 6, 44, 9]])
TARGET = torch.tensor([[2, 30, 31, 32, 33, 34, 31]])

# A field's name, as a pattern: the most that it may be. The first that matches holds; None leaves a field as it is.
SIZES: tuple[tuple[str, int | None], ...] = (
    (r"(task_)?type_vocab_size", None),
    (r".*vocab(_size.*)?|encoder_hash_byte_group_vocab", VOCABULARY),
    (r"ngram_vocab_size_base|.*ngram_parts", 8),
    (r".*(key_value|kv)_heads|kv_n_heads|linear_num_key_heads", 2),
    (r"n_mamba_heads|mamba_n_heads|mamba_num_heads", 8),
    (r"(.*(num|n)_)?(.*_)?heads?(_per_layer)?|.*_heads|num_query_groups", 4),
    (r"qk_rope_head_dim|rotary_dim|index_head_dim", 8),
    (r".*head_dim|d_kv|kv_channels|.*head_size|d_head|dim_head|mamba_d_head|mamba_headdim|attention_head_dim", 16),
    (r".*_rank|rank_.*|.*lowrank|d_rel", 16),
    (r"(num|n)_.*experts|num_experts|zero_expert_num", 4),
    (r"num_experts_per_tok(en)?|moe_k|.*top_?k", 2),
    (r"n_group|topk_group|num_expert_group|mamba_n_groups|n_groups|mamba_ngroups", 1),
    (r".*(intermediate|ffn|feed_forward|mlp).*(size|dim|hidden)|d_ff|dff|d_inner|dim_ff|ff_dim", 96),
    (
        r".*hidden_(size|dim).*|d_model|n_embd|.*emb(ed|edding)?_(dim|size|proj_dim)|dim|embedding_size|lru_width|adapter_((in|out)_dim|input_size)",
        64,
    ),
    (r"max_2d_position_embeddings", None),
    (r".*(position|pos_emb|max_seq_len|n_ctx|context_length|context_size).*|.*max_distance", 64),
    (r".*window(_size|_len)?|(mamba_|attention_)?chunk_size|\w+_attn_chunk_length", 4),
    (r"local_attention|local_radius|(global_)?block_size|prompt_length|sliding_window_size|index_block_size", 4),
    (r".*(state_size|d_state)", 8),
    (r"num_filters", 2),
    (r"base_channels", 32),
    (r"num_buckets|.*relative_attention_num_buckets", 8),
)
DEPTH = r"(num|n)_(\w+_)?(layers?|blocks)|n_layer|(en|de)coder_layers|attention_layers|\w+_attends_per_block|depth"
SPECIAL_IDS = {"pad": 0, "bos": 1, "eos": 2, "decoder_start": 2, "mask": 3}

_HEAD = {"head_dim": 16}
_EXPERTS = {"num_experts_per_tok": 2, "n_group": 1, "topk_group": 1}
_INDEXER = {"indexer_n_heads": 4, "indexer_kv_heads": 1, "indexer_head_dim": 16}
_INDEXER |= {"indexer_budget": 4, "indexer_compress_ratio": 2}
_SHARED_CACHE = {"num_hidden_layers": 7, "num_kv_shared_layers": 2}
_ROPE = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]}
_SECTIONS = {"rope_parameters": _ROPE}
_HALF_SECTIONS = {"rope_parameters": {**_ROPE, "mrope_section": [1, 1, 2]}}
_WITH_SECTIONS = ("cosmos3_edge", "glm46v", "glm4v", "glm_ocr", "glmga", "paddleocr_vl", "qwen2_5_omni_thinker")
_WITH_SECTIONS += ("qwen2_5_vl", "qwen2_vl")
_COMPASS = {
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "rope_parameters": {"sliding_attention": _ROPE, "full_attention": _ROPE},
}
_SPARSE = {"block_size": 2, "num_random_blocks": 1}  # 14 tokens or fewer would be attended to in full
_SLIDING_LATENT = {"num_attention_heads": 2, "num_key_value_heads": 2, "q_lora_rank": 16, "kv_lora_rank": 16}
_SLIDING_LATENT |= {"head_dim": 24, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16}

AMENDMENTS: dict[str, dict[str, Any]] = {  # a type: what its configuration needs besides, where it says so nowhere
    "big_bird": _SPARSE,
    "bigbird_pegasus": _SPARSE,
    "bamba": {"attn_layer_indices": [1]},
    "blt": {
        "vocab_size": VOCABULARY,
        **{f"{part}_config": {"vocab_size": VOCABULARY} for part in ("patcher", "encoder", "decoder")},
    },
    "cohere_compass_text": _COMPASS,
    "dbrx": {"attn_config": {"rope_theta": 10_000.0, "clip_qkv": 8}},
    "deepseek_v2": _EXPERTS,
    "dots1": _EXPERTS | {"n_routed_experts": 4, "n_shared_experts": 1},
    "dory": {
        "num_hidden_layers": 6,
        "layer_types": ["sliding_attention", "full_attention"] * 3,
        "n_input_layers": 2,
        "n_recurrent_layers": 2,
        "n_output_layers": 2,
    },
    "dots3_note": {
        "text_config": {"per_layer_config": {2: _SLIDING_LATENT}},
        "vision_config": {"mlp_layer_types": ["dense"] * 3, "per_layer_config": {}},
    },
    "dots3_note_text": {"per_layer_config": {2: _SLIDING_LATENT}},
    "emu3": {"vocabulary_map": {"<image>": 9, "<|extra_200|>": 10}},
    "esm": {"vocab_size": VOCABULARY, "pad_token_id": 1, "mask_token_id": 3},
    "esmc": {"vocab_size": VOCABULARY, "num_key_value_heads": 4},
    "encoder-decoder": {"decoder": {"is_decoder": True, "add_cross_attention": True}},
    "funnel": {"architectures": ["FunnelModel"], "block_sizes": [2, 1], "num_decoder_layers": 1},
    "gemma3n_text": _SHARED_CACHE,
    "gpt_neo": {"attention_types": [[["global", "local"], 2]], "num_layers": 4},
    "granite_swa": {"attention_multiplier": 0.25},
    "granitemoe_swa": {"attention_multiplier": 0.25},
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention", "linear_attention"]},
    "hunyuan_v1_dense": _HEAD,
    "hunyuan_v1_moe": _HEAD,
    "hunyuan_vl_text": _HEAD | _SECTIONS,
    "lfm2": {"layer_types": ["conv", "full_attention", "conv"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv"]},
    "longcat_flash": {"head_dim": 8},
    "mamba2": {"num_heads": 8},
    "ministral": _HEAD,
    "mobilebert": {"normalization_type": "layer_norm"},
    "mpnet": {"relative_attention_num_buckets": 32},
    "qwen4_exp": {"text_config": _INDEXER},
    "qwen4_exp_text": _INDEXER,
    "reformer": {"axial_pos_shape": [8, 8], "axial_pos_embds_dim": [16, 48], "num_buckets": 4},
    "xlstm": {"hidden_size": 128},
    "xmod": {"default_language": "en_XX"},
    "zamba": {"attn_layer_period": 3, "attn_layer_offset": 1, "num_hidden_layers": 6},
    "zamba2": {
        "num_hidden_layers": 4,
        "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
    },
    "cosmos3_edge_text": _SECTIONS,
    "qwen2_vl_text": _SECTIONS,
    "qwen2_5_vl_text": _SECTIONS,
    "glm4v_text": _SECTIONS,
    "glm4v_moe_text": _HALF_SECTIONS,
    "glm_image_text": _HALF_SECTIONS,
    "glm_ocr_text": _HALF_SECTIONS,
    "glm5_next_text": {"index_topk": 4, "index_kpool": 2},
    "lilt": {"hidden_size": 96},
    "markuplm": {"max_depth": 2},
    **{name: {"text_config": _SECTIONS} for name in _WITH_SECTIONS},
    "glm4v_moe": {"text_config": _HALF_SECTIONS},
    "hy_v4_vl": {"text_config": _HALF_SECTIONS},
    "hy_v4_vl_text": _HALF_SECTIONS,
    "apertus1p5": {
        "audio_config": {"codebook_dim": 64, "codebook_size": 16},
        "vision_config": {"codebook_size": 16},
        "image_token_offset": 200,
        "audio_token_offset": 216,
    },
    "chameleon": {"vocabulary_map": {"<image>": 9, "<|extra_200|>": 10}},
    "cohere_compass": {"text_config": _COMPASS},
    "deepseek_ocr2": {"text_config": {"mlp_layer_types": ["dense", "sparse", "sparse"], "num_experts_per_tok": 2}},
    "diffusion_gemma": {"text_config": {"num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 32}},
    "ernie4_5_vl_moe": {"text_config": {"rope_parameters": {**_ROPE, "mrope_section": [3, 3, 2]}}},
    "glm5_next": {"text_config": {"index_topk": 4, "index_kpool": 2}},
    "granite4_vision": {"deepstack_layer_map": [], "downsample_rate": "4/8"},
    "hunyuan_vl": {"text_config": _HEAD | _SECTIONS},
    "molmo2": {"adapter_config": {"vision_feature_layer": [2, 1]}},
    "muse_spark": {"audio_config": {"patch_sizes": [4, 4, 4], "hidden_sizes": [16, 16, 16], "depths": [1, 1, 1]}},
    "nemotron_h_omni": {"vision_config": {"video_temporal_patch_size": 2}},
    "step3p7": {"text_config": {"sliding_window": 4}},
    "shieldgemma2": {"yes_token_index": 5, "no_token_index": 6},
    "layoutlmv3": {"coordinate_size": 8, "shape_size": 16},
    "udop": {"relative_attention_num_buckets": 32},
    "unlimited_ocr": {"text_config": {"num_key_value_heads": 4}},
}

NOT_TEXT = {  # a type that is among those that write text, and cannot read one alone: why
    "gemma3n": "needs the package timm for its images; its text model is gemma3n_text",
    "gemma4_assistant": "reads the hidden states and the keys of a larger model",
    "gemma4_unified_assistant": "reads the hidden states and the keys of a larger model",
    "kyutai_speech_to_text": "reads audio",
    "musicgen": "writes codes of audio",
    "musicgen_melody": "writes codes of audio",
    "sam3_lite_text": "reads images",
    "speech_to_text": "reads audio",
    "trocr": "reads images",
    "voxtral_realtime": "reads audio",
    "voxtral_realtime_text": "is a part of voxtral_realtime that has no class of its own",
    "whisper": "reads audio",
}

NEEDS_PICTURE = {  # a type that reads pictures and text, and no text alone: a word of why
    "blip": "pixel_values",
    "blip-2": "pixel_values",
    "idefics": "pixel_values",
    "instructblip": "pixel_values",
    "instructblipvideo": "pixel_values",
    "kosmos-2": "pixel_values",
    "pi0": "action_embeds",
    "pix2struct": "pixels",
    "pp_formulanet": "pixel_values",
    "udop": "Bbox",
    "vision-encoder-decoder": "pixels",
}
NOT_HERE = {  # a type of pictures and text that cannot be made here: why
    "evolla": "reads proteins, and its class is not among those of pictures and text",
    "fast_vlm": "needs the package timm for its images",
    "gemma3n": "needs the package timm for its images",
    "perception_lm": "needs the package timm for its images",
}

BASES = {"canine", "clip_text_model", "dpr", "lilt", "markuplm", "mistral4", "openai_privacy_filter", "splinter"}
BASES |= {name for name in auto.MODEL_MAPPING_NAMES if name.endswith("_text")}
"""Types that read text and have only a base model."""


def model_types() -> list[str]:
    """Every type that writes, fills in or translates text, by transformers' own mappings; and `BASES`."""
    mappings = (
        auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )
    return sorted(BASES.union(*mappings))


def picture_types() -> list[str]:
    """Every type that reads pictures and text, by transformers' own mapping."""
    return sorted(auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES)


def tiny_config(model_type: str) -> PreTrainedConfig:
    """A configuration small enough for a test, with every sort of layer that the default has."""
    return _shrunk(CONFIG_MAPPING[model_type], None, AMENDMENTS.get(model_type, {}))


def build(model_type: str, attn_implementation: str | None = None) -> PreTrainedModel:
    """The base model of that type, always the same one, its weights large enough for attention to be uneven."""
    chosen = {} if attn_implementation is None else {"attn_implementation": attn_implementation}
    torch.manual_seed(1)
    config = tiny_config(model_type)
    return uneven(_auto_class(config).from_config(config, **chosen).eval().base_model)


def build_with_pictures(model_type: str, attn_implementation: str | None = None) -> PreTrainedModel:
    """The whole model of pictures and text of that type, always the same one; as attnviz loads it from its folder.

    With an `attn_implementation` it has not been through a folder and attnviz.
    """
    torch.manual_seed(1)
    config = tiny_config(model_type)
    name = WHOLE.get(model_type, auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES[model_type])
    kind = getattr(transformers, name)
    if attn_implementation is not None:
        config._attn_implementation = attn_implementation
        whole = uneven(kind(config).eval())
        config.vision_start_token_id = 9  # which the configuration of Qwen-Omni's thinker may lack
        return whole
    with TemporaryDirectory() as folder:
        uneven(kind(config).eval()).save_pretrained(folder)
        return find_base(load_model(locate(folder)))


def uneven(model: PreTrainedModel) -> PreTrainedModel:
    """`model` with weights large enough for attention to be uneven."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad and (weight.ndim > 1 or not weight.any()):  # biases, temperatures, sinks too
                weight.normal_(std=0.2)
    return model


def inputs_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The inputs from a tokenizer for one text, and those of a decoder if there is one."""
    inputs = {"input_ids": TEXT, "attention_mask": torch.ones_like(TEXT)}
    return inputs | ({"decoder_input_ids": TARGET} if model.config.is_encoder_decoder else {})


def _auto_class(config: PreTrainedConfig) -> Any:
    """AutoModel, or its replacement for the few types that have no model without a head."""
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    classes = (AutoModel, AutoModelForSeq2SeqLM, AutoModelForCausalLM, AutoModelForMaskedLM)
    return next(kind for kind in classes if _has(kind._model_mapping, type(config)))


def _has(mapping: _LazyAutoMapping, kind: type[PreTrainedConfig]) -> bool:
    return kind in mapping


def _shrunk(
    kind: type[PreTrainedConfig], default: PreTrainedConfig | None, amendments: dict[str, Any]
) -> PreTrainedConfig:
    amendments = dict(amendments)
    settings: dict[str, Any] = {}
    if default is None and not (default := _default(kind)):
        default = kind(**amendments)
    depth = _depth(default)
    names = dict(_defaults(kind))
    for name, value in names.items():
        if name in kind.sub_configs or isinstance(value, bool) or not isinstance(value, int):
            continue
        if match := re.fullmatch(r"(.*)_token_(id|index)", name):
            settings[name] = value if value < VOCABULARY - 40 else SPECIAL_IDS.get(match[1], VOCABULARY - len(name))
        elif re.fullmatch(DEPTH, name):
            settings[name] = min(value, depth)
        else:
            limit = next((limit for pattern, limit in SIZES if re.fullmatch(pattern, name)), None)
            settings[name] = value if limit is None else min(value, limit)
    if "num_key_value_heads" in names:  # what is not said is all heads; multi-head latent attention has no groups
        settings["num_key_value_heads"] = settings["num_attention_heads"] if "kv_lora_rank" in names else 2
    settings = {name: value for name, value in settings.items() if value != names[name]}
    for name in kind.sub_configs:
        inner = getattr(default, name, None)
        if inner is not None:
            settings[name] = _shrunk(type(inner), inner, amendments.pop(name, {})).to_dict()
    return kind(**settings | amendments)


def _default(kind: type[PreTrainedConfig]) -> PreTrainedConfig | None:
    """The default configuration; None if it is not valid."""
    try:
        return kind()
    except Exception:
        return None


def _defaults(kind: type[PreTrainedConfig]) -> Iterator[tuple[str, Any]]:
    for field in fields(kind):
        if field.default is not MISSING:
            yield field.name, field.default
        elif field.default_factory is not MISSING:
            yield field.name, field.default_factory()


def _depth(default: PreTrainedConfig) -> int:
    """The fewest layers that hold one of every sort, and no fewer than three."""
    sorts = getattr(default, "layer_types", None) or getattr(default, "layers_block_type", None) or [None]
    return max(3, next(n for n in range(1, len(sorts) + 1) if set(sorts[:n]) == set(sorts)))
