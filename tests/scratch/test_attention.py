"""The equations, against torch's own multi-head attention and by hand."""

import math

import array_api_compat.torch as torch_xp
import numpy as np
import pytest
import torch

from attnviz.scratch.attention import causal, multi_head_attention, scaled_dot_product_attention, softmax, value_norms


def test_softmax_by_hand():
    A = softmax(np.array([[math.log(1), math.log(3), -math.inf], [1000.0, 1000.0, 1000.0]]), np)
    np.testing.assert_allclose(A, [[0.25, 0.75, 0], [1 / 3, 1 / 3, 1 / 3]])


def test_scaled_dot_product_by_hand():
    # d_k = 4, so scores are halved: QKᵀ = [2 ln 3, 0] → weights 3/4 and 1/4.
    Q = np.array([[[[2 * math.log(3), 0, 0, 0]]]])
    K = np.eye(4)[None, None, :2]
    V = np.array([[[[4.0], [8.0]]]])
    Z, A = scaled_dot_product_attention(Q, K, V, np.ones((1, 2), bool), np)
    np.testing.assert_allclose(A[0, 0], [[0.75, 0.25]])
    np.testing.assert_allclose(Z[0, 0], [[5.0]])


def test_causal_by_hand():
    assert causal(3, np).tolist() == [[True, False, False], [True, True, False], [True, True, True]]


def copied(theirs: torch.nn.MultiheadAttention) -> dict[str, np.ndarray]:
    """The weights of torch's module in our names: it keeps W_Q, W_K and W_V stacked, and transposed."""
    stacked = zip("QKV", theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3), strict=True)
    W = {f"{side}_{name}": value for name, w, b in stacked for side, value in (("W", w.T), ("b", b))}
    W |= {"W_O": theirs.out_proj.weight.T, "b_O": theirs.out_proj.bias}
    return {name: value.detach().numpy() for name, value in W.items()}


@pytest.mark.parametrize("mask", ["all", "causal", "padded"])
def test_equals_torch_multihead_attention(mask):
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(16, 4, batch_first=True)
    torch.nn.init.normal_(theirs.in_proj_bias)
    torch.nn.init.normal_(theirs.out_proj.bias)
    x, y = torch.randn(2, 5, 16), torch.randn(2, 5, 16)
    visible = {
        "all": torch.ones(1, 1, 5, 5, dtype=torch.bool),
        "causal": torch_xp.tril(torch.ones(1, 1, 5, 5, dtype=torch.bool)),
        "padded": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=torch.bool)[:, None, None, :],
    }[mask]
    hidden = ~visible.expand(2, 4, 5, 5).reshape(8, 5, 5)
    expected, weights = theirs(x, y, y, attn_mask=hidden, average_attn_weights=False)
    Z, A = multi_head_attention(x.numpy(), y.numpy(), copied(theirs), 4, visible.numpy(), np)
    np.testing.assert_allclose(A, weights.detach(), atol=1e-6)
    np.testing.assert_allclose(Z, expected.detach(), atol=1e-5)


def test_value_norms_by_hand():
    # Two heads of one feature; y W_V + b_V = [3, −1] for key 0 and [0, 2] for key 1; W_O's rows are [3, 4] and [0, 2].
    W = {"W_V": np.array([[1.0, 0], [0, 1]]), "b_V": np.array([1.0, 0]), "W_O": np.array([[3.0, 4], [0, 2]])}
    y = np.array([[[2.0, -1], [-1, 2]]])
    np.testing.assert_allclose(value_norms(y, W, 2, np), [[[15, 0], [2, 4]]])


def test_value_norms_are_those_of_the_parts_that_make_up_the_result():
    torch.manual_seed(0)
    W = copied(torch.nn.MultiheadAttention(16, 4, batch_first=True))
    W["b_V"] = np.linspace(-1, 1, 16, dtype=np.float32)
    x, y = np.random.default_rng(0).normal(size=(2, 2, 5, 16)).astype(np.float32)
    Z, A = multi_head_attention(x, y, W, 4, np.ones((1, 1, 5, 5), bool), np)
    parts = [(y @ W["W_V"] + W["b_V"])[..., 4 * i : 4 * i + 4] @ W["W_O"][4 * i : 4 * i + 4] for i in range(4)]
    total = sum(A[:, i] @ part for i, part in enumerate(parts)) + W["b_O"]
    np.testing.assert_allclose(total, Z, atol=1e-5)
    np.testing.assert_allclose(value_norms(y, W, 4, np), np.linalg.norm(np.stack(parts, 1), axis=-1), rtol=1e-5)
