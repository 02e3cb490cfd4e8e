"""Attention without torch's Python functions is listed, and attention that was seen is not listed as unseen."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention.flex_attention import flex_attention

from attnviz.capture.function_mode import AttentionCalls
from attnviz.capture.unseen_attention import UnseenAttention

torch.manual_seed(0)
Q, K, V = (torch.randn(1, 4, 6, 8) for _ in range(3))
X, LAYER = torch.randn(1, 6, 16), nn.MultiheadAttention(16, 4, batch_first=True).eval()
PRODUCT = "a product with 6 × 6 weights whose rows sum to 1, without a softmax that can be seen"


def scores():
    return Q @ K.mT * 8**-0.5


def unseen(run):
    """The number of calls that were seen in `run`, and the list of unseen computations."""
    calls = []
    found = UnseenAttention([], {6})
    eager = torch.compiler.set_stance("force_eager")
    with eager, torch.no_grad(), found, AttentionCalls(1, calls.append, {6}, found):
        run()
    return len(calls), [said for _, said in found.found]


def in_numpy(scores):
    weights = np.exp(scores)
    return torch.from_numpy(weights / weights.sum(-1, keepdims=True))


@torch.jit.script
def compiled(Q, K, V):
    return torch.softmax(Q @ K.transpose(-1, -2), -1) @ V


@pytest.mark.parametrize(
    "run",
    [
        lambda: scores().log_softmax(-1).exp() @ V,
        lambda: in_numpy(scores().numpy()) @ V,
        lambda: functional.gumbel_softmax(scores(), dim=-1) @ V,
        lambda: V.mT @ scores().log_softmax(-1).exp().mT,
        lambda: torch.einsum("kqhb,bhkd->qbhd", scores().permute(3, 2, 1, 0).log_softmax(0).exp(), V),
        lambda: torch.tensordot(scores()[0, 0].log_softmax(-1).exp(), V[0, 0], 1),
        lambda: scores().bfloat16().log_softmax(-1).exp() @ V.bfloat16(),
        lambda: compiled(Q, K, V),
        lambda: torch.vmap(lambda Q, K, V: (Q @ K.mT).softmax(-1) @ V, 1, 1)(Q, K, V),
        lambda: torch.vmap(torch.vmap(functional.scaled_dot_product_attention))(Q, K, V),
        lambda: torch.func.vjp(lambda Q: (Q @ K.mT).softmax(-1) @ V, Q)[1](Q),
    ],
)
def test_a_product_with_rows_that_sum_to_one_is_listed_as_unseen(run):
    assert unseen(run) == (0, [PRODUCT])


def test_an_attention_kernel_is_listed_by_its_name():
    seen, (description,) = unseen(lambda: torch.ops.aten.scaled_dot_product_attention(Q, K, V))
    assert (seen, description.startswith("the kernel aten._scaled_dot_product")) == (0, True)


def multiplied_twice():
    weights = scores().softmax(-1)
    weights @ V
    weights.transpose(1, 2).transpose(1, 2) @ V


def with_gradients():
    with torch.enable_grad():
        given = Q.clone().requires_grad_()
        torch.autograd.grad(functional.scaled_dot_product_attention(given, K, V).sum(), given)


@pytest.mark.parametrize(
    "run",
    [
        lambda: scores().softmax(-1) @ V,
        multiplied_twice,
        with_gradients,
        lambda: functional.scaled_dot_product_attention(Q, K, V),
        lambda: LAYER(X, X, X),
        lambda: LAYER(X, X, X, need_weights=False),
        lambda: flex_attention(Q, K, V),
    ],
)
def test_attention_that_was_seen_is_not_listed_as_unseen(run):
    assert unseen(run) == (1, [])


@pytest.mark.parametrize(
    "run",
    [
        lambda: scores() @ V,
        lambda: scores().sigmoid() @ V,
        lambda: functional.one_hot(torch.arange(6)) @ torch.arange(12).view(6, 2),
        lambda: torch.randn(6, 5).log_softmax(-1).exp() @ torch.randn(5, 2),
        lambda: torch.eye(6).to_sparse() @ V[0, 0],
        lambda: torch.ones(6, 6, device="meta") @ torch.ones(6, 2, device="meta"),
        lambda: nn.Linear(6, 6)(torch.ones(2, 6)),
    ],
)
def test_other_products_are_not_listed(run):
    assert unseen(run) == (0, [])
