"""What a capture records and changes; test_architectures.py tests that its weights are right."""

import numpy as np
import pytest
import tiny_models
import torch

from attnviz.capture import capture
from attnviz.capture.call_sites import is_causal_mask
from attnviz.errors import InputError, SelectionError
from attnviz.selection import Selection

IDS = torch.tensor([[5, 17, 200, 31, 5, 44, 310, 90, 12]])
WRITTEN = torch.tensor([[2, 30, 31, 32, 33, 34]])


def inputs_of(model_type):
    inputs = {"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}
    return inputs | ({"decoder_input_ids": WRITTEN} if model_type in tiny_models.PAIRS else {})


def eager(model_type):
    """layer → weights from a decoder's own eager attention."""
    with torch.no_grad():
        outputs = tiny_models.build(model_type, attn_implementation="eager")(
            **inputs_of(model_type), output_attentions=True
        )
    return {layer: weights[0].numpy() for layer, weights in enumerate(outputs.attentions)}


def test_an_error_in_the_model_leaves_it_unchanged():
    model = tiny_models.build("t5")
    model.train()
    model.encoder.eval()
    implementations = [m.config._attn_implementation for m in (model, model.encoder, model.decoder)]
    modes = [module.training for module in model.modules()]
    with pytest.raises(InputError, match="out of range"):
        capture(model.base_model, {"input_ids": IDS + 9999, "decoder_input_ids": WRITTEN}, Selection())
    assert [m.config._attn_implementation for m in (model, model.encoder, model.decoder)] == implementations
    assert [module.training for module in model.modules()] == modes


def test_a_model_in_training_is_captured_without_dropout():
    model = tiny_models.build("bert", attention_probs_dropout_prob=0.9, hidden_dropout_prob=0.9)
    expected = capture(model, inputs_of("bert"), Selection()).weights["self"][2]
    model.train()
    np.testing.assert_array_equal(capture(model, inputs_of("bert"), Selection()).weights["self"][2], expected)
    assert model.training


@pytest.mark.parametrize("model_type", ["llama", "bloom", "t5"])
def test_layers_from_the_end_are_the_last_and_no_others_stay_in_memory(model_type):
    model = tiny_models.build(model_type).base_model
    every = capture(model, inputs_of(model_type), Selection())
    last = capture(model, inputs_of(model_type), Selection.of("last", 2))
    assert last.resolve().keys() == every.buffers.keys()
    for kind, layers in every.buffers.items():
        final = max(layers)
        assert list(last.buffers[kind]) == [final] == list(last.heads[kind])
        np.testing.assert_allclose(last.weights[kind][final], layers[final].weights[[2]], atol=1e-5)
    assert last.size == sum(kept.weights.nbytes for layers in last.buffers.values() for kept in layers.values())
    kind, layers = next(iter(every.buffers.items()))
    some = capture(model, inputs_of(model_type), Selection.of([-2, 0], kinds=kind))
    assert list(some.resolve()[kind]) == [0, max(layers) - 1]
    np.testing.assert_allclose(some.weights[kind][max(layers) - 1], layers[max(layers) - 1].weights, atol=1e-5)


@pytest.mark.parametrize("model_type", ["llama", "bloom"])
def test_only_selected_weights_are_recorded(model_type):
    expected = eager(model_type)
    record = capture(tiny_models.build(model_type), inputs_of(model_type), Selection(layers=(2,), heads=(3, 0)))
    assert list(record.weights["masked-self"]) == [2]
    assert record.heads["masked-self"][2] == (0, 3)
    np.testing.assert_allclose(record.weights["masked-self"][2], expected[2][[0, 3]], atol=1e-5)
    assert list(record.available["masked-self"]) == [0, 1, 2]


def test_one_kind_can_be_recorded_alone():
    record = capture(tiny_models.build("bart").base_model, inputs_of("bart"), Selection(kinds=("cross",)))
    assert list(record.weights) == ["cross"]
    with pytest.raises(SelectionError, match="no layer 7"):
        Selection(layers=(7,)).resolve(record.available)


def test_a_learned_sink_is_recorded_by_row():
    record = capture(tiny_models.build("gpt_oss"), inputs_of("gpt_oss"), Selection())
    for layer, weights in record.weights["masked-self"].items():
        mass = record.sink_mass["masked-self"][layer]
        np.testing.assert_allclose(weights.sum(-1) + mass, 1, atol=1e-5)
        assert mass.max() > 0.01


def test_a_sliding_window_hides_what_is_outside_it():
    record = capture(tiny_models.build("mistral"), inputs_of("mistral"), Selection())
    weights = record.weights["masked-self"][0]
    assert not np.tril(weights, -4).any()
    assert np.tril(weights, -3).any()


@pytest.mark.parametrize("model_type", ["bert", "deberta-v2", "gpt2", "bloom"])
def test_a_single_token_has_the_kind_of_its_model(model_type):
    inputs = {"input_ids": torch.tensor([[5]])}
    record = capture(tiny_models.build(model_type), inputs, Selection())
    assert list(record.weights) == ["self" if model_type in tiny_models.ENCODERS else "masked-self"]


def test_boolean_and_added_masks_are_recognised_as_causal():
    square = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    assert is_causal_mask(square.tril(), 3)
    assert not is_causal_mask(square, 3)
    assert is_causal_mask(torch.zeros(1, 1, 3, 3).masked_fill(~square.tril(), -1e9), 3)
    assert is_causal_mask(None, 3) is False
    assert is_causal_mask(None, 1) is None


def test_weights_that_would_fill_the_memory_are_refused_in_time(monkeypatch):
    model, one_layer = tiny_models.build("bert").base_model, 4 * 4 * len(IDS[0]) ** 2
    heads = model.config.num_attention_heads
    monkeypatch.setattr("attnviz.capture.record.machine_memory", lambda: 2 * heads * one_layer // 4)
    assert list(capture(model, inputs_of("bert"), Selection(layers=(1,))).weights["self"]) == [1]
    with pytest.raises(InputError, match="the attention of 9 tokens, all together"):
        capture(model, inputs_of("bert"), Selection())
