"""Attention flow by hand, and against another library's maximum flow."""

import networkx
import numpy as np
import pytest
from handmade_traces import encoder_decoder, labelled

from attnviz.analysis import flow
from attnviz.analysis.flow import attention_flow
from attnviz.analysis.methods import apply_method
from attnviz.errors import SelectionError
from attnviz.selection import Selection


def by_networkx(mixes: list[np.ndarray]) -> np.ndarray:
    """F by the maximum flow of networkx, which takes decimals."""
    graph, n, last = networkx.DiGraph(), len(mixes[0]), len(mixes)
    for layer, mix in enumerate(mixes, 1):
        for i, j in zip(*np.nonzero(mix), strict=True):
            graph.add_edge((layer, i), (layer - 1, j), capacity=float(mix[i, j]))
    F = np.array([[networkx.maximum_flow_value(graph, (last, i), (0, j)) for j in range(n)] for i in range(n)])
    return F / F.sum(1, keepdims=True)


def test_the_flow_of_three_tokens_through_two_layers_by_hand():
    first = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.2, 0.2, 0.6]])
    second = np.array([[1.0, 0, 0], [0.3, 0.7, 0], [0.1, 0.4, 0.5]])
    # Row 1: to token 0 min(.3, 1) + min(.7, .5) = .8; to token 1 min(.7, .5) = .5.
    # Row 2: to token 0 min(.1, 1) + min(.4, .5) + min(.5, .2) = .7; to token 1 min(.4, .5) + min(.5, .2) = .6;
    # to token 2 min(.5, .6) = .5.
    by_hand = [[1, 0, 0], [0.8 / 1.3, 0.5 / 1.3, 0], [0.7 / 1.8, 0.6 / 1.8, 0.5 / 1.8]]
    np.testing.assert_allclose(attention_flow([first, second]), by_hand, atol=1e-8)


@pytest.mark.parametrize("causal", [False, True])
def test_the_flow_is_that_of_another_library(causal):
    draw = np.random.default_rng(3)
    layers = [draw.dirichlet(np.full(6, 0.4), 6) for _ in range(4)]
    layers = [np.tril(A + 0.01) if causal else A for A in layers]
    mixes = [0.5 * A / A.sum(1, keepdims=True) + 0.5 * np.eye(6) for A in layers]
    np.testing.assert_allclose(attention_flow(mixes), by_networkx(mixes), atol=1e-6)


def test_the_flow_of_a_trace_is_that_of_the_mean_of_its_heads():
    trace = Selection(kinds=("self",)).apply(encoder_decoder())
    mixes = [0.5 * trace["self"].weights(layer).mean(0) + 0.5 * np.eye(4) for layer in (0, 1)]
    np.testing.assert_allclose(apply_method("flow", trace)["self"].matrix(1, 0), by_networkx(mixes), atol=1e-6)


def test_each_row_is_counted():
    seen = []
    attention_flow([np.eye(3)], lambda *counted: seen.append(counted))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_text_that_is_too_long_is_refused_before_it_takes_long(monkeypatch):
    monkeypatch.setattr(flow, "MOST_TOKENS", 4)
    with pytest.raises(SelectionError, match="the text has 5 tokens, and method flow takes at most 4"):
        apply_method("flow", labelled("abcde"))
