"""Queries, keys and values against the weights that they must give, and against each model's own modules."""

import architectures
import numpy as np
import pytest
import tiny_models
import torch
from torch import nn

from attnviz.attention.projections import MASK, Projections
from attnviz.capture import capture, capture_all
from attnviz.capture.buffers import CellBuffer
from attnviz.capture.projections import RELATIVE
from attnviz.errors import ModelError, SelectionError
from attnviz.selection import Selection

IDS = torch.tensor([[5, 17, 200, 31, 5, 44, 310, 90, 12]])
WRITTEN = torch.tensor([[2, 30, 31, 32, 33, 34]])
LAYER = 1

# model type: the names of the terms by kind, and whether it has rotary positions that it shows
SHOWN: dict[str, tuple[dict[str, list[str]], bool]] = {
    "bert": ({"self": []}, False),
    "modernbert": ({"self": [MASK]}, True),  # a sliding window; one projection for queries, keys and values
    "gpt2": ({"masked-self": [MASK]}, False),
    "gpt_bigcode": ({"masked-self": [MASK]}, False),  # all heads share the keys
    "gpt_neox": ({"masked-self": [MASK]}, True),  # a part of each vector is rotated; the heads' projections alternate
    "llama": ({"masked-self": [MASK]}, True),
    "phi3": ({"masked-self": [MASK]}, True),
    "qwen3": ({"masked-self": [MASK]}, True),  # a norm after the projection
    "gemma2": ({"masked-self": [MASK]}, True),  # soft cap, sliding window
    "gpt_oss": ({"masked-self": [MASK]}, False),  # learned sinks; its rotation also scales
    "t5": ({"self": [RELATIVE], "masked-self": [RELATIVE, MASK], "cross": []}, False),
    "bart": ({"self": [], "masked-self": [MASK], "cross": []}, False),
    "marian": ({"self": [], "masked-self": [MASK], "cross": []}, False),
}


def built(name: str, **changes: object) -> nn.Module:
    in_tiny = name in tiny_models.ENCODERS | tiny_models.DECODERS | tiny_models.PAIRS
    return (tiny_models.build(name, **changes) if in_tiny else architectures.build(name)).base_model


def inputs_of(model: nn.Module, ids: torch.Tensor = IDS) -> dict[str, torch.Tensor]:
    return {"input_ids": ids} | ({"decoder_input_ids": WRITTEN} if model.config.is_encoder_decoder else {})


def captured(model: nn.Module, **more: object) -> dict[str, CellBuffer]:
    record = capture(model, inputs_of(model), Selection(neurons=LAYER, **more))
    return {kind: layers[LAYER] for kind, layers in record.buffers.items()}


def weights_of(one: Projections) -> np.ndarray:
    """The weights, computed here from the arrays by the formula of the docstring, `[head, query, key]`."""
    S = one.scale * np.einsum("hqd,hkd->hqk", one.queries.astype(float), one.keys.astype(float))
    S = S if one.softcap is None else one.softcap * np.tanh(S / one.softcap)
    for term in one.terms.values():
        S = S + term
    if one.sinks is not None:
        S = np.concatenate([S, np.broadcast_to(one.sinks[:, None, None], (*S.shape[:2], 1))], -1)
    exp = np.exp(S - S.max(-1, keepdims=True))
    return (exp / exp.sum(-1, keepdims=True))[..., : one.keys.shape[1]]


@pytest.mark.parametrize("name", SHOWN)
def test_queries_keys_and_terms_give_the_captured_weights(name):
    terms, is_rotated = SHOWN[name]
    found = captured(built(name))
    assert {kind: [*buffer.projections.terms] for kind, buffer in found.items()} == terms
    for buffer in found.values():
        one = buffer.projections
        np.testing.assert_allclose(weights_of(one), buffer.weights, atol=1e-5)
        for head in range(len(one.queries)):
            for query in range(one.queries.shape[1]):
                np.testing.assert_allclose(one.weights(head, query), buffer.weights[head, query], atol=1e-5)
        assert (one.unrotated_queries is not None) == is_rotated
        assert (one.unrotated_keys is not None) == is_rotated


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("bert", "encoder.layer.1.attention.output.dense"),
        ("gpt2", "h.1.attn.c_proj"),
        ("llama", "layers.1.self_attn.o_proj"),
        ("gemma2", "layers.1.self_attn.o_proj"),
        ("t5", "encoder.block.1.layer.0.SelfAttention.o"),
    ],
)
def test_what_the_heads_add_is_what_the_output_projection_gives_without_its_bias(name, output):
    model, seen = built(name), []
    module = model.get_submodule(output)
    hook = module.register_forward_hook(lambda _module, _args, out: seen.append(out[0].detach().numpy()))
    with torch.no_grad():
        model(**inputs_of(model))
    hook.remove()
    one = next(iter(captured(model).values())).projections
    bias = 0 if module.bias is None else module.bias.detach().numpy()
    np.testing.assert_allclose(one.added.sum(0), seen[0] - bias, atol=1e-4)


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_unrotated_queries_and_keys_are_what_the_projections_give(name):
    model, seen = built(name), {}
    hooks = [
        model.get_submodule(f"layers.{LAYER}.self_attn.{part}_proj").register_forward_hook(
            lambda _module, args, out, part=part: seen.update({part: out[0].detach(), "read": args[0][0].detach()})
        )
        for part in "qk"
    ]
    with torch.no_grad():
        model(**inputs_of(model))
    for hook in hooks:
        hook.remove()
    one = captured(model)["masked-self"].projections
    d = one.queries.shape[-1]
    np.testing.assert_allclose(one.unrotated_queries, seen["q"].view(9, -1, d).transpose(0, 1), atol=1e-6)
    of_groups = seen["k"].view(9, -1, d).transpose(0, 1)
    np.testing.assert_allclose(one.unrotated_keys, of_groups[[0, 0, 1, 1]], atol=1e-6)
    np.testing.assert_allclose(one.read, seen["read"], atol=1e-6)
    assert not np.allclose(one.queries[:, 1:], one.unrotated_queries[:, 1:], atol=1e-2)


def test_some_heads_have_what_they_have_among_all():
    model = built("llama")
    every, some = captured(model)["masked-self"].projections, captured(model, heads=(1, 3))["masked-self"].projections
    for name, array in every.of_heads([1, 3]).arrays().items():
        np.testing.assert_allclose(some.arrays()[name], array, atol=1e-5)


def test_a_padded_text_has_what_it_has_alone():
    model = built("bert")
    short = IDS[:, :5]
    padded = torch.cat([short, torch.zeros(1, 4, dtype=torch.long)], 1)
    inputs = {"input_ids": torch.cat([IDS, padded]), "attention_mask": torch.tensor([[1] * 9, [1] * 5 + [0] * 4])}
    lengths = [{"self": (9, 9)}, {"self": (5, 5)}]
    records = capture_all(model, inputs, Selection(neurons=LAYER), lengths)
    alone = capture(model, {"input_ids": short}, Selection(neurons=LAYER)).buffers["self"][LAYER]
    found = records[1].buffers["self"][LAYER].projections.arrays()
    for name, array in alone.projections.arrays().items():
        np.testing.assert_allclose(found[name], array, atol=1e-5)


def test_the_weights_and_the_norms_are_the_same_with_queries_and_keys():
    model = built("gemma2")
    alone = capture(model, inputs_of(model), Selection(layers=(LAYER,), value_norms=True)).buffers["masked-self"]
    both = captured(model, value_norms=True)["masked-self"]
    np.testing.assert_array_equal(both.weights, alone[LAYER].weights)
    np.testing.assert_array_equal(both.value_norms, alone[LAYER].value_norms)
    assert alone[LAYER].projections is None


def test_a_model_whose_output_is_not_shown_still_shows_its_queries_and_keys():
    model = built("llama")

    class Gated(nn.Module):
        def __init__(self, linear: nn.Module) -> None:
            super().__init__()
            self.linear = linear

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x) * torch.sigmoid(x[..., :32])

    attention = model.layers[LAYER].self_attn
    attention.o_proj = Gated(attention.o_proj)
    buffer = captured(model)["masked-self"]
    assert buffer.projections.added is None
    np.testing.assert_allclose(weights_of(buffer.projections), buffer.weights, atol=1e-5)


def test_only_one_layer_has_them_and_a_pooled_text_has_none():
    model = built("llama")
    record = capture(model, inputs_of(model), Selection(neurons=LAYER))
    assert [layer for layer, one in record.buffers["masked-self"].items() if one.projections is not None] == [LAYER]
    layouts = {"masked-self": (((0, 9),), ((0, 9),))}
    with pytest.raises(SelectionError, match="of this 9×9 matrix some are pooled or left out"):
        capture(model, inputs_of(model), Selection(neurons=LAYER), layouts)


@pytest.mark.parametrize("name", ["bloom", "falcon", "deberta-v2"])
def test_an_attention_that_does_not_hand_them_over_is_named(name):
    with pytest.raises(ModelError, match="does not hand over its queries and keys"):
        captured(built(name))
