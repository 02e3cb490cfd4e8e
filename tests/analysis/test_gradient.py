"""Relevance by gradients: by hand, and against loops over the equations of Chefer et al. 2021."""

import numpy as np
import pytest

from attnviz.analysis.gradient import relevance


def test_the_relevance_of_one_layer_is_its_row():
    weighted = np.array([[0.5, 0.0], [0.1, 0.3]])
    np.testing.assert_allclose(relevance({"masked-self": [weighted]}, 1)["masked-self"], [0.25, 0.75])


def test_the_relevance_of_two_layers_by_hand():
    first, second = np.array([[0.0, 0.0], [0.4, 0.0]]), np.array([[0.0, 0.0], [0.0, 0.5]])
    # R₁ = I + first; R₂ = R₁ + second · R₁: row 1 of R₂ − I is .4 + .5 · .4 = .6, and .5
    np.testing.assert_allclose(relevance({"self": [first, second]}, 1)["self"], [0.6 / 1.1, 0.5 / 1.1])


def test_where_no_weight_raises_the_score_nothing_is_shared():
    np.testing.assert_array_equal(relevance({"self": [np.zeros((3, 3))]}, 1)["self"], [0, 0, 0])


@pytest.mark.parametrize("query", [0, 2])
def test_the_relevance_in_an_encoder_decoder_is_that_of_loops(query):
    draw = np.random.default_rng(4)
    e, q = 4, 3
    encoder = [draw.random((e, e)) * 0.2 for _ in range(2)]
    masked = [np.tril(draw.random((q, q))) * 0.2 for _ in range(2)]
    cross = [draw.random((q, e)) * 0.2 for _ in range(2)]

    def barred(R):
        size = len(R)
        bar = [[R[i][j] - (i == j) for j in range(size)] for i in range(size)]
        sums = [sum(row) or 1 for row in bar]
        return [[bar[i][j] / sums[i] + (i == j) for j in range(size)] for i in range(size)]

    R_ee = [[float(i == j) for j in range(e)] for i in range(e)]
    for A in encoder:
        R_ee = [[R_ee[i][j] + sum(A[i, k] * R_ee[k][j] for k in range(e)) for j in range(e)] for i in range(e)]
    R_qq = [[float(i == j) for j in range(q)] for i in range(q)]
    R_qe = [[0.0] * e for _ in range(q)]
    for A, C in zip(masked, cross, strict=True):
        R_qe = [[R_qe[i][j] + sum(A[i, k] * R_qe[k][j] for k in range(q)) for j in range(e)] for i in range(q)]
        R_qq = [[R_qq[i][j] + sum(A[i, k] * R_qq[k][j] for k in range(q)) for j in range(q)] for i in range(q)]
        Q, E = barred(R_qq), barred(R_ee)
        # R̄_qqᵀ: the first factor is indexed the other way round
        added = [
            [sum(Q[a][i] * C[a, b] * E[b][j] for a in range(q) for b in range(e)) for j in range(e)] for i in range(q)
        ]
        R_qe = [[R_qe[i][j] + added[i][j] for j in range(e)] for i in range(q)]
    found = relevance({"self": encoder, "masked-self": masked, "cross": cross}, query)
    np.testing.assert_allclose(found["cross"], np.array(R_qe[query]) / sum(R_qe[query]), rtol=1e-5)
    own = np.array([R_qq[query][j] - (query == j) for j in range(q)])
    np.testing.assert_allclose(found["masked-self"], own / own.sum(), rtol=1e-5)
