"""What is told of a step: eight stages, in two languages, with the step's own numbers."""

import re
import string

import numpy as np
import pytest
import tiny_models
from handmade_traces import with_neurons

import attnviz
from attnviz.analysis.attention_step import AttentionStep, attention_step
from attnviz.render.explanation import MOST, explain_heads, explain_kinds, explain_step
from attnviz.render.explanation_texts import LANGUAGES, TEXTS, say


def step_of(trace: attnviz.Trace, kind: str = "self", layer: int = 1, head: int = 1, query: int = 1) -> AttentionStep:
    return attention_step(trace, kind, layer, head, query)


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_has_the_same_values_in_both_languages(key):
    fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in TEXTS[key]]
    assert fields[0] == fields[1]
    assert not re.search("[가-힣]", TEXTS[key][0])
    assert re.search("[가-힣]", TEXTS[key][1])
    assert not re.search(r"‘\{\w+\}’[가-힣]", TEXTS[key][1].replace("‘{key}’에서는", ""))  # no particle behind a word


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_step_has_eight_stages_with_its_numbers(language):
    trace = with_neurons()
    step = step_of(trace)
    told = explain_step(trace, step, "I ate an apple", language)
    assert len(told.stages) == 8
    vectors, projected, dots, scaled, masked, softmax, values, output = told.stages
    np.testing.assert_array_equal(vectors.strips[0].vector, step.read)
    assert [len(strip.vector) for strip in projected.strips] == [3] * 5
    for stage, numbers in ((dots, step.dots), (scaled, step.scaled), (masked, step.scores), (softmax, step.weights)):
        np.testing.assert_array_equal(stage.rows[-1].numbers, numbers)
        assert stage.columns.labels == ("I", "ate", "an", "apple")
    np.testing.assert_array_equal(values.strips[-1].vector, step.result)
    np.testing.assert_array_equal(output.strips[0].vector, step.added)
    assert f"{step.weights.max():.3f}" in softmax.sentence
    assert f"{np.linalg.norm(step.added):.2f}" in output.sentence
    assert told.caption == f"self-attention · L1H1 · by hand · {say('query', language)}: ate"
    assert "3 · tanh(0.5 · q · k_j / 3)" in scaled.equation  # the scale and the soft cap that it has
    assert say("nothing", language, keys=say("text", language)) == masked.sentence


def test_what_a_mask_hides_is_said():
    trace = with_neurons()
    masked = explain_step(trace, step_of(trace, "masked-self"), "").stages[4]
    assert masked.sentence == say("later", "en")
    assert masked.rows[0].label == "+ mask"
    assert np.isneginf(masked.rows[-1].numbers[2:]).all()
    windowed = attnviz.trace("I ate an apple. I ate an apple.", tiny_models.build("mistral"), neurons=1,
                             tokenizer=tiny_models.tokenizer())  # fmt: skip
    step = attention_step(windowed, "masked-self", 1, 0, 8)
    assert explain_step(windowed, step, "").stages[4].sentence == say("window", "en")


def test_of_many_keys_those_with_the_largest_weights_are_shown_and_the_rest_is_counted():
    trace = attnviz.trace("I ate an apple and she read a red book and we saw the old house in Seoul", neurons=3)
    step = attention_step(trace, "self", 3, 0, 1)
    softmax = explain_step(trace, step, "").stages[5]
    keys = softmax.columns.keys
    assert len(keys) == MOST < len(step.weights)
    assert step.query in keys
    assert sorted(keys) == list(keys)
    others = [key for key in range(len(step.weights)) if key not in keys]
    assert max(step.weights[others]) <= sorted(step.weights[list(keys)])[1]
    assert softmax.columns.rest == f"and {len(others)} others, together {step.weights[others].sum():.3f}"


def test_all_heads_of_a_layer_stand_beside_one_another_with_their_mean():
    trace = with_neurons()
    (stage,) = explain_heads(trace, step_of(trace), "").stages
    assert [row.label for row in stage.rows] == ["L1H0", "L1H1", "mean"]
    np.testing.assert_allclose(stage.rows[-1].numbers, trace["self"].weights(1)[:, 1].mean(0), atol=1e-7)
    top = int(stage.rows[-1].numbers.argmax())
    count = sum(int(row.numbers.argmax()) == top for row in stage.rows[:-1])
    assert f"{count} of 2 look most at" in stage.sentence


def test_each_kind_shows_what_its_queries_may_see():
    stages = explain_kinds(with_neurons(), "").stages
    assert [stage.title for stage in stages] == ["self-attention", "masked self-attention", "cross-attention"]
    hidden = [np.isneginf([row.numbers for row in stage.rows]) for stage in stages]
    assert not hidden[0].any()
    assert not hidden[2].any()
    np.testing.assert_array_equal(hidden[1], ~np.tri(4, dtype=bool))
