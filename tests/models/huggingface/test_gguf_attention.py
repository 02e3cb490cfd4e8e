"""Attention and rotary positions of a .gguf file, compared with a model that is configured with the same settings."""

import math
from pathlib import Path
from typing import Any

import gguf
import gguf_files
import numpy as np
import pytest
import torch
from transformers import (
    AutoModel,
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    NemotronConfig,
    Phi3Config,
    PretrainedConfig,
    PreTrainedModel,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
    StableLmConfig,
    Starcoder2Config,
    T5Config,
    T5EncoderModel,
)

import attnviz

TEXT = "I ate a tea at a tee"
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
SIZES |= {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 267, "max_position_embeddings": 64}


def tensors(
    *, norms: tuple[str, ...] = (), biases: tuple[str, ...] = (), gate: bool = True, fused: bool = False
) -> dict[str, np.ndarray]:
    """Those of a Llama, with more norms and biases in each layer, and with no gate, or fused."""
    weights = gguf_files.weights(gguf_files.SIZES, SIZES["vocab_size"])
    weights = {name: weight for name, weight in weights.items() if gate or "ffn_gate" not in name}
    for layer in (0, 1):
        block = f"blk.{layer}."
        weights |= {
            f"{block}{name}.weight": np.ones(8 if "_q_" in name or "_k_" in name else 32, np.float32) for name in norms
        }
        if fused:
            parts = [weights.pop(f"{block}attn_{name}.weight") for name in "qkv"]
            weights[f"{block}attn_qkv.weight"] = np.concatenate(parts)
            parts = [weights.pop(f"{block}ffn_{name}.weight") for name in ("gate", "up")]
            weights[f"{block}ffn_up.weight"] = np.concatenate(parts)
    for name in [name for name in weights if any(f"{bias}.weight" in name for bias in biases)]:
        weights[name.replace("weight", "bias")] = np.zeros(len(weights[name]), np.float32)
    return weights


def difference(path: Path, config: PretrainedConfig) -> tuple[float, tuple[str, ...]]:
    """The largest, from a model of the same weights that has `config` and computes eagerly; and the trace's notes."""
    loaded = attnviz.load(path)
    loaded.model.double()  # in single precision rounding differs by processor, by more than 1e-6
    told = AutoModel.from_config(config, attn_implementation="eager").eval().double()
    weights = loaded.model.state_dict()
    told.load_state_dict(
        {name.removeprefix("model."): weight for name, weight in weights.items() if "lm_head" not in name}
    )
    trace = loaded.trace(TEXT)
    attention = trace["masked-self"]
    with torch.no_grad():
        expected = told(torch.tensor([[key.id for key in attention.keys]]), output_attentions=True).attentions
    assert len(expected) == len(attention.layers) == 2
    return max(np.abs(attention.weights(n) - one[0].numpy()).max() for n, one in enumerate(expected)), trace.notes


def rotary(**parameters: Any) -> dict[str, Any]:
    return {"rope_theta": 10000.0, "rope_type": "default", **parameters}


YARN = {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 16}


@pytest.mark.parametrize(
    ("said", "parameters"),
    [
        ({"rope.freq_base": 100.0}, rotary(rope_theta=100.0)),
        ({"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}, rotary(rope_type="linear", factor=4.0)),
        ({"rope.scale_linear": 4.0}, rotary(rope_type="linear", factor=4.0)),
        (YARN, rotary(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)),
        ({"rope.scaling.type": "none", "rope.scaling.factor": 4.0}, rotary()),
    ],
)
def test_rotary_positions_are_those_of_the_file(said, parameters, tmp_path):
    more = {f"llama.{key}": value for key, value in said.items()}
    path = gguf_files.write(tmp_path / "x.gguf", tensors=tensors(), more=more)
    config = LlamaConfig(**SIZES, rms_norm_eps=1e-5, rope_parameters=parameters)
    assert difference(path, config) == (pytest.approx(0, abs=1e-6), ())
    if parameters != rotary():
        assert difference(path, LlamaConfig(**SIZES, rms_norm_eps=1e-5))[0] > 0.01


def test_the_frequencies_of_llama_3_are_divided_by_the_factors_that_the_file_has_for_them(tmp_path):
    factors = []  # as llama.cpp's converter writes them, of: factor 8, low 1, high 4, 16 positions
    for pair in range(4):
        length = 2 * math.pi * 10000 ** (2 * pair / 8)
        smooth = (16 / length - 1) / (4 - 1)
        factors.append(1 if length < 16 / 4 else 8 if length > 16 / 1 else 1 / ((1 - smooth) / 8 + smooth))
    weights = {**tensors(), "rope_freqs.weight": np.array(factors, np.float32)}
    path = gguf_files.write(tmp_path / "x.gguf", tensors=weights)
    parameters = rotary(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16
    )
    config = LlamaConfig(**SIZES, rms_norm_eps=1e-5, rope_parameters=parameters)
    assert difference(path, config) == (pytest.approx(0, abs=1e-6), ())
    assert difference(path, LlamaConfig(**SIZES, rms_norm_eps=1e-5))[0] > 0.01


PHI3 = "each token looks only at the last 3, as the file says; in llama.cpp, phi3 looks at all"
OF_GEMMA = {"norms": ("post_attention_norm", "post_ffw_norm")}


@pytest.mark.parametrize(
    ("architecture", "said", "weights", "config"),
    [
        (
            "starcoder2",
            {"rope.freq_base": 100.0, "attention.layer_norm_epsilon": 1e-3},
            {"biases": ("_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"), "gate": False},
            Starcoder2Config(**SIZES, norm_epsilon=1e-3, rope_parameters=rotary(rope_theta=100.0)),
        ),
        (
            "stablelm",
            {"rope.freq_base": 100.0, "rope.dimension_count": 6, "attention.layer_norm_epsilon": 1e-5},
            {"biases": ("_norm",)},
            StableLmConfig(**SIZES, rope_parameters=rotary(rope_theta=100.0, partial_rotary_factor=0.75)),
        ),
        (
            "nemotron",
            {"rope.dimension_count": 6, "attention.layer_norm_epsilon": 1e-3},
            {"biases": ("_norm",), "gate": False},
            NemotronConfig(**SIZES, norm_eps=1e-3, rope_parameters=rotary(partial_rotary_factor=0.75)),
        ),
        (
            "gemma2",
            {"attn_logit_softcapping": 2.0, "attention.sliding_window": 3, "attention.key_length": 8},
            OF_GEMMA,
            Gemma2Config(
                **SIZES,
                head_dim=8,
                query_pre_attn_scalar=8,
                attn_logit_softcapping=2.0,
                sliding_window=3,
                rms_norm_eps=1e-5,
            ),
        ),
        (
            "gemma3",
            {
                "rope.freq_base": 300.0,
                "rope.freq_base_swa": 200.0,
                "rope.scaling.type": "linear",
                "rope.scaling.factor": 4.0,
                "attention.sliding_window": 3,
                "attention.key_length": 8,
            },
            {"norms": (*OF_GEMMA["norms"], "attn_q_norm", "attn_k_norm")},
            Gemma3TextConfig(
                **SIZES,
                head_dim=8,
                query_pre_attn_scalar=8,
                sliding_window=3,
                rms_norm_eps=1e-5,
                rope_parameters={
                    "full_attention": rotary(rope_theta=300.0, rope_type="linear", factor=4.0),
                    "sliding_attention": rotary(rope_theta=200.0),
                },
            ),
        ),
        (
            "phi3",
            {"rope.dimension_count": 6, "attention.sliding_window": 3},
            {"fused": True},
            Phi3Config(
                **SIZES,
                rms_norm_eps=1e-5,
                sliding_window=3,
                pad_token_id=0,
                rope_parameters=rotary(partial_rotary_factor=0.75),
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_that_transformers_ignores_are_set(architecture, said, weights, config, tmp_path):
    more = {"tokenizer.ggml.padding_token_id": 0, **{f"{architecture}.{key}": value for key, value in said.items()}}
    path = gguf_files.write(tmp_path / "x.gguf", architecture=architecture, tensors=tensors(**weights), more=more)
    noted = architecture == "phi3"  # whose window llama.cpp leaves out
    assert difference(path, config) == (pytest.approx(0, abs=1e-6), (PHI3,) * noted)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"rope.scaling.type": "longrope"}, "the file scales its rotary positions in a way that"),
        (
            {"rope.dimension_count": 4},
            "the file says rope.dimension_count = 4 (here 8), which transformers does not read",
        ),
        (
            {"attention.scale": 0.5, "attention.clamp_kqv": 8.0},
            "says attention.scale = 0.5, attention.clamp_kqv = 8, ",
        ),
        ({"attention.causal": False}, "the file says attention.causal = False, "),
        ({"attention.causal": True, "attention.value_length": 8, "attention.clamp_kqv": 0.0}, None),
    ],
)
def test_a_key_that_cannot_be_set_is_a_note(said, expected, tmp_path):
    more = {f"llama.{key}": value for key, value in said.items()}
    notes = attnviz.load(gguf_files.write(tmp_path / "x.gguf", tensors=tensors(), more=more)).trace(TEXT).notes
    assert [*notes] == [] if expected is None else (len(notes) == 1 and expected in notes[0])


def test_the_width_of_values_is_no_note_where_it_is_that_of_keys(tmp_path):
    weights = tensors(biases=("attn_q", "attn_k", "attn_v"))
    more = {"qwen2.attention.key_length": 8, "qwen2.attention.value_length": 8}
    path = gguf_files.write(tmp_path / "x.gguf", architecture="qwen2", tensors=weights, more=more)
    assert attnviz.load(path).trace(TEXT).notes == ()


def test_frequencies_that_another_model_has_are_a_note(tmp_path):
    weights = {**tensors(), "rope_freqs.weight": np.ones(3, np.float32)}
    notes = attnviz.load(gguf_files.write(tmp_path / "x.gguf", tensors=weights)).trace(TEXT).notes
    assert "the file scales its rotary positions" in notes[0]


def test_gemma_of_27b_divides_by_the_root_of_its_width_over_its_heads(tmp_path):
    sizes = {**gguf_files.SIZES, "block_count": 46}
    weights = gguf_files.weights(sizes, SIZES["vocab_size"])
    for layer in range(46):
        weights |= {f"blk.{layer}.{name}.weight": np.ones(32, np.float32) for name in OF_GEMMA["norms"]}
        for name, turned in {"q": 0, "k": 0, "v": 0, "output": 1}.items():  # heads twice as wide
            key = f"blk.{layer}.attn_{name}.weight"
            weights[key] = np.concatenate([weights[key]] * 2, axis=turned)
    more = {"gemma2.block_count": 46, "gemma2.attention.key_length": 16, "gemma2.rope.dimension_count": 16}
    path = gguf_files.write(tmp_path / "x.gguf", architecture="gemma2", tensors=weights, more=more)
    assert attnviz.load(path).model.layers[0].self_attn.scaling == (32 / 4) ** -0.5


def exported(model: PreTrainedModel, architecture: str) -> dict[str, np.ndarray]:
    """The tensors of a model by the names that a file of that architecture has for them."""
    number = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(number, model.config.num_hidden_layers)
    found = {}
    for name, weight in model.state_dict().items():
        stem, _, end = name.rpartition(".")
        if there := names.get_name(stem):
            found[f"{there}.{end}"] = np.ascontiguousarray(weight.float().numpy())
    return found


def randomised(model: PreTrainedModel) -> PreTrainedModel:
    random = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=random) * 0.3
    return model.eval()


@pytest.mark.parametrize("gate", ["gated-gelu", "relu"])
def test_the_feed_forward_of_t5_has_a_gate_where_the_file_has_one(gate, tmp_path):
    sizes = {"vocab_size": 267, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    torch.manual_seed(0)
    told = randomised(T5EncoderModel(T5Config(**sizes, feed_forward_proj=gate, tie_word_embeddings=False)))
    told.encoder.embed_tokens.weight = told.shared.weight
    weights = exported(told, "t5encoder") | {"token_embd.weight": told.shared.weight.detach().numpy()}
    more = {"attention.key_length": 8, "attention.value_length": 8, "attention.head_count_kv": 4}
    more |= {"attention.relative_buckets_count": 32, "attention.layer_norm_rms_epsilon": 1e-6}
    pieces = gguf_files.sentencepiece("▁", "I", "a", "t", "e", "▁a", "te", "▁ate") | {"model": "t5"}
    path = gguf_files.write(
        tmp_path / "x.gguf",
        pieces,
        architecture="t5encoder",
        tensors=weights,
        more={f"t5encoder.{key}": value for key, value in more.items()},
        without=["t5encoder.rope.dimension_count"],
    )
    trace = attnviz.trace(TEXT, path)
    told.set_attn_implementation("eager")
    with torch.no_grad():
        expected = told(torch.tensor([[key.id for key in trace["self"].keys]]), output_attentions=True).attentions
    for layer, one in enumerate(expected):
        np.testing.assert_allclose(trace["self"].weights(layer), one[0], atol=1e-6)


def test_a_mixture_of_experts_is_read_by_the_class_that_has_names_for_them(tmp_path):
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "norm_topk_prob": True}
    told = randomised(Qwen3MoeForCausalLM(Qwen3MoeConfig(**SIZES, **experts, head_dim=8, rms_norm_eps=1e-5)))
    weights = {name: one for name, one in exported(told, "qwen3moe").items() if "_exps" not in name}
    for layer, block in enumerate(told.model.layers):
        gate_up, down = (one.detach().numpy() for one in (block.mlp.experts.gate_up_proj, block.mlp.experts.down_proj))
        for name, one in (("gate", gate_up[:, :16]), ("up", gate_up[:, 16:]), ("down", down)):
            weights[f"blk.{layer}.ffn_{name}_exps.weight"] = np.ascontiguousarray(one)
        weights[f"blk.{layer}.ffn_gate_inp.weight"] = block.mlp.gate.weight.detach().numpy()
    more = {"expert_count": 4, "expert_used_count": 2, "expert_feed_forward_length": 16, "attention.key_length": 8}
    more = {f"qwen3moe.{key}": value for key, value in more.items()}
    path = gguf_files.write(tmp_path / "x.gguf", architecture="qwen3moe", tensors=weights, more=more)
    attention = attnviz.trace(TEXT, path)["masked-self"]
    told.set_attn_implementation("eager")
    with torch.no_grad():
        expected = told(torch.tensor([[key.id for key in attention.keys]]), output_attentions=True).attentions
    for layer, one in enumerate(expected):
        np.testing.assert_allclose(attention.weights(layer), one[0], atol=1e-6)


def test_a_soft_cap_of_0_means_no_soft_cap(tmp_path):
    more = {"gemma2.attn_logit_softcapping": 0.0, "gemma2.attention.key_length": 8}
    path = gguf_files.write(tmp_path / "x.gguf", architecture="gemma2", tensors=tensors(**OF_GEMMA), more=more)
    config = Gemma2Config(**SIZES, head_dim=8, query_pre_attn_scalar=8, attn_logit_softcapping=None, rms_norm_eps=1e-5)
    assert difference(path, config) == (pytest.approx(0, abs=1e-6), ())
