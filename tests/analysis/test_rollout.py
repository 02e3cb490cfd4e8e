"""Attention rollout against explicit sums in float64, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import encoder_decoder, tokens

import attnviz
from attnviz.analysis.methods import apply_method
from attnviz.analysis.rollout import attention_rollout
from attnviz.attention import Attention, Trace
from attnviz.selection import Selection


def by_loops(layers: list[np.ndarray]) -> np.ndarray:
    """R of the weights `[head, query, key]` of each layer, each number a sum that is written out."""
    n = layers[0].shape[-1]
    R = [[float(i == j) for j in range(n)] for i in range(n)]
    for A in layers:
        mixed = [[0.5 * sum(float(h[i][k]) for h in A) / len(A) + 0.5 * (i == k) for k in range(n)] for i in range(n)]
        R = [[sum(mixed[i][k] * R[k][j] for k in range(n)) for j in range(n)] for i in range(n)]
    return np.array(R)


def test_the_rollout_of_two_layers_by_hand():
    first, second = np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.25, 0.75]])
    # ½ A + ½ I: [[.75 .25] [0 1]], then [[1 0] [.125 .875]]
    mixes = [0.5 * A + 0.5 * np.eye(2) for A in (first, second)]
    np.testing.assert_allclose(attention_rollout(mixes), [[0.75, 0.25], [0.09375, 0.90625]])


def test_identity_attention_mixes_nothing():
    np.testing.assert_array_equal(attention_rollout([np.eye(5)] * 7), np.eye(5))


def test_uniform_causal_attention_alone_gives_the_first_of_6_tokens_89_percent_of_the_last_row_after_12_layers():
    uniform = np.tri(6) / np.arange(1, 7)[:, None]
    assert attention_rollout([0.5 * uniform + 0.5 * np.eye(6)] * 12)[-1, 0] == pytest.approx(0.892, abs=5e-4)


@pytest.mark.parametrize("layer", [0, 1])
def test_the_rollout_of_a_trace_is_that_of_loops(layer):
    trace = Selection(kinds=("self",)).apply(encoder_decoder())
    found = apply_method("rollout", trace, layer)["self"].matrix(layer, 0)
    np.testing.assert_allclose(found, by_loops([trace["self"].weights(one) for one in range(layer + 1)]), atol=1e-6)


def test_the_rollout_of_a_real_encoder_is_that_of_loops(minilm_folder):
    trace = attnviz.trace("The keys to the cabinet", minilm_folder)
    found = apply_method("rollout", trace)["self"].matrix(5, 0)
    np.testing.assert_allclose(found, by_loops([trace["self"].weights(layer) for layer in range(6)]), atol=1e-5)


def test_the_uniform_rollout_of_a_real_decoder_is_that_of_its_mask(smollm2_file):
    trace = attnviz.trace("The keys to the cabinet", smollm2_file)
    R, uniform = apply_method("rollout", trace)["masked-self"].weights(29)
    np.testing.assert_allclose(R, by_loops([trace["masked-self"].weights(layer) for layer in range(30)]), atol=1e-5)
    plain = np.tri(len(R)) / np.arange(1, len(R) + 1)[:, None]
    np.testing.assert_allclose(uniform, by_loops([plain[None]] * 30), atol=1e-6)


def test_the_uniform_rollout_of_a_sliding_window_stays_in_the_window():
    weights = np.zeros((2, 4, 4), np.float32)
    weights[0] = np.eye(4)
    weights[1, range(4), [0, 0, 1, 2]] = 1  # one head looks at the token before: a window of two tokens
    read = tokens("abcd")
    a = Attention("masked-self", "decoder", read, read, {0: weights}, {0: (0, 1)})
    _, uniform = apply_method("rollout", Trace("m", "abcd", (a,)))["masked-self"].weights(0)
    half = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5]])
    np.testing.assert_allclose(uniform, 0.5 * half + 0.5 * np.eye(4))


def test_what_a_learned_sink_took_is_missing_in_the_rows():
    trace = Selection(kinds=("self",)).apply(encoder_decoder())
    half = replace(trace["self"], by_layer={layer: 0.5 * A for layer, A in trace["self"].by_layer.items()})
    made = apply_method("rollout", replace(trace, attentions=(half,)))["self"].matrix(1, 0)
    np.testing.assert_allclose(made.sum(-1), 0.75**2, rtol=1e-6)
