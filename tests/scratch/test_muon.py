"""The optimizer of the layers' matrices, against a singular value decomposition and against one step worked out."""

import numpy as np
import pytest
import torch

from attnviz.scratch.muon import COEFFICIENTS, ITERATIONS, Muon, orthogonalized


def expected(G: np.ndarray) -> np.ndarray:
    """The iteration acts on each singular value alone: s ← a s + b s³ + c s⁵, of G / ‖G‖."""
    U, s, Vt = np.linalg.svd(G.astype(np.float64) / np.linalg.norm(G), full_matrices=False)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        s = a * s + b * s**3 + c * s**5
    return (U * s) @ Vt


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3)])
def test_only_the_singular_values_change_and_they_come_near_one(shape):
    G = np.random.default_rng(0).normal(size=shape)
    found = orthogonalized(torch.tensor(G)[None])[0].numpy()
    np.testing.assert_allclose(found, expected(G), atol=1e-6)
    assert np.linalg.cond(found) < np.linalg.cond(G)
    assert 0.6 < np.linalg.svd(found, compute_uv=False).max() < 1.3


def test_matrices_are_orthogonalized_together_as_each_alone():
    G = torch.randn(4, 5, 7, generator=torch.Generator().manual_seed(0))
    for one, together in zip(G, orthogonalized(G), strict=True):
        torch.testing.assert_close(orthogonalized(one[None])[0], together, atol=1e-5, rtol=1e-5)


def test_two_steps_are_those_worked_out_by_hand():
    random = np.random.default_rng(1)
    start, gradients = random.normal(size=(4, 6)), random.normal(size=(2, 4, 6))
    W = torch.tensor(start, requires_grad=True)
    optimizer = Muon([W], momentum=0.9, weight_decay=0.1)
    optimizer.param_groups[0]["lr"] = 0.01
    mean, by_hand = np.zeros_like(start), start.copy()
    for G in gradients:
        W.grad = torch.tensor(G)
        optimizer.step()
        mean = 0.9 * mean + 0.1 * G
        by_hand = (1 - 0.01 * 0.1) * by_hand - 0.01 * 0.2 * np.sqrt(6) * expected(0.9 * mean + 0.1 * G)
    np.testing.assert_allclose(W.detach().numpy(), by_hand, atol=1e-6)
