"""A text as a user's message in a chat."""

import numpy as np
import pytest
import tiny

from attnviz.attention import borders
from attnviz.errors import InputError, ModelError
from attnviz.labels import visible
from attnviz.models.huggingface import HuggingFaceModel
from attnviz.render.plan import title_of
from attnviz.words import by_words

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n{% endif %}"
)


@pytest.fixture
def model():
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = TEMPLATE
    return HuggingFaceModel.load(tiny.writer("llama"), tokenizer=tokenizer)


def test_the_ids_are_those_of_the_template(model):
    trace = model.trace("I ate an apple. 사과", chat=True)
    chat = [{"role": "user", "content": "I ate an apple. 사과"}]
    expected = model.encoding.tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
    assert [token.id for token in trace["masked-self"].queries] == expected
    for layer, weights in enumerate(tiny.eager(model.model, expected)):
        np.testing.assert_allclose(trace["masked-self"].weights(layer), weights, atol=1e-5)


def test_the_labels_are_the_text_of_the_template(model):
    trace = model.trace("I ate an apple.", chat=True)
    assert trace.text == "<s>[user] I ate an apple.</s>\n[assistant]\n"
    assert trace.provenance["chat"] == "I ate an apple."
    tokens = trace["masked-self"].queries
    assert [token.text for token in tokens if token.special] == ["<s>", "</s>"]
    for token in tokens:
        assert token.text == trace.text[slice(*token.span)] or token.text in "⏎␣"
    covered = {at for token in tokens for at in range(*token.span)}
    assert not [at for at in set(range(len(trace.text))) - covered if trace.text[at] != " "]
    assert borders(tokens) == ()


def test_a_mark_of_the_template_parts_words(model):
    merged = by_words(model.trace("I ate an apple.", chat=True))["masked-self"]
    shown = [token.text for token in merged.queries]
    assert "".join(shown) == "<s>[user]Iateanapple.</s>⏎[assistant]⏎"
    assert {"user", "apple", ".", "</s>", "assistant"} <= set(shown)


def test_an_answer_is_a_segment_of_its_own(model):
    trace = model.trace("I ate an apple.", chat=True, generate=4)
    prompt = model.trace("I ate an apple.", chat=True)
    length = len(prompt["masked-self"].queries)
    assert borders(trace["masked-self"].queries) == (length,)
    assert trace["masked-self"].queries[:length] == prompt["masked-self"].queries
    assert trace.text == prompt.text + trace.provenance["generated"]
    assert title_of(trace) == f"I ate an apple. → {visible(trace.provenance['generated'])}"
    assert title_of(prompt) == "I ate an apple."


def test_without_a_template_there_is_no_chat():
    with pytest.raises(ModelError, match="no chat template") as error:
        HuggingFaceModel.load(tiny.build("llama"), tokenizer=tiny.tokenizer()).trace("I ate", chat=True)
    assert "--chat" in error.value.hint


@pytest.mark.parametrize("template", ["{{ raise_exception('system first') }}", "{% if %}", "{{ messages[0].no.such }}"])
def test_a_template_that_fails_is_an_error(model, template):
    model.encoding.tokenizer.chat_template = template
    with pytest.raises(ModelError, match="chat template fails"):
        model.trace("I ate", chat=True)


def test_a_chat_is_one_message(model):
    with pytest.raises(InputError, match="one message"):
        model.trace("I ate", text_pair="an apple", chat=True)
    with pytest.raises(InputError, match="empty"):
        model.trace(" ", chat=True)
