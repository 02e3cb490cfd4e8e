"""A fixed selection of the model types that sweep.py tests, and the special properties of some of them."""

import architectures
import eager_reference
import pytest
import sweep
import torch

from attnviz.capture import capture
from attnviz.errors import SelectionError
from attnviz.selection import Selection

INTERFACE, OUTPUT, HOOK = "attention interface", "eager output_attentions", "softmax, by a hook"
SPREAD = {
    INTERFACE: (
        "albert bart bert blt diffllama distilbert encoder-decoder exaone4 gemma2 gemma3n_text gpt2 gpt_bigcode"
        " gpt_neox gpt_oss granite_swa llama marian mistral mixtral modernbert nllb-moe opt phi3 qwen3 roberta splinter"
        " t5 umt5"
        " deepseek_v3 longcat_flash minicpm3"  # multi-head latent attention
        " bamba falcon_h1 granitemoehybrid jamba kimi_linear lfm2 minimax nemotron_h qwen3_next recurrent_gemma zamba2"
    ),
    OUTPUT: (
        "big_bird bigbird_pegasus bloom canine cpmant deberta deberta-v2 deepseek_v32 deepseek_v4 falcon funnel"
        " glm5_next_text inkling2_text led longformer longt5 mpt nystromformer pegasus_x roformer t5gemma2 xlnet"
    ),
    HOOK: "prophetnet squeezebert",
}


@pytest.mark.parametrize(
    ("model_type", "path"), [(name, path) for path, names in SPREAD.items() for name in names.split()]
)
def test_weights_are_those_of_the_models_own_attention(model_type, path):
    row = sweep.examine(model_type)
    assert (row.outcome, row.path) == ("exact", path), row


@pytest.mark.parametrize("model_type", eager_reference.NO_SOFTMAX)
def test_the_error_for_a_model_without_softmax_attention_says_what_it_does_instead(model_type):
    row = sweep.examine(model_type)
    assert row.outcome == "refused", row


def test_the_list_of_types_that_cannot_read_text_is_exact():
    assert sweep.examine("whisper").outcome == "not a text model"
    assert set(architectures.NOT_TEXT) <= set(architectures.model_types())


def test_every_difference_is_a_failed_row(monkeypatch):
    monkeypatch.setattr(eager_reference, "weights", lambda *_: {"self": {}})
    assert sweep.examine("bert").outcome == "FAILED"
    monkeypatch.setitem(architectures.NOT_TEXT, "bert", "is said to be something else")
    assert sweep.examine("gpt2").outcome == "FAILED"
    monkeypatch.undo()
    monkeypatch.setitem(architectures.NOT_TEXT, "bert", "is said to be something else")
    assert sweep.examine("bert").outcome == "FAILED"
    assert sweep.main(["bert"]) == 1
    assert sweep.main(["gpt2"]) == 0


@pytest.mark.parametrize(
    ("model_type", "layer", "what", "numbers"),
    [
        ("jamba", 0, "a state-space model", "4"),
        ("qwen3_next", 2, "a gated delta rule", "3"),
        ("lfm2", 0, "a short convolution", "1"),
        ("nemotron_h", 3, "a feed-forward network alone", "2"),
        ("funnel", 2, "attention between pooled positions", "0-1, 3"),
        ("blt", 1, "attention between patches of bytes", "0, 4-6"),
    ],
)
def test_the_error_for_a_layer_without_softmax_attention_says_what_it_is(model_type, layer, what, numbers):
    record = captured(model_type, Selection(layers=(layer,)))
    with pytest.raises(
        SelectionError, match=f"layer {layer} has no softmax attention between tokens: it is {what}"
    ) as e:
        record.resolve()
    assert e.value.hint == f"Layers with it: {numbers}."
    assert not record.weights


@pytest.mark.parametrize(
    ("model_type", "groups"),
    [
        ("bert", (0, 1, 2, 3)),
        ("llama", (0, 0, 1, 1)),
        ("gpt_bigcode", (0, 0, 0, 0)),
        ("falcon", (0, 0, 0, 0)),
        ("inkling2_text", (0, 0, 1, 1)),
        ("bloom", (0, 1, 2, 3)),
    ],
)
def test_each_head_has_its_key_value_group(model_type, groups):
    (by_layer,) = captured(model_type).groups.values()
    assert set(by_layer.values()) == {groups}
    (some,) = captured(model_type, Selection(heads=(1, 3))).groups.values()
    assert set(some.values()) == {(groups[1], groups[3])}


@pytest.mark.parametrize(
    ("model_type", "attention"), [("longformer", "attention.self"), ("led", "self_attn.longformer_self_attn")]
)
def test_tokens_with_global_attention_look_at_all_tokens_and_are_seen_by_all(model_type, attention):
    model = architectures.build(model_type)
    layer = next(m for name, m in model.named_modules() if name.endswith(f"0.{attention}"))
    seen = []
    layer.register_forward_pre_hook(lambda _module, args, kwargs: seen.append(args or kwargs), with_kwargs=True)
    everywhere = torch.zeros_like(architectures.TEXT)
    everywhere[0, [0, 9]] = 1
    record = capture(model, architectures.inputs_of(model) | {"global_attention_mask": everywhere}, Selection())
    states = seen[-1][0] if isinstance(seen[-1], tuple) else seen[-1]["hidden_states"]

    def weights(query, key, hidden):
        Q, K = (states.view(n, 4, -1).transpose(0, 1) for states in (query(x), key(x)))
        return (Q @ K.transpose(-1, -2) / Q.shape[-1] ** 0.5).masked_fill(hidden, -torch.inf).softmax(-1)

    n = architectures.TEXT.shape[1]
    index, is_global, x = torch.arange(n), everywhere[0].bool(), states[0, :n]
    side = model.config.attention_window[0] // 2
    with torch.no_grad():
        expected = weights(layer.query, layer.key, ((index[:, None] - index).abs() > side) & ~is_global)
        expected[:, is_global] = weights(layer.query_global, layer.key_global, torch.zeros(n, n) > 0)[:, is_global]
    torch.testing.assert_close(torch.from_numpy(record.weights["self"][0]), expected, atol=1e-5, rtol=0)


def test_the_mass_of_summaries_of_blocks_belongs_to_no_token(monkeypatch):
    monkeypatch.setitem(architectures.AMENDMENTS, "longt5", {"encoder_attention_type": "transient-global"})
    monkeypatch.setattr(eager_reference, "counts_sinks", lambda _: False)  # the reference has only the shares of tokens
    assert sweep.examine("longt5").outcome == "exact"
    assert all((mass > 0).all() for mass in captured("longt5").sink_mass["self"].values())


def captured(model_type, selection=None):
    model = architectures.build(model_type)
    return capture(model, architectures.inputs_of(model), selection or Selection())
