"""Value-weighted attention: by hand, and in the sources of an answer against a model's own projections."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from handmade_traces import attention, encoder_decoder, with_answer, with_value_norms

import attnviz
from attnviz.analysis.answer_sources import answer_sources
from attnviz.analysis.methods import METHOD, apply_method
from attnviz.analysis.source_mass import source_mass
from attnviz.analysis.value_norm import value_weighted
from attnviz.attention import Trace
from attnviz.errors import ModelError, SelectionError
from attnviz.selection import Selection

WORDS = ["One", "two", "three.", "Four", "five", "six.", "Seven", "eight", "nine", "ten.", "Yes", "no"]


def decoder() -> Trace:
    """Two heads whose rows 9 and 10 write an answer. Key 0 has short values and key 4 long ones in the first head."""
    weights = np.stack([np.eye(12, dtype=np.float32)] * 2)
    weights[1, 4:9] = np.eye(12)[2]
    for head, row, reads in (
        (0, 9, {0: 0.5, 1: 0.1, 4: 0.2, 9: 0.2}),
        (0, 10, {0: 0.3, 4: 0.25, 5: 0.05, 8: 0.4}),
        (1, 9, {0: 0.2, 2: 0.5, 3: 0.3}),
        (1, 10, {0: 0.2, 2: 0.6, 4: 0.2}),
    ):
        weights[head, row] = 0
        weights[head, row, [*reads]] = [*reads.values()]
    trace = with_answer(WORDS, weights, 2)
    norms = np.ones((2, 12), np.float32)
    norms[0, [0, 4]], norms[1] = (0.1, 3), 2
    return replace(trace, attentions=(replace(trace["masked-self"], value_norms={0: norms}),))


def test_a_weight_counts_times_the_norm_of_its_value():
    a = replace(
        attention([[[1, 0], [0.25, 0.75]], [[0.5, 0.5], [0, 1]]]), value_norms={0: np.float32([[8, 0], [1, 4]])}
    )
    np.testing.assert_allclose(value_weighted(a, 0), [[[8, 0], [2, 0]], [[0.5, 2], [0, 4]]])
    assert a.weights(0)[0, 0, 0] == 1


def test_value_weighting_needs_norms_and_all_keys():
    with pytest.raises(SelectionError, match=r"hold the norms of its values\n.* attnviz trace TEXT --value-norms"):
        value_weighted(attention([np.eye(3)]), 0)
    for part in (Selection(columns=(0, 2)), Selection(cells=2)):
        with pytest.raises(SelectionError, match="tokens of this trace were pooled or left out"):
            value_weighted(part.apply(with_value_norms(encoder_decoder()))["self"], 1)


def test_the_rows_of_a_value_weighted_trace_are_shares_of_what_the_head_adds():
    trace = encoder_decoder()
    weights = np.float32([[[0.5, 0.5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4]]])
    a = replace(
        trace["cross"], by_layer={0: weights}, head_numbers={0: (1,)}, value_norms={0: np.float32([[1, 3, 4, 5]])}
    )
    weighted = apply_method("norm", replace(trace, attentions=(a,)))
    rows = [[0.25, 0.75, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], np.array([0.1, 0.6, 1.2, 2.0]) / 3.9]
    np.testing.assert_allclose(weighted["cross"].weights(0)[0], rows, rtol=1e-6)
    assert weighted["cross"].value_norms == {}
    assert weighted.provenance[METHOD] == "norm"
    assert METHOD not in trace.provenance
    weighted["cross"].check()


def test_the_sources_by_value_norms_are_shares_of_what_all_heads_add():
    mass = source_mass(decoder()["masked-self"], [9, 10], "norm")
    # row 9: head 0 adds .05, .1, .6 and .2 for keys 0, 1, 4 and 9; head 1 adds .4, 1 and .6 for keys 0, 2 and 3
    assert mass.by_key[0, [1, 3, 4]] == pytest.approx([0.1 / 2.95, 0.6 / 2.95, 0.6 / 2.95])
    # row 10: head 0 adds .03, .75, .05 and .4 for keys 0, 4, 5 and 8; head 1 adds .4, 1.2 and .4 for keys 0, 2 and 4
    assert mass.by_key[1, [4, 5]] == pytest.approx([1.15 / 3.23, 0.05 / 3.23])
    assert mass.sinks == pytest.approx([1.45 / 2.95, 1.63 / 3.23])  # key 0, and key 2 of head 1
    assert mass.recent == pytest.approx([0.2 / 2.95, 0.4 / 3.23])
    assert mass.by_key.sum(1) + mass.sinks + mass.recent == pytest.approx([1, 1])


def test_uniform_attention_by_value_norms_adds_more_for_long_values():
    mass = source_mass(decoder()["masked-self"], [9, 10], "norm")
    # left to row 9 are keys 1 to 5, to head 1 without key 2: 7/5 by head 0, and 2 by head 1
    assert mass.uniform[0, 1:6] == pytest.approx(np.array([0.2 + 0.5, 0.2, 0.2 + 0.5, 0.6 + 0.5, 0.2 + 0.5]) / 3.4)
    assert mass.uniform.sum(1) == pytest.approx([1, 1])


def test_sources_by_value_norms_set_the_same_keys_aside_and_change_shares():
    raw, norm = (answer_sources(decoder(), method=method) for method in ("raw", "norm"))
    assert (raw.method, norm.method) == ("raw", "norm")
    assert sum(one.share for one in norm.shares) == pytest.approx(1)
    assert [one.share == 0 for one in raw.tokens] == [one.share == 0 for one in norm.tokens]
    left = np.array([0.1, 0, 0.6, 0.6, 0]) / 2.95 + np.array([0, 0, 0, 1.15, 0.05]) / 3.23  # of keys 1 to 5
    assert norm.shares[0].share == pytest.approx(left[:2].sum() / left.sum())
    assert [one.key for one in norm.sources] == [4, 3, 1]


def test_values_of_one_length_change_no_share():
    trace = decoder()
    ones = replace(trace["masked-self"], value_norms={0: np.full((2, 12), 7, np.float32)})
    raw, norm = answer_sources(trace), answer_sources(replace(trace, attentions=(ones,)), method="norm")
    for one, other in zip(raw.shares, norm.shares, strict=True):
        assert (one.share, one.uniform) == pytest.approx((other.share, other.uniform))
    assert (raw.sinks, raw.recent) == pytest.approx((norm.sinks, norm.recent))


def test_an_unknown_method_is_refused_before_a_model_is_loaded():
    with pytest.raises(SelectionError, match=r"method cannot be 'norms'\nMethods: raw, .*norm"):
        attnviz.sources("I ate an apple.", "no/such-model", method="norms")


def test_a_module_of_torch_that_does_not_show_its_values_says_so():
    layer, x = torch.nn.TransformerEncoderLayer(16, 4, batch_first=True), torch.randn(1, 4, 16)
    with pytest.raises(ModelError, match="TransformerEncoderLayer does not hand over its values"):
        attnviz.trace(model=layer, tokens=list("abcd"), forward=lambda layer: layer(x), value_norms=True)


def test_the_sources_of_a_real_model_are_those_of_vectors_worked_out_from_its_projections(smollm2_file):
    text, layers = "Anna lives in Oslo.\n\nClara lives in Cairo.\n\nClara lives in", [3, 20]
    loaded = attnviz.load(smollm2_file, with_head=True)
    found = attnviz.sources(text, loaded, layers=layers, generate=1, method="norm")
    inner, values = loaded.model.base_model, {}
    for layer in layers:
        inner.layers[layer].self_attn.v_proj.register_forward_hook(
            lambda _module, _args, out, layer=layer: values.update({layer: out[0].float()})
        )
    a = attnviz.trace(text, loaded, layers=layers, generate=1)["masked-self"]
    row, added = len(a.keys) - 2, np.zeros(len(a.keys))
    aside = np.zeros(len(a.keys))
    for layer in layers:
        W_O = inner.layers[layer].self_attn.o_proj.weight.detach().T.float()
        size, groups = W_O.shape[0] // 9, 3
        for head in a.heads(layer):
            A, group = a.matrix(layer, head), head * groups // 9
            f = values[layer][:, size * group : size * (group + 1)] @ W_O[size * head : size * (head + 1)]
            lengths = f.norm(dim=1).numpy()
            for key in range(row + 1):
                judged = [r for r in range(row + 1) if r >= row - 48]
                sink = key == 0 or a.keys[key].special or np.mean([A[r, key] > 0.3 for r in judged]) > 0.5
                (aside if sink or key > row - 4 else added)[key] += A[row, key] * lengths[key]
    assert [one.share for one in found.tokens[: row + 1]] == pytest.approx((added / added.sum())[: row + 1], abs=1e-3)
    assert found.sinks + found.recent == pytest.approx(aside.sum() / (aside.sum() + added.sum()), abs=1e-3)
    raw = attnviz.sources(text, loaded, layers=layers, generate=1)
    assert found.sinks < raw.sinks / 2  # a sink has short values
