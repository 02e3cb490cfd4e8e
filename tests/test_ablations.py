"""What changes without heads: by hand, for the built-in model, and for two real ones."""

import copy
from math import log

import numpy as np
import pytest
import tiny_models
import torch

import attnviz
from attnviz.ablations import cut_runs
from attnviz.analysis.ablation import HeadEffect, attention_changes, divergence, likeliest
from attnviz.analysis.head_distance import MOST, head_distance
from attnviz.errors import ModelError, SelectionError
from attnviz.prompt import Prompt
from attnviz.scratch import attention, transformer
from attnviz.scratch.confidence import word_probabilities

APPLE, PARIS = "I ate an apple", "The capital of France is"


def test_the_divergence_of_two_predictions_by_hand():
    p, q = np.float32([0.5, 0.5, 0]), np.float32([0.25, 0.25, 0.5])
    assert divergence(p, q) == pytest.approx(log(2))
    assert divergence(p, p) == 0


def test_the_effect_of_a_head_is_positive_where_it_helps():
    assert HeadEffect("self", 0, 1, 0.8, 0.4).effect == pytest.approx(log(2))
    assert HeadEffect("self", 0, 1, 0.4, 0.8).effect == pytest.approx(-log(2))
    assert HeadEffect("self", 3, 1, 0.4, 0).effect > 60


def test_the_likeliest_tokens_before_come_first_and_those_after_follow():
    before, after = np.linspace(1, 0, 15, dtype=np.float32), np.linspace(0, 1, 15, dtype=np.float32)
    assert likeliest(before, after) == [*range(10), 14, 13, 12, 11, 10]


def without(monkeypatch, number: int, head: int) -> None:
    """Set what a head gives to zero in the attention call of this number of each later pass, before W_O reads it."""
    join, calls = attention.join_heads, {"count": 0}
    encode = transformer.encode

    def started(*args):
        calls["count"] = 0
        return encode(*args)

    def joined(heads, xp):
        calls["count"] += 1
        heads = heads.copy()
        if calls["count"] == number:
            heads[:, head] = 0
        return join(heads, xp)

    monkeypatch.setattr(transformer, "encode", started)
    monkeypatch.setattr(attention, "join_heads", joined)


@pytest.mark.parametrize(("kind", "layer", "number"), [("self", 2, 3), ("masked-self", 0, 5), ("cross", 1, 8)])
def test_the_built_in_model_without_a_head_is_the_one_whose_head_gives_nothing(kind, layer, number, monkeypatch):
    model = attnviz.load()
    runs = model.cut_runs(Prompt(APPLE))
    result = attnviz.ablate(APPLE, heads=f"L{layer}H1", kind=kind)
    effects = attnviz.head_effects(APPLE, "사과를", kind=kind)
    without(monkeypatch, number, 1)
    trace, x = model.run_again(runs.trace)
    changed = attention_changes(runs.trace, trace, kind, ((layer, 1),))
    assert [(one.kind, one.name) for one in result.attention] == [(one.kind, one.name) for one in changed]
    assert [one.share for one in result.attention] == pytest.approx([one.share for one in changed], abs=1e-6)
    tokenizer, W = model.checkpoint.tokenizer, model.checkpoint.weights
    written = runs.trace["cross"].predicts
    words = tokenizer.parts[np.array([[token.id for token in written]])]
    P = word_probabilities(x[None], words, tokenizer.has, W)[0]
    (effect,) = [one for one in effects if (one.layer, one.head) == (layer, 1)]
    assert effect.after == pytest.approx(P[1], rel=1e-4)
    assert effect.before == pytest.approx(runs.probabilities[1, written[1].id], rel=1e-6)


def test_the_probabilities_of_the_built_in_model_are_those_of_words():
    model = attnviz.load()
    runs = model.cut_runs(Prompt(APPLE))
    tokenizer = model.checkpoint.tokenizer
    np.testing.assert_allclose(runs.probabilities.sum(1), 1, atol=1e-3)  # words that are made alike count once
    _, x = model.run_again(runs.trace)
    some = [runs.as_written(token) for token in (50, 900, 4000, 17)]
    words = np.array([[tokenizer.parts[token] for token in some]])
    expected = word_probabilities(x[None], words, tokenizer.has, model.checkpoint.weights)[0]
    np.testing.assert_allclose(runs.probabilities[range(4), some], expected, rtol=1e-4)


def test_a_translation_without_most_heads_is_another_one_and_the_shipped_weights_stay():
    before = attnviz.load().trace(APPLE).target
    result = attnviz.ablate(APPLE, heads=[f"L{layer}H{head}" for layer in (0, 1) for head in range(4)], kind="cross")
    assert result.translations[0] == before
    assert result.translations[1] != before
    assert attnviz.load().trace(APPLE).target == before
    assert attnviz.ablate(APPLE, heads="L3H2", target="나는 사과를 먹었다.").translations is None


def test_what_the_built_in_model_cannot_do_it_says():
    for options in ({"heads": "L1H1", "how": "mean"}, {"link": ("ate", "apple")}):
        with pytest.raises(ModelError, match="the built-in model can only do without whole heads, set to zero"):
            attnviz.ablate(APPLE, **options)
    with pytest.raises(SelectionError, match="no heads were named"):
        attnviz.ablate(APPLE)
    with pytest.raises(SelectionError, match=r"the translation has no 'sky'\nIts words: 나는, 사과를, 먹었다"):
        attnviz.head_effects(APPLE, "sky")


def test_later_attention_is_that_of_later_heads_and_the_distance_a_share():
    trace = attnviz.trace(APPLE)
    for kind, layer, later in (
        ("self", 3, {("cross", 0), ("cross", 1), ("masked-self", 1)}),
        ("masked-self", 0, {("cross", 0), ("masked-self", 1), ("cross", 1)}),
        ("cross", 0, {("masked-self", 1), ("cross", 1)}),
        ("cross", 1, set()),
    ):
        found = attention_changes(trace, trace, kind, ((layer, 0),))
        assert {(one.kind, one.layer) for one in found} == later
        assert all(one.share == 0 for one in found)
    other = attnviz.trace("I ate an orange", target=trace.target)
    a, b = (one["self"].matrix(2, 1) for one in (trace, other))
    (share,) = [
        one.share
        for one in attention_changes(trace, other, "self", ((0, 0),))
        if (one.kind, one.name) == ("self", "L2H1")
    ]
    assert share == pytest.approx(head_distance(a, b[None])[0] / (4 * MOST))


def changed(loaded, layer: int, head: int):
    """A copy of SmolLM2 in which one head's columns of W_O are zero."""
    model = copy.deepcopy(loaded.model)
    projection = model.base_model.layers[layer].self_attn.o_proj
    with torch.no_grad():
        projection.weight[:, head * 64 : (head + 1) * 64] = 0
    return model


def test_the_head_that_looks_at_france_makes_paris_likely(smollm2_file):
    loaded = attnviz.load(smollm2_file, with_head=True)
    effects = attnviz.head_effects(PARIS, "Paris", loaded, link=("is", "France"))
    assert len(effects) == 270
    assert abs(effects[0].effect) >= abs(effects[-1].effect)
    (one,) = [effect for effect in effects if effect.name == "L23H4"]
    ids = torch.tensor([loaded.text_tokenizer.encode(PARIS).ids])
    paris = loaded.text_tokenizer.tokenizer(" Paris")["input_ids"][0]
    for model, probability in ((loaded.model, one.before), (changed(loaded, 23, 4), one.after)):
        with torch.no_grad():
            assert probability == pytest.approx(float(model(ids).logits[0, -1].softmax(-1)[paris]), rel=1e-2)
    a = loaded.trace(PARIS)["masked-self"]
    assert one.weight == pytest.approx(a.matrix(23, 4)[-1, 3], abs=1e-3)
    assert a.keys[3].text == "France"
    result = attnviz.ablate(PARIS, loaded, heads="L23H4")
    assert (result.prediction.likeliest[0].token, result.prediction.row) == ("Paris", "is")
    assert result.prediction.likeliest[0].after == pytest.approx(one.after, rel=1e-2)
    assert attnviz.ablate(PARIS, loaded, link=("is", "France")).prediction.likeliest[0].after < 0.05


def test_a_word_of_the_text_is_that_of_the_row_that_writes_it(smollm2_file):
    runs = cut_runs(PARIS, smollm2_file, {})
    (first, *_) = attnviz.head_effects(PARIS, "France", smollm2_file, kind="masked-self")[:1]
    row = [token.text for token in runs.trace["masked-self"].queries].index("of")
    france = runs.trace["masked-self"].queries[row + 1].id
    assert first.before == pytest.approx(float(runs.probabilities[row, france]), rel=1e-3)


def test_a_model_that_writes_nothing_shows_its_later_attention(minilm_folder):
    loaded = attnviz.load(minilm_folder)
    result = attnviz.ablate("The keys are here", loaded, heads="L1H3")
    assert result.prediction is None
    assert {one.layer for one in result.attention} == {2, 3, 4, 5}
    other = copy.deepcopy(loaded.model)
    with torch.no_grad():
        other.encoder.layer[1].attention.output.dense.weight[:, 3 * 32 : 4 * 32] = 0
    plain = loaded.trace("The keys are here")
    without = attnviz.trace("The keys are here", other, tokenizer=loaded.text_tokenizer.tokenizer)
    expected = {one.name: one.share for one in attention_changes(plain, without, "self", ((1, 3),))}
    assert {one.name: one.share for one in result.attention} == pytest.approx(expected, abs=1e-4)
    with pytest.raises(SelectionError, match="writes nothing"):
        attnviz.head_effects("The keys are here", "keys", loaded)
    with pytest.raises(SelectionError, match="writes nothing that"):
        attnviz.ablate("The keys are here", loaded, heads="L1H3", query="keys")


def test_a_masked_language_model_fills_in_its_one_mask():
    import transformers

    torch.manual_seed(1)
    tokenizer = tiny_models.wordpiece()
    tokenizer.add_special_tokens({"mask_token": "[MASK]"})
    model = transformers.BertForMaskedLM(tiny_models.build("bert").config).eval()
    loaded = attnviz.load(model, tokenizer=tokenizer)
    result = attnviz.ablate("I ate an [MASK].", loaded, heads="L1H1")
    assert result.prediction.row == "[MASK]"
    ids = torch.tensor([loaded.text_tokenizer.encode("I ate an [MASK].").ids])
    row = ids[0].tolist().index(tokenizer.mask_token_id)
    with torch.no_grad():
        best = float(model(ids).logits[0, row].softmax(-1).max())
    assert result.prediction.likeliest[0].before == pytest.approx(best, rel=1e-4)
    with pytest.raises(SelectionError, match="there is no mask in this text"):
        attnviz.ablate("I ate an apple.", loaded, heads="L1H1")
    assert attnviz.ablate("I ate an apple.", loaded, heads="L1H1", query="ate").prediction.row == "ate"
    with pytest.raises(SelectionError, match="there are 2 masks in this text"):
        attnviz.ablate("I [MASK] an [MASK].", loaded, heads="L1H1")


def test_a_module_of_torch_has_no_heads_that_can_be_taken_out():
    with pytest.raises(ModelError, match="the heads of Linear cannot be taken out"):
        attnviz.load(torch.nn.Linear(2, 2)).cut_runs(Prompt(APPLE))
