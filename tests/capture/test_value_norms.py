"""Value norms against a recomputation from each model's own projections, which forward hooks see."""

import architectures
import numpy as np
import pytest
import tiny_models
import torch
from torch import nn

from attnviz.capture import capture, capture_all
from attnviz.errors import ModelError
from attnviz.selection import Selection

IDS = torch.tensor([[5, 17, 200, 31, 5, 44, 310, 90, 12]])
WRITTEN = torch.tensor([[2, 30, 31, 32, 33, 34]])

# model type → kind → the modules that give values and outputs, the number of heads, and the part of the values in what
# the first gives; {} is the layer
LLAMA = {"masked-self": ("layers.{}.self_attn.v_proj", "layers.{}.self_attn.o_proj", 4, None)}
T5, T5_CROSS = "{}coder.block.{{}}.layer.{}.SelfAttention.{}", "decoder.block.{{}}.layer.1.EncDecAttention.{}"
BART = "{}coder.layers.{{}}.{}_attn.{}_proj"
ATTENTION = {
    "gpt2": {"masked-self": ("h.{}.attn.c_attn", "h.{}.attn.c_proj", 4, 2)},
    "gpt_bigcode": {"masked-self": ("h.{}.attn.c_attn", "h.{}.attn.c_proj", 4, -1)},
    "llama": LLAMA,
    "qwen2": LLAMA,
    "bert": {"self": ("encoder.layer.{}.attention.self.value", "encoder.layer.{}.attention.output.dense", 4, None)},
    "modernbert": {"self": ("layers.{}.attn.Wqkv", "layers.{}.attn.Wo", 4, 2)},
    "t5": {
        "self": (T5.format("en", 0, "v"), T5.format("en", 0, "o"), 4, None),
        "masked-self": (T5.format("de", 0, "v"), T5.format("de", 0, "o"), 4, None),
        "cross": (T5_CROSS.format("v"), T5_CROSS.format("o"), 4, None),
    },
    "bart": {
        "self": (BART.format("en", "self", "v"), BART.format("en", "self", "out"), 4, None),
        "masked-self": (BART.format("de", "self", "v"), BART.format("de", "self", "out"), 2, None),
        "cross": (BART.format("de", "encoder", "v"), BART.format("de", "encoder", "out"), 2, None),
    },
}


def built(model_type: str, **changes: object) -> nn.Module:
    """The tiny model, with biases that are not 0."""
    in_tiny = model_type in tiny_models.ENCODERS | tiny_models.DECODERS | tiny_models.PAIRS
    model = tiny_models.build(model_type, **changes) if in_tiny else architectures.build(model_type)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(std=0.5)
    return model.base_model


def inputs_of(model: nn.Module, ids: torch.Tensor = IDS) -> dict[str, torch.Tensor]:
    return {"input_ids": ids} | ({"decoder_input_ids": WRITTEN} if model.config.is_encoder_decoder else {})


def by_hand(model: nn.Module, kind: str, layer: int, places: tuple) -> tuple[np.ndarray, np.ndarray]:
    """f_h(x_j) of each head and key, `[head, key, d]`, and what the output projection gave without its bias."""
    value_name, output_name, heads, part = places
    output, seen = model.get_submodule(output_name.format(layer)), {}
    hooks = [
        model.get_submodule(name.format(layer)).register_forward_hook(
            lambda _module, _args, out, name=name: seen.update({name: out[0].detach()})
        )
        for name in (value_name, output_name)
    ]
    with torch.no_grad():
        model(**inputs_of(model))
    for hook in hooks:
        hook.remove()
    W_O = output.weight if type(output).__name__ == "Conv1D" else output.weight.T  # [head · d_v, d]
    d_v = W_O.shape[0] // heads
    values = seen[value_name]  # [key, …]
    if part is not None:
        values = values[:, -d_v:] if part < 0 else values.chunk(3, -1)[part]
    repeats = heads * d_v // values.shape[-1]  # the number of heads that share a group
    f = torch.stack([values[:, d_v * (h // repeats) :][:, :d_v] @ W_O[d_v * h : d_v * (h + 1)] for h in range(heads)])
    bias = 0 if output.bias is None else output.bias
    return f.detach().numpy(), (seen[output_name] - bias).detach().numpy()


@pytest.mark.parametrize(("model_type", "kind"), [(name, kind) for name, kinds in ATTENTION.items() for kind in kinds])
def test_the_norm_of_a_value_is_that_of_what_a_head_adds_for_a_key(model_type, kind):
    model = built(model_type)
    record = capture(model, inputs_of(model), Selection(value_norms=True))
    for layer, buffer in record.buffers[kind].items():
        f, output = by_hand(model, kind, layer, ATTENTION[model_type][kind])
        np.testing.assert_allclose(np.einsum("hij,hjd->id", buffer.weights, f), output, atol=1e-4)  # f is right
        np.testing.assert_allclose(buffer.value_norms, np.linalg.norm(f, axis=-1), rtol=1e-4)
        assert buffer.value_norms.dtype == np.float32


def test_the_weights_are_the_same_with_value_norms_and_without():
    model = built("t5")
    alone = capture(model, inputs_of(model), Selection())
    together = capture(model, inputs_of(model), Selection(value_norms=True))
    for kind, layers in alone.weights.items():
        for layer, weights in layers.items():
            np.testing.assert_array_equal(together.weights[kind][layer], weights)
            assert alone.buffers[kind][layer].value_norms is None


def test_some_heads_and_layers_have_the_norms_that_they_have_among_all():
    model = built("llama")
    every = capture(model, inputs_of(model), Selection(value_norms=True)).buffers["masked-self"]
    some = capture(model, inputs_of(model), Selection.of(layers=-1, heads=[1, 3], value_norms=True))
    ((layer, buffer),) = some.buffers["masked-self"].items()
    assert layer == 2
    np.testing.assert_allclose(buffer.value_norms, every[2].value_norms[[1, 3]], rtol=1e-5)


def test_the_norms_of_pooled_and_chosen_columns_are_those_of_their_keys():
    model = built("gpt2")
    every = capture(model, inputs_of(model), Selection(value_norms=True)).buffers["masked-self"][1].value_norms
    layouts = {"masked-self": (((8, 9),), ((0, 1), (1, 4), (6, 9)))}
    few = capture(model, inputs_of(model), Selection(value_norms=True), layouts).buffers["masked-self"][1]
    np.testing.assert_allclose(few.value_norms, every[:, [0, 1, 2, 3, 6, 7, 8]], rtol=1e-5)


def test_texts_in_one_pass_have_the_norms_that_they_have_alone():
    model, short = built("bert"), IDS[:, :5]
    ids = torch.cat([IDS, nn.functional.pad(short, (0, 4))])
    inputs = {"input_ids": ids, "attention_mask": (ids > 0).long()}
    lengths = [{"self": (9, 9)}, {"self": (5, 5)}]
    records = capture_all(model, inputs, Selection(value_norms=True), lengths)
    for record, alone in zip(records, (IDS, short), strict=True):
        expected = capture(model, {"input_ids": alone}, Selection(value_norms=True)).buffers["self"]
        for layer, buffer in record.buffers["self"].items():
            np.testing.assert_allclose(buffer.value_norms, expected[layer].value_norms, rtol=1e-4)


class Adapted(nn.Module):
    """A linear layer with two more of low rank beside it, as LoRA puts them."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base, self.down, self.up = base, nn.Linear(32, 4, bias=False), nn.Linear(4, 32, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + self.up(self.down(x))


def test_the_matrix_of_an_adapted_projection_is_the_sum_of_its_parts():
    model, plain = built("bert"), built("bert")
    for layer, same in zip(model.encoder.layer, plain.encoder.layer, strict=True):
        adapted = layer.attention.output.dense = Adapted(layer.attention.output.dense)
        with torch.no_grad():
            same.attention.output.dense.weight += adapted.up.weight @ adapted.down.weight
    found = capture(model, inputs_of(model), Selection(value_norms=True)).buffers["self"]
    expected = capture(plain, inputs_of(plain), Selection(value_norms=True)).buffers["self"]
    for layer, buffer in found.items():
        np.testing.assert_allclose(buffer.value_norms, expected[layer].value_norms, rtol=1e-3)


class Bent(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).tanh()


def _halve(_module: nn.Module, read: tuple[torch.Tensor, ...]) -> None:
    read[0].mul_(0.5)


def test_a_projection_that_is_not_linear_is_refused():
    model = built("bert")
    model.encoder.layer[1].attention.output.dense = Bent(32, 32)
    with pytest.raises(ModelError, match=r"BertModel does not show what a head adds: .* read by Bent, which is not"):
        capture(model, inputs_of(model), Selection(value_norms=True))


def test_a_result_that_is_changed_in_place_before_it_is_read_is_refused():
    model = built("bert")
    output = model.encoder.layer[0].attention.output
    output.register_forward_pre_hook(_halve)
    with pytest.raises(ModelError, match="nothing reads the result of its attention as it is"):
        capture(model, inputs_of(model), Selection(value_norms=True))


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("qwen3_next", "nothing reads the result of its attention as it is, a gate or a norm may come first"),
        ("diffllama", "nothing reads the result of its attention as it is, a gate or a norm may come first"),
        ("bitnet", "its attention is read by BitNetRMSNorm, which is not linear"),
    ],
)
def test_a_gate_or_a_norm_before_the_projection_is_refused(model_type, reason):
    model = architectures.build(model_type)
    with pytest.raises(ModelError) as error:
        capture(model, architectures.inputs_of(model), Selection(value_norms=True))
    assert error.value.message == f"method norm: {type(model).__name__} does not show what a head adds: {reason}"
    assert error.value.hint == "Leave out --method norm, or value norms in Python."


@pytest.mark.parametrize("model_type", ["bloom", "deberta-v2", "squeezebert"])
def test_a_model_whose_attention_is_seen_without_values_says_so(model_type):
    model = architectures.build(model_type)
    with pytest.raises(ModelError, match=f"{type(model).__name__} does not hand over its values"):
        capture(model, architectures.inputs_of(model), Selection(value_norms=True))


def test_norms_of_many_keys_need_no_array_of_all_their_vectors(monkeypatch):
    shapes = []
    norm = torch.linalg.vector_norm
    monkeypatch.setattr(torch.linalg, "vector_norm", lambda x, **how: shapes.append(x.shape) or norm(x, **how))
    model = built("llama", max_position_embeddings=4096)
    ids = torch.arange(2500)[None] % 300 + 4
    few = Selection.of(layers=0, heads=0, rows="last:1", value_norms=True)
    layouts = {"masked-self": (((2499, 2500),), tuple((key, key + 1) for key in range(2500)))}
    buffer = capture(model, {"input_ids": ids}, few, layouts).buffers["masked-self"][0]
    assert buffer.value_norms.shape == (1, 2500)
    assert shapes == [(1, 1024, 32), (1, 1024, 32), (1, 452, 32)]  # [text, key, d]: no axis of queries
