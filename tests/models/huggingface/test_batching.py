"""Several texts in one pass: each has the same trace as alone, without padding."""

import numpy as np
import pytest
import tiny_models
import torch
import transformers

import attnviz
from attnviz.errors import InputError
from attnviz.models.huggingface.batching import MOST_TEXTS
from attnviz.models.huggingface.model import HuggingFaceModel
from attnviz.prompt import Prompt
from attnviz.selection import Selection

TEXTS = ["I ate an apple.", "She", tiny_models.LINES[2], tiny_models.LINES[4], "I ate"]
TARGETS = ["나는 사과를", "그녀는 사과를 먹고 학교에 갔다.", "She ate", "나", "I"]


def loaded(kind: str) -> HuggingFaceModel:
    return HuggingFaceModel.load(tiny_models.build(kind), tokenizer=tiny_models.tokenizer())


def assert_same(together, alone) -> None:
    assert (together.text, together.target, together.notes) == (alone.text, alone.target, alone.notes)
    assert together.kinds == alone.kinds
    for one, other in zip(together.attentions, alone.attentions, strict=True):
        assert (one.queries, one.keys, one.predicts) == (other.queries, other.keys, other.predicts)
        assert one.head_numbers == other.head_numbers
        assert one.by_layer.keys() == other.by_layer.keys()
        for layer in one.layers:
            np.testing.assert_allclose(one.weights(layer), other.weights(layer), atol=1e-5)


@pytest.fixture
def passes(monkeypatch):
    """How many texts each captured pass was of."""
    from attnviz import capture

    seen, run = [], capture.capture_all
    monkeypatch.setattr(capture, "capture_all", lambda *given: seen.append(len(given[3])) or run(*given))
    return seen


@pytest.mark.parametrize("kind", [*tiny_models.ENCODERS, *tiny_models.DECODERS])
def test_each_text_of_a_batch_has_the_same_trace_as_alone(kind, passes):
    model = loaded(kind)
    together = list(model.trace_all(TEXTS))
    assert passes == [1, 5], "the shortest alone, for comparison, and all at once"
    assert [trace.text for trace in together] == TEXTS
    for trace, text in zip(together, TEXTS, strict=True):
        assert_same(trace, model.trace(text))


@pytest.mark.parametrize("kind", tiny_models.PAIRS)
@pytest.mark.parametrize("targets", [TARGETS, [*TARGETS[:2], None, None, "나"], None])
def test_an_encoder_decoder_with_targets_given_and_generated(kind, targets, passes):
    model = loaded(kind)
    together = list(model.trace_all(map(Prompt, TEXTS, targets or [None] * 5)))
    if kind != "t5" or targets is TARGETS:  # what it writes by itself is too long for one pass
        assert sum(passes) == 6
    for trace, text, target in zip(together, TEXTS, targets or [None] * 5, strict=True):
        assert_same(trace, model.trace(text, target=target))


@pytest.mark.parametrize(
    "how",
    [
        {"selection": Selection(layers=(1,), heads=(0, 3))},
        {"selection": Selection(words=True)},
        {"selection": Selection(cells=4)},
        {"selection": Selection(rows=(0, 1), columns=(0,))},
        {"generate": 3},
    ],
)
def test_a_selection_applies_to_each_text(how):
    model = HuggingFaceModel.load(tiny_models.writer("llama"), tokenizer=tiny_models.tokenizer())
    for trace, text in zip(model.trace_all(TEXTS, **how), TEXTS, strict=True):
        alone = model.trace(text, **how)
        assert_same(trace, alone)
        [one], [other] = trace.attentions, alone.attentions
        assert (one.rows, one.columns) == (other.rows, other.columns)


def test_pairs_of_texts_are_padded_with_their_segments(minilm_folder, passes):
    model = HuggingFaceModel.load(minilm_folder)
    pairs = ["an apple", "What did she eat, and where did she go?", "사과"]
    prompts = [Prompt(text, text_pair=pair) for text, pair in zip(TEXTS, pairs, strict=False)]
    for trace, text, pair in zip(model.trace_all(prompts), TEXTS[:3], pairs, strict=True):
        assert_same(trace, model.trace(text, text_pair=pair))
    assert passes[:2] == [1, 3]


def test_a_text_twice_needs_no_padding(passes):
    model = loaded("bert")
    one, other = model.trace_all(["I ate"] * 2)
    assert passes == [2]
    assert_same(one, other)


def test_groups_are_of_a_size_that_one_pass_can_take(passes):
    model = loaded("bert")
    assert len(list(model.trace_all(["I ate"] * (2 * MOST_TEXTS + 1)))) == 2 * MOST_TEXTS + 1
    assert passes == [MOST_TEXTS, MOST_TEXTS, 1]
    passes.clear()
    long, short = "I ate an apple " * 70, "I ate"
    one = Selection(layers=(0,), heads=(0,))
    assert len(list(loaded("llama").trace_all([short, short, long, short, short], selection=one))) == 5
    assert passes == [2, 1, 2]


def test_a_model_that_padding_disturbs_runs_text_by_text(passes):
    """ConvBERT mixes neighbours by a convolution that knows no mask: the last tokens see the padding."""
    torch.manual_seed(0)
    config = transformers.ConvBertConfig(**tiny_models._ENCODER, embedding_size=32, conv_kernel_size=3, head_ratio=2)
    model = HuggingFaceModel.load(transformers.ConvBertModel(config).eval(), tokenizer=tiny_models.tokenizer())
    with torch.no_grad():
        for weight in model.model.parameters():
            weight.normal_(std=0.2)
    together = list(model.trace_all(TEXTS))
    assert passes == [1, 5, 1, 1, 1, 1, 1]
    for trace, text in zip(together, TEXTS, strict=True):
        assert_same(trace, model.trace(text))


def test_traces_come_as_they_are_asked_for(passes):
    traces = loaded("bert").trace_all(["I ate"] * (3 * MOST_TEXTS))
    assert passes == []
    next(traces)
    assert passes == [MOST_TEXTS]


def test_an_unusable_text_of_a_batch_is_the_same_error_as_alone():
    with pytest.raises(InputError, match="empty"):
        list(loaded("bert").trace_all(["I ate", ""]))


@pytest.mark.parametrize("load", [attnviz.load, lambda: loaded("bart")], ids=["built-in", "bart"])
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "the texts are None, not a list"),
        ("I ate", "the texts are of type str, not a list"),
        (7, "the texts are of type int, not a list"),
    ],
)
def test_an_invalid_list_of_texts_is_an_error_before_any_text_runs(load, texts, message):
    with pytest.raises(InputError, match=message):
        load().trace_all(texts)


def test_any_iterable_is_a_list_of_texts():
    texts = ["I ate", "She drank milk."]
    for model in (attnviz.load(), loaded("bart")):
        made = [trace.text for trace in model.trace_all(map(Prompt, texts, ["나는", None]))]
        assert made == texts


@pytest.mark.parametrize("generate", [0, -1, 2.5, "3", True])
def test_an_invalid_number_of_tokens_to_generate_is_refused(generate):
    model = HuggingFaceModel.load(tiny_models.writer("gpt2"), tokenizer=tiny_models.tokenizer())
    with pytest.raises(InputError, match="is not a number of tokens to generate"):
        model.trace("I ate", generate=generate)


def test_nothing_makes_nothing():
    assert list(loaded("bert").trace_all([])) == []


def test_the_built_in_model_does_it_one_by_one():
    model = attnviz.load()
    together = list(model.trace_all([Prompt("I ate an apple", "나는 먹었다"), "She drank milk."]))
    assert_same(together[0], model.trace("I ate an apple", target="나는 먹었다"))
    assert_same(together[1], model.trace("She drank milk."))
    for asked in ({"chat": True}, {"generate": 2}, {"text_pair": "I ate"}):
        with pytest.raises(InputError, match="translates one sentence") as error:
            list(model.trace_all(["I ate"], **asked))
        assert "-m NAME" in error.value.hint
