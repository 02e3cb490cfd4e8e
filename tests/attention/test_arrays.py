"""A trace from weights in memory: arrays of any library and any shape, but only attention weights."""

import numpy as np
import pytest
import torch

import attnviz
from attnviz.errors import InputError
from attnviz.selection import Selection

TOKENS = ["I", "ate", "an", "apple"]


def shares(*shape: int, masked: bool = False) -> np.ndarray:
    scores = np.random.default_rng(0).normal(size=shape)
    weights = np.exp(scores) * (np.tri(*shape[-2:]) if masked else 1)
    return weights / weights.sum(-1, keepdims=True)


@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4), (2, 3, 4, 4), (2, 1, 3, 4, 4)])
def test_each_form_is_read_as_layers_of_heads(shape):
    weights = shares(*shape)
    a = attnviz.Trace.of(weights, TOKENS)["self"]
    expected = weights.reshape(2 if len(shape) > 3 else 1, -1, 4, 4)
    assert a.layers == tuple(range(len(expected)))
    for layer, matrices in enumerate(expected):
        assert a.heads(layer) == tuple(range(len(matrices)))
        np.testing.assert_array_equal(a.weights(layer), matrices.astype(np.float32))
    assert [token.text for token in a.queries] == TOKENS


@pytest.mark.parametrize(
    "given",
    [
        lambda A: A,
        lambda A: A.tolist(),
        lambda A: list(A),
        lambda A: torch.tensor(A),
        lambda A: torch.tensor(A, requires_grad=True),
        lambda A: torch.tensor(A, dtype=torch.bfloat16),
        lambda A: torch.tensor(A, dtype=torch.float16),
        lambda A: list(torch.tensor(A)),
        lambda A: tuple(torch.tensor(A)[:, None].unbind(1)),
    ],
)
def test_numpy_arrays_torch_tensors_and_lists_give_the_same_trace(given):
    weights = shares(3, 4, 4)
    a = attnviz.Trace.of(given(weights), TOKENS)["self"]
    np.testing.assert_allclose(a.weights(0), weights, atol=4e-3)
    assert a.weights(0).dtype == np.float32


def test_attentions_of_a_transformers_model_keep_their_layers_numbers():
    layers = [torch.tensor(shares(1, heads, 4, 4, masked=True)) for heads in (2, 3)]
    a = attnviz.Trace.of((layers[0], None, layers[1]), TOKENS)["masked-self"]
    assert a.layers == (0, 2)
    np.testing.assert_array_equal(a.weights(2), layers[1][0].float().numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_callers_array_stays_writable_and_the_trace_keeps_its_old_values(dtype):
    weights = shares(3, 4, 4).astype(dtype)
    a = attnviz.Trace.of(weights, TOKENS)["self"]
    before = a.weights(0).copy()
    weights[:] = 0
    np.testing.assert_array_equal(a.weights(0), before)
    with pytest.raises(ValueError, match="read-only"):
        a.weights(0)[0] = 0
    own = np.eye(4, dtype=np.float32)[None]
    attention = attnviz.Attention("self", "encoder", a.queries, a.keys, {0: own}, {0: (0,)})
    own[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        attention.weights(0)[0] = 0


def test_the_kind_follows_from_the_weights_of_later_keys_and_from_other_keys():
    assert attnviz.Trace.of(shares(4, 4), TOKENS).kinds == ("self",)
    assert attnviz.Trace.of(shares(4, 4, masked=True), TOKENS).kinds == ("masked-self",)
    assert attnviz.Trace.of(shares(4, 4, masked=True), TOKENS, kind="self").kinds == ("self",)
    assert attnviz.Trace.of([[1.0]], ["one"]).kinds == ("self",)
    cross = attnviz.Trace.of(shares(4, 3), TOKENS, keys=["나는", "사과를", "먹었다"])
    assert (cross.kinds, cross.text, cross.target) == (("cross",), "나는 사과를 먹었다", "I ate an apple")
    assert attnviz.Trace.of(shares(4, 4), TOKENS, keys=list("abcd")).kinds == ("cross",)
    assert attnviz.Trace.of(shares(4, 4), TOKENS, kind="cross").kinds == ("cross",)


@pytest.mark.parametrize(
    ("weights", "options", "says"),
    [
        (np.full((4, 4), 0.5), {}, "layer 0: row 0 of head 0 sums to 2, not to 1"),
        (np.eye(4) * 100, {}, "sums to 100"),
        (np.log(shares(4, 4)), {}, "a weight is -"),
        (np.full((2, 3, 4, 4), 0.3), {}, "sums to 1.2"),
        (np.full((4, 4), np.nan), {}, "not finite"),
        (shares(4, 4).T, {}, "Its columns sum to 1"),
        (shares(4, 3), {}, "have 3 keys, and there are 4 tokens"),
        (shares(3, 3), {}, "have 3 queries and 3 keys, and there are names for 4 and 4"),
        (shares(4, 3), {"keys": ["a", "b"]}, "names for 4 and 2"),
        (shares(2, 3, 2, 4, 4), {}, r"layer 0: weights of shape \[3, 2, 4, 4\] are of 3 texts"),
        (shares(4), {}, r"shape \[4\] are not"),
        (np.zeros((0, 4, 4)), {}, "are not"),
        ([[1, 0], [1]], {}, "not an array of weights"),
        ("I ate", {}, "not an array of weights"),
        (shares(4, 4).astype(complex), {}, "complex"),
        (None, {}, "no weights"),
        ((None, None), {}, "no weights"),
        ((np.stack([shares(3, 4, 4)] * 2),) * 5, {}, r"layer 0: weights of shape \[2, 3, 4, 4\] are of 2 texts"),
        (((shares(1, 1, 3, 3),), (shares(1, 1, 1, 3),)), {}, "have 3 keys, and there are 4 tokens"),
        (((shares(1, 1, 3, 3),), (shares(1, 1, 4, 4),)), {}, "steps read 3, 4 keys"),
        (((shares(2, 1, 3, 3),), (shares(2, 1, 1, 4),)), {}, "of 2 texts or beams"),
        (shares(4, 4), {"kind": "masked-self"}, "one does"),
        (shares(4, 4), {"kind": "self", "keys": list("abcd")}, "not the same tokens"),
        (shares(4, 4), {"kind": "own"}, "not a kind"),
        (shares(4, 4), {"model": 3}, "of type int"),
    ],
)
def test_numbers_that_are_not_weights_are_refused_with_the_reason(weights, options, says):
    with pytest.raises(InputError, match=says):
        attnviz.Trace.of(weights, TOKENS, **options)


def test_the_hint_for_several_texts_leads_to_those_of_one():
    layers = (np.stack([shares(3, 4, 4), shares(3, 4, 4)[::-1]]),) * 2
    with pytest.raises(InputError) as caught:
        attnviz.Trace.of(layers, TOKENS)
    assert caught.value.hint == "Give those of one: [layer[:1] for layer in attentions]."
    a = attnviz.Trace.of([layer[:1] for layer in layers], TOKENS)["self"]
    assert a.layers == (0, 1)
    np.testing.assert_array_equal(a.weights(1), layers[1][0].astype(np.float32))


@pytest.mark.parametrize("whole", [shares(2, 1, 3, 6, 6, masked=True), shares(2, 1, 3, 6, 4)], ids=["self", "cross"])
def test_the_steps_of_generation_are_the_rows_of_one_pass(whole):
    read, is_masked = 3, whole.shape[-2] == whole.shape[-1]
    rows = [(0, read), *((row, row + 1) for row in range(read, 6))]
    steps = [tuple(layer[:, :, a:b, : b if is_masked else None] for layer in whole) for a, b in rows]
    a = attnviz.Trace.of(steps, list("abcdef"), keys=None if is_masked else TOKENS).attentions[0]
    assert a.layers == (0, 1)
    for layer in a.layers:
        np.testing.assert_array_equal(a.weights(layer), whole[layer, 0].astype(np.float32))


@pytest.mark.parametrize("decimals", [2, 3, 4])
def test_weights_rounded_to_decimals_are_accepted_unchanged(decimals):
    weights = shares(3, 4, 4).round(decimals)
    assert np.abs(weights.sum(-1) - 1).max() > 1e-8
    np.testing.assert_array_equal(attnviz.Trace.of(weights, TOKENS)["self"].weights(0), weights.astype(np.float32))
    weights[1, 2, 0] += 4 * 10**-decimals  # rounding four weights can add twice the last digit at most
    with pytest.raises(InputError, match="row 2 of head 1 sums to"):
        attnviz.Trace.of(weights, TOKENS)


def test_rounding_of_many_weights_does_not_excuse_every_sum():
    with pytest.raises(InputError, match=r"sums to 0\.9, not to 1"):
        attnviz.Trace.of(np.full((30, 30), 0.03), [str(number) for number in range(30)])


@pytest.mark.parametrize("labels", ["four", [], ["I", "ate", "an", 4], 4, None])
def test_labels_that_are_not_a_list_of_strings_are_refused(labels):
    with pytest.raises(InputError, match="tokens"):
        attnviz.Trace.of(shares(4, 4), labels)


def test_a_row_can_be_zero_and_the_allowed_rounding_depends_on_the_type():
    weights = shares(4, 4)
    weights[2] = 0
    assert not attnviz.Trace.of(weights, TOKENS)["self"].weights(0)[0, 2].any()
    off = np.full((4, 4), 0.251)
    with pytest.raises(InputError, match=r"sums to 1\.004"):
        attnviz.Trace.of(off, TOKENS)
    attnviz.Trace.of(torch.tensor(off, dtype=torch.bfloat16), TOKENS)
    attnviz.Trace.of(off.astype(np.float16), TOKENS)


@pytest.mark.parametrize("masked", [False, True])
def test_a_trace_from_arrays_is_saved_selected_and_merged_like_any_other(tmp_path, masked):
    trace = attnviz.Trace.of(shares(2, 3, 4, 4, masked=masked), [*TOKENS[:3], "ate"], model="mine")
    opened = attnviz.open(trace.save(tmp_path / "own.safetensors"))
    (kind,) = opened.kinds
    np.testing.assert_array_equal(opened[kind].weights(1), trace[kind].weights(1))
    assert (opened.model, opened.text) == ("mine", "I ate an ate")
    assert opened[kind].queries[1].id == opened[kind].queries[3].id
    assert Selection.of(1, 2).apply(opened)[kind].heads(1) == (2,)
    assert Selection.of(words=True).apply(opened)[kind].weights(0).shape == (3, 4, 4)
