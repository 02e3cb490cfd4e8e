"""Each number of a step from the ones before it, on several architectures; and against the captured weights."""

import numpy as np
import pytest
import tiny_models
from handmade_traces import encoder_decoder, with_neurons

import attnviz
from attnviz.analysis.attention_step import attention_step
from attnviz.attention.projections import MASK
from attnviz.errors import SelectionError

TEXT = "The dog that the cat saw wore a red hat."
KINDS = {
    "bert": ["self"],
    "modernbert": ["self"],
    "gpt2": ["masked-self"],
    "llama": ["masked-self"],
    "gemma2": ["masked-self"],
    "gpt_oss": ["masked-self"],
    "t5": ["self", "masked-self", "cross"],
    "bart": ["self", "masked-self", "cross"],
    "builtin": ["self", "masked-self", "cross"],
}


def traced(name: str) -> attnviz.Trace:
    model = "builtin" if name == "builtin" else tiny_models.build(name)
    tokenizer = None if name == "builtin" else tiny_models.tokenizer()
    target = "그는 책을 읽었다." if "cross" in KINDS[name] else None
    return attnviz.trace(TEXT, model, target=target, tokenizer=tokenizer, neurons=1)


@pytest.mark.parametrize("name", KINDS)
def test_each_number_follows_from_the_ones_before_it(name):
    trace = traced(name)
    for kind in KINDS[name]:
        a = trace[kind]
        head, query = a.heads(1)[-1], len(a.rows) - 2
        step = attention_step(trace, kind, 1, head, query)
        q = step.query_vector
        dots = np.array([sum(float(x) * float(y) for x, y in zip(q, k, strict=True)) for k in step.keys])
        np.testing.assert_allclose(step.products.sum(-1), dots)
        np.testing.assert_allclose(step.dots, dots)
        scaled = step.dots * step.scale
        scaled = scaled if step.softcap is None else step.softcap * np.tanh(scaled / step.softcap)
        np.testing.assert_allclose(step.scaled, scaled)
        scores = step.scaled.copy()
        for term in step.terms.values():
            scores += term
        np.testing.assert_array_equal(step.scores, scores)
        assert (step.hidden == np.isneginf(scores)).all()
        exp = np.exp(step.scores - step.scores.max())
        np.testing.assert_allclose(step.weights, exp / exp.sum() * (1 - step.sink))
        np.testing.assert_allclose(step.weights, a.matrix(1, head)[query], atol=1e-5)
        np.testing.assert_allclose(step.weighted, [w * v for w, v in zip(step.weights, step.values, strict=True)])
        np.testing.assert_allclose(step.result, step.weighted.sum(0))
        assert step.top == int(a.matrix(1, head)[query].argmax())
        np.testing.assert_allclose(np.linalg.norm(step.added), step.lengths[len(a.heads(1)) - 1])
        assert (MASK in step.terms) == bool(step.hidden.any() or MASK in a.projections[1].terms)
    assert bool(step.sink) == (name == "gpt_oss")
    assert (step.softcap is not None) == (name == "gemma2")
    assert step.is_rotated == (name in ("llama", "gemma2", "modernbert"))


def test_the_result_goes_through_the_head_s_part_of_the_output_projection():
    model = attnviz.load()
    trace = model.trace("I ate an apple", neurons=3)
    W = model.checkpoint.weights["encoder"][3]["self"]
    for head in range(4):
        step = attention_step(trace, "self", 3, head, 1)
        np.testing.assert_allclose(step.added, step.result @ W["W_O"][32 * head : 32 * (head + 1)], atol=1e-5)
        np.testing.assert_allclose(step.query_vector, (step.read @ W["W_Q"] + W["b_Q"])[32 * head :][:32], atol=1e-5)


def test_heads_that_share_keys_are_named():
    step = attention_step(traced("llama"), "masked-self", 1, 2, 3)
    assert step.heads_of_keys == (2, 3)
    assert attention_step(with_neurons(), "self", 1, 1, 0).heads_of_keys == ()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("self", 0, 0, 0), "does not have the queries and keys of layer 0"),
        (("self", 1, 7, 0), "head 7 of layer 1 was not captured"),
        (("self", 5, 0, 0), "layer 5 of self-attention was not captured"),
        (("self", 1, 0, 9), "there is no row 9"),
    ],
)
def test_what_is_not_there_is_refused(args, says):
    with pytest.raises(SelectionError, match=says):
        attention_step(with_neurons(), *args)
    with pytest.raises(SelectionError, match="--neurons 1"):
        attention_step(encoder_decoder(), "self", 1, 0, 0)
