"""Heads and links taken out, against the same models with changed weights or with their own eager attention changed."""

import copy
from importlib import import_module

import architectures
import numpy as np
import pytest
import tiny_models
import torch
import transformers
from torch import nn
from transformers import PreTrainedModel

from attnviz.capture import cut_pass
from attnviz.capture.cut_pass import run_without
from attnviz.cuts import Cut
from attnviz.errors import ModelError, SelectionError
from attnviz.selection import Selection

IDS = torch.tensor([[5, 17, 200, 31, 5, 44, 310]])
WRITTEN = torch.tensor([[2, 30, 31, 32]])
NOTHING = Selection(layer_heads=())


def masked_language_model() -> PreTrainedModel:
    torch.manual_seed(0)
    model = transformers.BertForMaskedLM(tiny_models.build("bert").config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.2)
    return model


BART = "model.{}coder.layers.{{}}.{}_attn.out_proj"
# name → the model, and for each kind the output projection and the number of heads
MODELS = {
    "gpt2": (lambda: tiny_models.writer("gpt2"), {"masked-self": ("transformer.h.{}.attn.c_proj", 4)}),
    "llama": (lambda: tiny_models.writer("llama"), {"masked-self": ("model.layers.{}.self_attn.o_proj", 4)}),
    "gemma2": (lambda: tiny_models.writer("gemma2"), {"masked-self": ("model.layers.{}.self_attn.o_proj", 4)}),
    "gpt_oss": (lambda: tiny_models.writer("gpt_oss"), {"masked-self": ("model.layers.{}.self_attn.o_proj", 4)}),
    "bert": (masked_language_model, {"self": ("bert.encoder.layer.{}.attention.output.dense", 4)}),
    "bart": (
        lambda: tiny_models.build("bart"),
        {
            "self": (BART.format("en", "self"), 4),
            "masked-self": (BART.format("de", "self"), 2),
            "cross": (BART.format("de", "encoder"), 2),
        },
    ),
}
EACH = [(name, kind) for name, (_, kinds) in MODELS.items() for kind in kinds]


def inputs_of(model: PreTrainedModel, texts: int = 1) -> dict[str, torch.Tensor]:
    inputs = {"input_ids": IDS} | ({"decoder_input_ids": WRITTEN} if model.config.is_encoder_decoder else {})
    return {name: ids.repeat(texts, 1) for name, ids in inputs.items()}


def logits_of(model: PreTrainedModel) -> np.ndarray:
    with torch.no_grad():
        return model(**inputs_of(model), use_cache=False).logits[0].numpy()


def zeroed(model: PreTrainedModel, name: str, heads: int, head: int) -> PreTrainedModel:
    """A copy of the model whose W_O is zero where it reads this head."""
    other = copy.deepcopy(model)
    projection = other.get_submodule(name)
    size = (
        projection.weight.shape[0] if type(projection).__name__ == "Conv1D" else projection.weight.shape[1]
    ) // heads
    part = slice(head * size, (head + 1) * size)
    with torch.no_grad():
        if type(projection).__name__ == "Conv1D":
            projection.weight[part] = 0
        else:
            projection.weight[:, part] = 0
    return other


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_a_head_set_to_zero_is_one_that_the_output_projection_does_not_read(name, kind):
    make, kinds = MODELS[name]
    model, (projection, heads) = make(), kinds[kind]
    outputs, records = run_without(model, inputs_of(model), [Cut(kind, ((1, 1),))], Selection())
    without = zeroed(model, projection.format(1), heads, 1)
    np.testing.assert_allclose(outputs.logits[0].numpy(), logits_of(without), atol=2e-4)
    assert np.abs(logits_of(model) - logits_of(without)).max() > 1e-3
    _, plain = run_without(without, inputs_of(model), [None], Selection())
    for each, layers in plain[0].weights.items():
        for layer, weights in layers.items():
            np.testing.assert_allclose(records[0].weights[each][layer], weights, atol=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert"])
def test_the_mean_of_a_head_is_over_the_positions_of_the_text(name):
    make, ((kind, (projection, heads)),) = MODELS[name][0], MODELS[name][1].items()
    model = make()
    outputs, _ = run_without(model, inputs_of(model), [Cut(kind, ((1, 2),), how="mean")], NOTHING)

    def mean(_module, args):
        parts = list(args[0].clone().chunk(heads, -1))
        parts[2] = parts[2].mean(1, keepdim=True).expand_as(parts[2])
        return (torch.cat(parts, -1),)

    hook = model.get_submodule(projection.format(1)).register_forward_pre_hook(mean)
    np.testing.assert_allclose(outputs.logits[0].numpy(), logits_of(model), atol=2e-4)
    hook.remove()


@pytest.mark.parametrize(("name", "kind"), [each for each in EACH if each[0] != "gpt_oss"])
def test_a_link_that_is_cut_has_no_weight_and_the_rest_of_the_row_keeps_its_sum(name, kind, monkeypatch):
    model = MODELS[name][0]()
    cut = Cut(kind, ((0, 1), (1, 0)), (3,), (1, 2))
    outputs, _ = run_without(model, inputs_of(model), [cut], NOTHING)
    module, calls = import_module(type(model).__module__), []
    attend = module.eager_attention_forward

    def without(layer, Q, K, V, *args, **kwargs):
        Z, A = attend(layer, Q, K, V, *args, **kwargs)
        own = _kind(model, layer)
        calls.append(own)
        number = calls.count(own) - 1
        for cut_layer, head in cut.heads:
            if own == kind and number == cut_layer:
                row = A[0, head, 3].clone()
                row[[1, 2]] = 0
                Z[0, 3, head] = (row / row.sum() @ V[0, head * V.shape[1] // Q.shape[1]]).to(Z.dtype)
        return Z, A

    monkeypatch.setattr(module, "eager_attention_forward", without)
    model.set_attn_implementation("eager")
    np.testing.assert_allclose(outputs.logits[0].numpy(), logits_of(model), atol=2e-4)


def _kind(model: PreTrainedModel, layer: nn.Module) -> str:
    if not model.config.is_encoder_decoder:
        return "self" if model.config.model_type == "bert" else "masked-self"
    names = {id(module): name for name, module in model.named_modules()}
    name = names[id(layer)]
    return "self" if "encoder.layers" in name else "cross" if "encoder_attn" in name else "masked-self"


def test_a_row_whose_only_link_is_cut_gives_nothing():
    model = tiny_models.writer("llama")
    first = Cut("masked-self", ((0, 0),), (0,), (0,))  # the first token of a decoder sees only itself
    outputs, _ = run_without(model, inputs_of(model), [first], NOTHING)
    assert torch.isfinite(outputs.logits).all()


def test_each_text_of_a_batch_has_its_own_cut():
    model = tiny_models.writer("llama")
    cuts = [
        Cut("masked-self", ((1, 3),)),
        None,
        Cut("masked-self", ((0, 0),), how="mean"),
        Cut("masked-self", ((2, 1),), (4,), (2,)),
    ]
    together, _ = run_without(model, inputs_of(model, 4), cuts, NOTHING)
    for index, cut in enumerate(cuts):
        alone, _ = run_without(model, inputs_of(model), [cut], NOTHING)
        np.testing.assert_allclose(together.logits[index].numpy(), alone.logits[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_the_model_is_given_back_as_it_was(error, monkeypatch):
    model = tiny_models.writer("llama")
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    expected, implementation = logits_of(model), model.config._attn_implementation
    if error is not None:

        def fail(copied, *_args):
            copied.lm_head(torch.zeros(1, 32))
            raise error

        monkeypatch.setattr(cut_pass, "run_by_interface", fail)
        with pytest.raises(error):
            run_without(model, inputs_of(model), [Cut("masked-self", ((0, 0),))], NOTHING)
    else:
        run_without(model, inputs_of(model), [Cut("masked-self", ((0, 0),))], NOTHING)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert model.config._attn_implementation == implementation
    assert not any(module._forward_pre_hooks for module in model.modules())
    np.testing.assert_array_equal(logits_of(model), expected)


def test_a_model_with_a_gate_before_its_projection_is_refused_by_name():
    model = architectures.build("qwen3_next")
    name = type(model).__name__
    layers = [i for i, kind in enumerate(model.config.layer_types) if kind == "full_attention"]
    with pytest.raises(
        ModelError, match=f"a head of {name} cannot be taken out: the result of its attention is not read"
    ):
        run_without(model, {"input_ids": IDS}, [Cut("masked-self", ((layers[0], 0),))], Selection())


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(SelectionError, match=r"cannot be replaced by 'max'\nChoose one of: zero, mean\."):
        Cut("self", ((0, 0),), how="max")
    with pytest.raises(SelectionError, match="a link is set to zero"):
        Cut("self", ((0, 0),), (1,), (0,), how="mean")
