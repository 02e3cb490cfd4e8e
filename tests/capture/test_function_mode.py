"""Every way to compute attention in torch is seen, with the weights of the plain equation."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention.bias import causal_lower_right, causal_upper_left
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from attnviz.capture.function_mode import AttentionCalls
from attnviz.errors import ModelError

torch.manual_seed(0)
Q, K, V = (torch.randn(1, 4, 6, 8) for _ in range(3))
SHORT = K[:, :, :4], V[:, :, :4]
GROUPED = K[:, :2], V[:, :2]
REPEATED = [tensor.repeat_interleave(2, 1) for tensor in GROUPED]
MIXING = torch.eye(4) + 0.1
CAUSAL = torch.ones(6, 6, dtype=torch.bool).tril()
BIAS = torch.randn(1, 4, 6, 6)


def seen(run, texts=1):
    """The only call of attention in `run`, its weights, and the result of `run`."""
    calls = []
    with torch.no_grad(), AttentionCalls(texts, calls.append):
        given = run()
    (call,) = calls
    return call, call.first_rows(call.queries), given


def by_hand(query, key, mask=None, scale=None):
    """softmax(Q Kᵀ · scale + mask), in float64."""
    scores = query.double() @ key.double().transpose(-1, -2) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1).nan_to_num(0).float()


ALIBI = -(torch.arange(6)[:, None] - torch.arange(6)).abs().float()
NO_ROW = CAUSAL & (torch.arange(6)[:, None] != 3)
CALLS = {  # arguments, and the expected weights; whether later keys are hidden; groups
    "plain": ((Q, K, V), {}, by_hand(Q, K), False, ()),
    "causal": ((Q, K, V), {"is_causal": True}, by_hand(Q, K, CAUSAL), True, ()),
    "boolean mask": ((Q, K, V, CAUSAL), {}, by_hand(Q, K, CAUSAL), True, ()),
    "mask of -1e9": ((Q, K, V, (~CAUSAL).float() * -1e9), {}, by_hand(Q, K, CAUSAL), True, ()),
    "bias by head": ((Q, K, V), {"attn_mask": BIAS}, by_hand(Q, K, BIAS), False, ()),
    "negative bias": ((Q, K, V, ALIBI), {}, by_hand(Q, K, ALIBI), False, ()),
    "padding": ((Q, K, V, CAUSAL[3:4]), {}, by_hand(Q, K, CAUSAL[3:4]), False, ()),
    "a row that sees nothing": ((Q, K, V, NO_ROW), {}, by_hand(Q, K, NO_ROW), True, ()),
    "scale": ((Q, K, V), {"scale": 0.3}, by_hand(Q, K, scale=0.3), False, ()),
    "dropout": ((Q, K, V), {"dropout_p": 0.5}, by_hand(Q, K), False, ()),
    "no batch": ((Q[0], K[0], V[0]), {}, by_hand(Q, K), False, ()),
    "one head": ((Q[0, 0], K[0, 0], V[0, 0]), {}, by_hand(Q[:, :1], K[:, :1]), False, ()),
    "heads in groups": ([each.view(1, 2, 2, 6, 8) for each in (Q, K, V)], {}, by_hand(Q, K), False, ()),
    "other keys": ((Q, *SHORT), {}, by_hand(Q, SHORT[0]), False, ()),
    "other keys, causal": ((Q, *SHORT), {"is_causal": True}, by_hand(Q, SHORT[0], CAUSAL[:, :4]), False, ()),
    "upper left": ((Q, K, V, causal_upper_left(6, 6)), {}, by_hand(Q, K, CAUSAL), True, ()),
    "lower right": ((Q[:, :, :4], K, V, causal_lower_right(4, 6)), {}, by_hand(Q[:, :, :4], K, CAUSAL[2:]), True, ()),
    "grouped": ((Q, *GROUPED), {"enable_gqa": True}, by_hand(Q, REPEATED[0]), False, (0, 0, 1, 1)),
    "repeated": ((Q, *REPEATED), {}, by_hand(Q, REPEATED[0]), False, (0, 0, 1, 1)),
    "multi-query": ((Q, K[:, :1], V[:, :1]), {}, by_hand(Q, K[:, :1]), False, (0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", CALLS)
def test_scaled_dot_product_attention_is_seen_with_its_weights(name):
    args, how, expected, hides_later, groups = CALLS[name]
    call, weights, given = seen(lambda: functional.scaled_dot_product_attention(*args, **how))
    torch.testing.assert_close(weights, expected)
    assert (call.hides_later, call.groups) == (hides_later, groups)
    if "dropout_p" not in how:
        torch.testing.assert_close(given, functional.scaled_dot_product_attention(*args, **how), rtol=0, atol=0)


def test_autocast_and_half_precision_see_what_the_kernel_sees():
    low = by_hand(Q.bfloat16(), K.bfloat16())
    _, weights, _ = seen(lambda: functional.scaled_dot_product_attention(*(x.bfloat16() for x in (Q, K, V))))
    torch.testing.assert_close(weights, low, rtol=0, atol=1e-2)
    with torch.autocast("cpu", torch.bfloat16):
        _, automatic, _ = seen(lambda: functional.scaled_dot_product_attention(Q, K.bfloat16(), V))
    torch.testing.assert_close(automatic, weights, rtol=0, atol=0)


X, MEMORY = torch.randn(1, 6, 16), torch.randn(1, 4, 16)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize(
    ("options", "keys", "masks"),
    [
        ({}, X, {}),
        ({}, X, {"attn_mask": ~CAUSAL, "is_causal": True}),
        ({}, X, {"attn_mask": BIAS[0]}),
        ({}, X, {"key_padding_mask": ~CAUSAL[3:4]}),
        ({}, X, {"key_padding_mask": ~CAUSAL[3:4], "attn_mask": ~CAUSAL}),
        ({"bias": False}, MEMORY, {}),
        ({"add_bias_kv": True}, X, {}),
        ({"add_zero_attn": True}, X, {"attn_mask": ~CAUSAL}),
        ({"kdim": 16, "vdim": 8}, MEMORY, {}),
        ({"dropout": 0.5}, X, {}),
    ],
)
@pytest.mark.parametrize("batch_first", [True, False])
def test_multihead_attention_is_seen_with_its_weights(options, keys, masks, need_weights, batch_first):
    torch.manual_seed(1)
    module = nn.MultiheadAttention(16, 4, batch_first=batch_first, **options).eval()
    values = keys[..., : options.get("vdim", 16)] if "vdim" in options else keys
    x, k, v = (X, keys, values) if batch_first else (each.transpose(0, 1) for each in (X, keys, values))
    k, v = (x, x) if keys is X else (k, v)
    asked = {key: mask for key, mask in masks.items() if key != "is_causal"}
    expected = module(x, k, v, need_weights=True, average_attn_weights=False, **asked)[1]
    n_tokens = keys.shape[1]
    call, weights, given = seen(lambda: module(x, k, v, need_weights=need_weights, **masks))
    torch.testing.assert_close(weights, expected[..., :n_tokens])
    assert (call.heads, call.one_input) == (4, keys is X)
    plain = module(x, k, v, need_weights=need_weights, **masks)[0]
    torch.testing.assert_close(given[0], plain)
    sinks = torch.cat([block.sink for block in call.blocks(range(4), range(6)) if block.sink is not None] or [X[:0]])
    if expected.shape[-1] > n_tokens:  # a learned key, or a key of zeros, took the rest
        torch.testing.assert_close(sinks, 1 - weights.sum(-1))


def test_attention_without_a_batch_axis_can_have_a_row_that_sees_nothing():
    module = nn.MultiheadAttention(16, 4).eval()
    mask = ~NO_ROW
    _, weights, _ = seen(lambda: module(X[0], X[0], X[0], need_weights=False, attn_mask=mask))
    expected = module(X[0], X[0], X[0], average_attn_weights=False, attn_mask=mask)[1].nan_to_num(0)
    torch.testing.assert_close(weights[0], expected)
    assert not weights[0, :, 3].any()


@pytest.mark.parametrize("compiled", [False, True])
def test_flex_attention_is_seen_with_its_weights(compiled):
    function = torch.compile(flex_attention) if compiled else flex_attention
    mask = create_block_mask(lambda b, h, q, k: q >= k, None, None, 6, 6, device="cpu")
    with torch.compiler.set_stance("force_eager"):
        call, weights, _ = seen(lambda: function(Q, K, V, block_mask=mask))
        torch.testing.assert_close(weights, by_hand(Q, K, CAUSAL))
        assert call.hides_later
        call, weights, _ = seen(
            lambda: function(Q, *GROUPED, score_mod=lambda score, b, h, q, k: score - (q - k).abs(), enable_gqa=True)
        )
    torch.testing.assert_close(weights, by_hand(Q, REPEATED[0], ALIBI))
    assert call.groups == (0, 0, 1, 1)


def scores(mask=None):
    raw = Q @ K.transpose(-2, -1) * 8**-0.5
    return raw if mask is None else raw.masked_fill(mask, -torch.inf)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda: functional.softmax(scores(~CAUSAL), dim=-1) @ V, by_hand(Q, K, CAUSAL)),
        (lambda: torch.matmul(functional.dropout(scores().softmax(-1), 0.1, False), V), by_hand(Q, K)),
        (lambda: torch.bmm(torch.softmax(scores()[0], 2).to(V.dtype), V[0]), by_hand(Q, K)),
        (lambda: nn.Softmax(dim=-1)(scores(~NO_ROW)).nan_to_num(0) @ V, by_hand(Q, K, NO_ROW)),
        (
            lambda: torch.einsum("bijh,bhjd->bihd", torch.einsum("bhid,bhjd->bijh", Q, K).mul(8**-0.5).softmax(2), V),
            by_hand(Q, K),
        ),
        (lambda: torch.einsum("ijbh,bhjd->bihd", scores().permute(2, 3, 0, 1).softmax(1), V), by_hand(Q, K)),
    ],
)
def test_a_softmax_that_is_multiplied_with_values_is_attention(run, expected):
    call, weights, _ = seen(run)
    torch.testing.assert_close(weights, expected)
    assert call.hides_later == (not expected.triu(1).any())


def test_other_softmaxes_are_not_attention():
    calls, square = [], torch.randn(6, 6)
    with AttentionCalls(1, calls.append):
        functional.softmax(square, -1).topk(2)  # a router
        functional.softmax(square, -1).argmax(-1)  # an output head
        functional.softmax(square, -1) @ nn.Parameter(torch.randn(6, 3))  # a table of learned vectors
        functional.softmax(square, 0) @ square  # over queries
        functional.log_softmax(square, -1) @ square
    assert calls == []


def test_weights_are_read_when_a_forward_also_computes_gradients():
    given = Q.clone().requires_grad_()
    for attend in (functional.scaled_dot_product_attention, lambda Q, K, V: (Q @ K.mT * 8**-0.5).softmax(-1) @ V):
        calls = []

        def see(call, calls=calls):
            calls.append(call.first_rows(6))

        with AttentionCalls(1, see):
            attend(given, K, V).sum().backward()
        torch.testing.assert_close(calls, [by_hand(Q, K)])
    assert given.grad.any()


def test_texts_of_a_batch_are_not_mixed():
    query, key = torch.randn(3, 4, 6, 8), torch.randn(3, 4, 6, 8)
    for texts in (3, 1):
        call, weights, _ = seen(lambda: functional.scaled_dot_product_attention(query, key, key), texts)
        assert call.texts == 3
        torch.testing.assert_close(weights, by_hand(query, key))


def renormalised(weights):
    masked = weights * CAUSAL
    return masked / masked.sum(-1, keepdim=True)


def without_later(weights):
    weights[..., ~CAUSAL] = 0
    return weights


def largest_two(weights):
    values, keys = weights.topk(2, -1)
    return torch.zeros_like(weights).scatter(-1, keys, values)


@pytest.mark.parametrize(
    "change",
    [
        renormalised,
        without_later,
        largest_two,
        lambda weights: weights.masked_fill_(~CAUSAL, 0),
        lambda weights: CAUSAL * weights,
        lambda weights: torch.einsum("bhij,ij->bhij", weights, CAUSAL.float()),
        lambda weights: torch.where(CAUSAL, weights, torch.zeros_like(weights)),
        lambda weights: weights.mul_(0.5),
        lambda weights: weights[..., torch.arange(5, -1, -1), :],
        lambda weights: weights @ scores().softmax(-1),
        lambda weights: weights.transpose(-1, -2).contiguous().transpose(-1, -2),
        lambda weights: weights.view(1, 2, 2, 6, 6).mul(CAUSAL).flatten(1, 2),
        lambda weights: (weights.permute(2, 3, 0, 1) * CAUSAL[:, :, None, None]).permute(2, 3, 0, 1),
        lambda weights: (weights.mT * CAUSAL.T).mT,
        lambda weights: (weights.view(4, 6, 6) * CAUSAL)[None],
        lambda weights: (weights[None] * CAUSAL)[0],
    ],
)
def test_the_recorded_weights_are_those_multiplied_with_the_values(change):
    expected = change(by_hand(Q, K))
    call, weights, _ = seen(lambda: change(scores().softmax(-1)) @ V)
    torch.testing.assert_close(weights, expected)
    assert call.hides_later == (not expected.triu(1).any())
    (block,) = call.blocks(range(call.heads), range(6))
    rest = 1 - expected.sum(-1)
    torch.testing.assert_close(rest if block.sink is None else block.sink, rest, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights - 0.5 * scores(~CAUSAL).softmax(-1),  # as in DIFF Transformer
        lambda weights: 2 * weights,
        lambda weights: weights.mT,
        lambda weights: torch.einsum("bhqk->bhkq", weights),
        lambda weights: functional.linear(weights.permute(0, 2, 3, 1), MIXING).permute(0, 3, 1, 2),  # talking heads
        lambda weights: torch.einsum("gh,bhqk->bgqk", nn.Parameter(MIXING), weights),
        lambda weights: torch.einsum("gh,bhqk->bgqk", nn.Parameter(MIXING).T[:4], weights),
    ],
)
def test_changed_weights_that_are_not_shares_of_1_are_refused_when_selected(change):
    call, _, _ = seen(lambda: change(scores().softmax(-1)) @ V)
    with pytest.raises(ModelError, match="changed after their softmax"):
        call.record([], "self", 0)


def beside_nothing(scores, *, first):
    """The scores with one more column of 0, first or last, for a key that is not a token."""
    nothing = torch.zeros_like(scores[..., :1])
    return torch.cat([nothing, scores] if first else [scores, nothing], -1)


@pytest.mark.parametrize(
    ("first", "leave"),
    [
        (True, lambda weights: weights[..., 1:]),
        (False, lambda weights: weights[..., :-1]),
        (False, lambda weights: weights.narrow(-1, 0, 6)),
        (False, lambda weights: weights.split([6, 1], -1)[0]),
        (False, lambda weights: weights.transpose(-1, -2)[..., :6, :].transpose(-1, -2)),
        (False, lambda weights: weights.view(4, 6, 7)[:, :, :6][None]),
    ],
)
def test_the_mass_of_a_removed_column_went_to_a_sink(first, leave):
    whole = beside_nothing(scores(), first=first).softmax(-1)
    expected, nothing = (whole[..., 1:], whole[..., 0]) if first else (whole[..., :-1], whole[..., -1])
    call, weights, _ = seen(lambda: leave(beside_nothing(scores(), first=first).softmax(-1)) @ V)
    torch.testing.assert_close(weights, expected)
    (block,) = call.blocks(range(call.heads), range(6))
    torch.testing.assert_close(block.sink, nothing, atol=1e-6, rtol=0)


@pytest.mark.parametrize("heads", [4, 6])
def test_the_axis_of_queries_can_come_before_the_heads(heads):
    torch.manual_seed(0)
    Q, K, V = torch.randn(3, 1, 6, heads, 8)
    expected = (torch.einsum("bihd,bjhd->bhij", Q, K)).softmax(-1)
    calls = []
    with torch.no_grad(), AttentionCalls(1, calls.append, {6}):
        weights = torch.einsum("bihd,bjhd->bihj", Q, K).softmax(-1)
        torch.einsum("bihj,bjhd->bihd", weights, V)
    (call,) = calls
    assert (call.heads, call.queries, call.keys) == (heads, 6, 6)
    torch.testing.assert_close(call.first_rows(6), expected)


@pytest.mark.parametrize(
    "reorder",
    [
        lambda weights: weights.flip(-1),
        lambda weights: weights.roll(1, -1),
        lambda weights: weights[..., torch.arange(5, -1, -1)],
        lambda weights: weights.gather(-1, torch.arange(5, -1, -1).expand_as(weights)),
    ],
)
def test_reordered_keys_are_not_shown_as_keys_of_the_text(reorder):
    call, _, _ = seen(lambda: reorder(scores().softmax(-1)) @ V)
    with pytest.raises(ModelError, match="changed after their softmax"):
        call.record([], "self", 0)


def test_a_softmax_over_scaled_features_is_not_attention():
    router, values, calls = torch.nn.Linear(8, 6), torch.randn(1, 6, 6, 8), []
    with torch.no_grad(), AttentionCalls(1, calls.append, {6}):
        shares = (router(torch.randn(1, 6, 8)) / 0.7 + 1).softmax(-1)
        torch.einsum("bne,bnef->bnf", shares, values)
    assert calls == []


def test_one_query_head_can_be_broadcast_over_the_key_heads():
    Q, K, V = torch.randn(3, 1, 4, 6, 8)
    calls = []
    with torch.no_grad(), AttentionCalls(1, calls.append, {6}):
        functional.scaled_dot_product_attention(Q[:, :1], K, V)
    torch.testing.assert_close(calls[0].first_rows(6), (Q[:, :1] @ K.mT / 8**0.5).softmax(-1))


def test_each_part_of_the_weights_is_a_separate_call():
    expected, calls = by_hand(Q, K), []
    with torch.no_grad(), AttentionCalls(1, calls.append) as mode:
        weights = scores().softmax(-1)
        for head in range(2):
            weights[:, head] @ V[:, head]
        for part, values in zip(weights.chunk(2, 1), V.chunk(2, 1), strict=True):
            part @ values
    assert mode.unfollowed == []
    for call, part in zip(calls, [expected[:, :1], expected[:, 1:2], expected[:, :2], expected[:, 2:]], strict=True):
        torch.testing.assert_close(call.first_rows(6), part)


def test_a_softmax_that_is_summed_by_hand_is_listed_as_not_followed():
    calls = []
    with torch.no_grad(), AttentionCalls(1, calls.append) as mode:
        (scores().softmax(-1)[..., None] * V[:, :, None]).sum(-2)
    assert (calls, mode.unfollowed) == ([], [(6, 6)])


def test_the_sum_of_a_row_can_differ_from_1_by_the_rounding_of_its_type():
    for dtype in (torch.float16, torch.bfloat16):
        expected = scores().to(dtype).softmax(-1).float()
        call, weights, _ = seen(lambda dtype=dtype: scores().to(dtype).softmax(-1).float() @ V)
        torch.testing.assert_close(weights, expected, rtol=0, atol=0)
        assert (call.dtype, call.flaw) == (dtype, None)
        assert all(block.sink is None for block in call.blocks(range(4), range(6)))


def test_a_call_knows_the_last_call_whose_result_it_reads():
    calls = []
    with torch.no_grad(), AttentionCalls(1, calls.append):
        together = torch.zeros(1, 4, 6, 8)
        together[:, :2] = functional.scaled_dot_product_attention(Q[:, :2], K[:, :2], V[:, :2])
        together[:, 2:].copy_(scores()[:, 2:].softmax(-1) @ V[:, 2:])
        below = functional.layer_norm(torch.cat([together, Q], 1), [8])[:, :4]
        functional.scaled_dot_product_attention(below, below, below)
        functional.scaled_dot_product_attention(Q, K, V)
    assert [(call.number, call.after) for call in calls] == [(1, 0), (2, 0), (3, 2), (4, 0)]


def test_a_product_that_sums_over_queries_is_not_attention():
    for product in ("bhqk,bhqd->bhkd", "bhkq,bhkd->bhqd"):
        call, _, _ = seen(lambda product=product: torch.einsum(product, scores().softmax(-1), V))
        assert "a transposition" in call.flaw


def test_a_softmax_over_as_many_features_as_tokens_is_not_attention():
    calls, layer = [], nn.Linear(6, 12)
    with AttentionCalls(1, calls.append, {6}):
        features = layer(torch.randn(1, 6, 6)).view(1, 6, 2, 6).transpose(1, 2)
        features.softmax(-1) @ torch.randn(1, 2, 6, 6)
        features.chunk(2, 1)[0].softmax(-1) @ torch.randn(1, 1, 6, 6)
    assert not calls


@pytest.mark.parametrize("heads", [2, 6])
def test_the_axis_of_queries_can_be_the_last(heads):
    query, key, value = torch.randn(3, 1, heads, 6, 8).unbind()
    calls = []
    with AttentionCalls(1, calls.append, {6}):
        turned = (key @ query.transpose(-1, -2)).softmax(2)
        turned.transpose(-1, -2) @ value
    if heads == 6:  # it cannot be known which of two axes is the queries
        assert "cannot be known" in calls[0].flaw
    else:
        torch.testing.assert_close(calls[0].first_rows(6), (query @ key.transpose(-1, -2)).softmax(-1))
