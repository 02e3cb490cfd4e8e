"""The weights of a model's own eager attention, stored as soon as a layer returns them: what stays in memory.

test_architectures.py tests that these weights are right.
"""

import weakref

import architectures
import numpy as np
import pytest
import torch

from attnviz.capture import capture, capture_all, eager_output
from attnviz.errors import InputError
from attnviz.selection import Selection

N = architectures.TEXT.shape[1]
HANDED_ON = "big_bird bloom deberta-v2 deepseek_v32 falcon fsmt gpt_neo ibert luke mpt openai-gpt xlm"


@pytest.fixture(autouse=True)
def every_text_is_long(monkeypatch):
    monkeypatch.setattr(eager_output, "_SHORT", 0)
    monkeypatch.setattr(eager_output, "_SAMPLES", (8, 15))


def matrices(output):
    """The parts of a module's output that could be weights of the whole text."""
    if isinstance(output, torch.Tensor):
        return [output] if output.ndim == 4 and output.shape[1:] == (4, N, N) else []
    return [matrix for part in output for matrix in matrices(part)] if isinstance(output, tuple | list) else []


@pytest.mark.parametrize("model_type", HANDED_ON.split())
@pytest.mark.parametrize("asked", [Selection(), Selection(layers=(1,), cells=4)], ids=["all", "one layer, pooled"])
def test_no_layer_s_weights_are_left_when_the_model_ends(model_type, asked):
    model, made, left = architectures.build(model_type), [], []
    for module in list(model.modules())[1:]:
        module.register_forward_hook(lambda _m, _a, output: made.extend(weakref.ref(x) for x in matrices(output)))
    model.register_forward_hook(lambda *_: left.append(sum(ref() is not None for ref in made)))
    record = capture(model, architectures.inputs_of(model), asked)
    assert record.path == "eager output_attentions"
    assert record.weights
    assert left[-1] == 0


@pytest.mark.parametrize("model_type", ["bloom", "fsmt", "funnel", "longt5"])
def test_only_selected_layers_are_turned_into_matrices(model_type, monkeypatch):
    model, made = architectures.build(model_type), []
    make = eager_output._matrix

    def counted(model, inputs, outputs, name, index):
        if inputs["input_ids"].shape[1] == N:
            made.append((name, index))
        return make(model, inputs, outputs, name, index)

    monkeypatch.setattr(eager_output, "_matrix", counted)
    record = capture(model, architectures.inputs_of(model), Selection(layers=(1,)))
    assert {index for _, index in made} == {1}
    assert [list(layers) for layers in record.weights.values()] == [[1]] * len(record.weights)


def test_padding_is_in_no_matrix():
    model = architectures.build("bloom")
    short = 5  # fewer tokens than the sample has
    real = torch.ones(2, N, dtype=torch.long)
    real[1, short:] = 0
    both = {"input_ids": architectures.TEXT.repeat(2, 1) * real, "attention_mask": real}
    lengths = [{"masked-self": (N, N)}, {"masked-self": (short, short)}]
    for found, n in zip(capture_all(model, both, Selection(), lengths), (N, short), strict=True):
        alone = capture(model, {"input_ids": architectures.TEXT[:, :n]}, Selection())
        for layer, weights in alone.weights["masked-self"].items():
            np.testing.assert_allclose(found.weights["masked-self"][layer], weights, atol=1e-5)


@pytest.mark.parametrize("model_type", ["big_bird", "bigbird_pegasus"])
def test_a_long_text_after_a_short_one_gives_the_same_weights(model_type):
    model = architectures.build(model_type)
    inputs, parts = architectures.inputs_of(model), list(model.modules())
    before = capture(model, inputs, Selection()).weights["self"]
    capture(model, inputs | {name: inputs[name][:, :9] for name in ("input_ids", "attention_mask")}, Selection())
    assert all(part is now for part, now in zip(parts, model.modules(), strict=True))
    after = capture(model, inputs, Selection()).weights["self"]
    for layer, weights in before.items():
        np.testing.assert_array_equal(after[layer], weights)


@pytest.mark.parametrize(("model_type", "tokens"), [("canine", 1), ("canine", 3), ("funnel", 2)])
def test_the_error_for_a_text_that_is_too_short_says_so(model_type, tokens):
    model = architectures.build(model_type)
    inputs = {name: ids[:, :tokens] for name, ids in architectures.inputs_of(model).items()}
    with pytest.raises(InputError, match=rf"^\w+Model cannot read a text of {tokens} tokens?: \w") as e:
        capture(model, inputs, Selection())
    assert e.value.hint == "Give it a longer text."
    assert model.config._attn_implementation == architectures.build(model_type).config._attn_implementation


@pytest.mark.parametrize("model_type", ["bert", "bloom", "squeezebert"])
def test_a_bug_in_attnviz_is_not_reported_as_an_error_of_the_text(model_type, monkeypatch):
    def fail(*_):
        raise RuntimeError("ours")

    monkeypatch.setattr("attnviz.capture.buffers.CellBuffer.put", fail)
    model = architectures.build(model_type)
    with pytest.raises(RuntimeError, match=r"^ours$"):
        capture(model, architectures.inputs_of(model), Selection())
