import numpy as np
import pytest
import torch

from attnviz.capture import blockwise

torch.manual_seed(0)
Q, K = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 5, 8)
CAUSAL = torch.ones(1, 1, 5, 5, dtype=torch.bool).tril()


def attention_weights(query, key, heads, scaling, mask=None, bias=None, **others):
    """The rows of all blocks together, float32 `[batch, head, query, key]`, and what sinks took."""
    n, m = query.shape[2], key.shape[2]
    A = torch.zeros(query.shape[0], len(heads), n, m)
    taken = None
    blocks = blockwise.attention_blocks(query, key, heads, range(n), scaling, mask=mask, bias=bias, **others)
    for block in blocks:
        A[:, :, list(block.queries), : block.weights.shape[-1]] = block.weights
        if block.sink is not None:
            taken = torch.zeros(A.shape[:3]) if taken is None else taken
            taken[:, :, list(block.queries)] = block.sink
    return A, taken


@pytest.fixture(autouse=True, params=[1, 60, 2**21], ids=["row by row", "blocks of three rows", "at once"])
def block_size(request, monkeypatch):
    monkeypatch.setitem(blockwise._BLOCK, "cpu", request.param)


def by_hand(head, mask=None, bias=None, softcap=None, sink=None):
    """The same, computed row by row in float64 with numpy and without shared code."""
    q, k = Q[0, head].double().numpy(), K[0, head // 2].double().numpy()
    rows = []
    for i in range(5):
        scores = np.array([q[i] @ k[j] * 0.5 for j in range(5)])
        if softcap:
            scores = softcap * np.tanh(scores / softcap)
        if bias is not None:
            scores = scores + bias[i]
        exponentials = np.exp(scores) * (1 if mask is None else mask[i])
        rows.append(exponentials / (exponentials.sum() + (0 if sink is None else np.exp(sink))))
    return np.array(rows)


@pytest.mark.parametrize("heads", [(0,), (3, 1), (0, 1, 2, 3)])
def test_chosen_heads_each_use_their_own_group_of_keys(heads):
    A, sink = attention_weights(Q, K, heads, 0.5)
    assert sink is None
    assert A.shape == (1, len(heads), 5, 5)
    for index, head in enumerate(heads):
        np.testing.assert_allclose(A[0, index], by_hand(head), atol=1e-6)


def test_a_boolean_and_an_added_mask_hide_the_same_keys():
    added = torch.zeros(1, 1, 5, 5).masked_fill(~CAUSAL, torch.finfo(torch.float32).min)
    A, _ = attention_weights(Q, K, [2], 0.5, CAUSAL)
    B, _ = attention_weights(Q, K, [2], 0.5, added)
    np.testing.assert_allclose(A[0, 0], by_hand(2, CAUSAL[0, 0].numpy()), atol=1e-6)
    assert torch.equal(A, B)


def test_the_soft_cap_is_applied_before_bias_and_mask():
    bias = torch.randn(1, 4, 5, 5)
    A, _ = attention_weights(Q, K, [1, 3], 0.5, CAUSAL, bias, softcap=0.7)
    for index, head in enumerate((1, 3)):
        expected = by_hand(head, CAUSAL[0, 0].numpy(), bias[0, head].numpy(), softcap=0.7)
        np.testing.assert_allclose(A[0, index], expected, atol=1e-6)


def test_a_sink_takes_its_share_of_every_row():
    A, mass = attention_weights(Q, K, [3], 0.5, CAUSAL, sinks=torch.tensor([9.0, 9.0, 9.0, 0.3]))
    np.testing.assert_allclose(A[0, 0], by_hand(3, CAUSAL[0, 0].numpy(), sink=0.3), atol=1e-6)
    np.testing.assert_allclose(A.sum(-1) + mass, 1, atol=1e-6)


@pytest.mark.parametrize("sinks", [None, torch.zeros(4)])
def test_a_row_that_sees_nothing_is_zero(sinks):
    mask = CAUSAL.clone()
    mask[..., 2, :] = False
    A, _ = attention_weights(Q, K, [0, 1], 0.5, mask, sinks=sinks)
    assert A.isfinite().all()
    assert not A[..., 2, :].any()
    assert A[..., 1, :].any()


def test_a_causal_block_ends_at_the_diagonal():
    for block in blockwise.attention_blocks(Q, K, [0, 3], range(5), 0.5, causal=True):
        assert block.weights.shape[-1] == max(block.queries) + 1
    A, _ = attention_weights(Q, K, [0, 3], 0.5, causal=True)
    for index, head in enumerate((0, 3)):
        np.testing.assert_allclose(A[0, index], by_hand(head, CAUSAL[0, 0].numpy()), atol=1e-6)


def test_selected_rows_have_the_weights_that_they_have_among_all():
    bias = torch.randn(1, 4, 5, 5)
    expected, _ = attention_weights(Q, K, [1, 2], 0.5, CAUSAL, bias)
    found = torch.zeros(1, 2, 2, 5)
    for block in blockwise.attention_blocks(Q, K, [1, 2], [1, 4], 0.5, causal=True, bias=bias):
        index = [[1, 4].index(query) for query in block.queries]
        found[:, :, index, : block.weights.shape[-1]] = block.weights
    torch.testing.assert_close(found, expected[:, :, [1, 4]])


def test_a_bias_and_a_mask_are_broadcast_over_queries():
    bias, mask = torch.randn(1, 4, 1, 5), torch.tensor([[[[True, True, False, True, True]]]])
    A, _ = attention_weights(Q, K, [0, 2], 0.5, mask, bias)
    for index, head in enumerate((0, 2)):
        expected = by_hand(head, mask[0, 0].expand(5, 5).numpy(), bias[0, head].expand(5, 5).numpy())
        np.testing.assert_allclose(A[0, index], expected, atol=1e-6)


def test_two_texts_in_one_batch_keep_their_own_weights():
    both, keys = torch.cat([Q, Q.flip(2)]), torch.cat([K, K.flip(2)])
    A, _ = attention_weights(both, keys, [0, 1, 2, 3], 0.5)
    torch.testing.assert_close(A[1], A[0].flip(1, 2))
