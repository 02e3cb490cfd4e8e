"""Gradients of weights against central differences: one weight is changed a little where the model uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from transformers import PreTrainedModel

from attnviz.capture import gradients
from attnviz.capture.gradients import GradientPass
from attnviz.errors import InputError, ModelError

IDS = torch.tensor([[5, 17, 200, 31, 5, 44]])
WRITTEN = torch.tensor([[2, 30, 31, 32]])
STEP = 1e-3  # models compute their softmax in float32, so that a smaller step would measure its rounding


def masked_language_model() -> PreTrainedModel:
    torch.manual_seed(0)
    model = transformers.BertForMaskedLM(tiny_models.build("bert").config).eval()
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.2)
    return model


MODELS = {
    "gpt2": lambda: tiny_models.writer("gpt2"),
    "llama": lambda: tiny_models.writer("llama"),
    "gemma2": lambda: tiny_models.writer("gemma2"),
    "bert": masked_language_model,
    "bart": lambda: tiny_models.build("bart"),
}


def inputs_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {"input_ids": IDS} | ({"decoder_input_ids": WRITTEN} if model.config.is_encoder_decoder else {})


@contextmanager
def changed(model: PreTrainedModel, call: int, head: int, query: int, key: int, by: float) -> Iterator[None]:
    """In the attention call number `call` of a pass, the weight of `key` in this row is changed `by` so much."""
    module, name = import_module(type(model).__module__), "eager_attention_forward"
    attend, calls = getattr(module, name), []

    def add(layer, Q, K, V, *args, **kwargs):
        Z, A = attend(layer, Q, K, V, *args, **kwargs)
        calls.append(layer)
        if len(calls) - 1 == call:  # the row of A · V grows by the value of this key
            Z[0, query, head] += by * V[0, head * V.shape[1] // Q.shape[1], key]
        return Z, A

    setattr(module, name, add)
    try:
        yield
    finally:
        setattr(module, name, attend)


def score(model: PreTrainedModel, position: int, token: int) -> float:
    with torch.no_grad():
        return float(model(**inputs_of(model), use_cache=False).logits[0, position, token])


@pytest.mark.parametrize("name", MODELS)
def test_a_gradient_is_what_a_small_change_of_the_weight_changes_in_the_score(name):
    model = MODELS[name]().double()
    model.set_attn_implementation("eager")
    taken = GradientPass(model, inputs_of(model))
    position, token = 3, 7
    weighted = taken.weighted(position, token)
    if model.config.is_encoder_decoder:
        kinds = [("self", layer) for layer in range(len(weighted["self"]))]
        kinds += [(kind, layer) for layer in range(len(weighted["masked-self"])) for kind in ("masked-self", "cross")]
    else:
        ((only, layers),) = weighted.items()
        kinds = [(only, layer) for layer in range(len(layers))]
    attentions = model(**inputs_of(model), output_attentions=True, use_cache=False)
    fields = {"self": "encoder_attentions", "masked-self": "decoder_attentions", "cross": "cross_attentions"}
    draw = np.random.default_rng(0)
    for call, (kind, layer) in enumerate(kinds):
        A = attentions[fields[kind] if model.config.is_encoder_decoder else "attentions"][layer][0].detach().numpy()
        heads, n, m = A.shape
        for query, key in zip(draw.integers(0, min(n, position + 1), 2), draw.integers(0, m, 2), strict=True):
            products = []
            for head in range(heads):
                scores = []
                for by in (STEP, -STEP):
                    with changed(model, call, head, query, key, by):
                        scores.append(score(model, position, token))
                products.append(max((scores[0] - scores[1]) / (2 * STEP) * A[head, query, key], 0))
            assert weighted[kind][layer][query, key] == pytest.approx(np.mean(products), rel=5e-3, abs=1e-5)


def test_the_model_is_given_back_as_it_was():
    model = tiny_models.writer("llama")
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    implementation = model.config._attn_implementation
    GradientPass(model, inputs_of(model)).weighted(2, 9)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert model.config._attn_implementation == implementation
    assert not any(module._forward_hooks for module in model.modules())


def test_a_model_whose_parameters_take_no_gradient_still_gives_them():
    model = tiny_models.writer("gpt2")
    expected = GradientPass(model, inputs_of(model)).weighted(2, 9)["masked-self"]
    with torch.inference_mode():
        found = GradientPass(model.requires_grad_(False), inputs_of(model)).weighted(2, 9)["masked-self"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_likeliest_token_is_that_of_the_largest_score():
    model = tiny_models.writer("gpt2")
    with torch.no_grad():
        logits = model(IDS).logits[0]
    assert GradientPass(model, inputs_of(model)).likeliest(4) == int(logits[4].argmax())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: tiny_models.build("bert"), "BertModel gives no score to the tokens that it could write"),
        (lambda: tiny_models.writer("jamba"), "JambaForCausalLM does not return the attention weights of all its"),
        (
            lambda: transformers.BertForSequenceClassification(tiny_models.build("bert").config),
            "BertForSequenceClassification gives no score",
        ),
    ],
)
def test_a_model_that_cannot_says_so_by_name(make, reason):
    with pytest.raises(ModelError, match=f"method gradient: {reason}"):
        GradientPass(make(), inputs_of(make()))


def test_a_text_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(gradients, "MOST_TOKENS", 5)
    with pytest.raises(InputError, match="the text has 6 tokens, and method gradient takes at most 5"):
        GradientPass(tiny_models.writer("gpt2"), inputs_of(tiny_models.writer("gpt2")))
