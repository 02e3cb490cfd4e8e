"""A text as a user's message in a chat."""

import numpy as np
import pytest
import tiny_models

from attnviz.attention import borders
from attnviz.errors import InputError, ModelError
from attnviz.labels import visible
from attnviz.models.huggingface import chat_template
from attnviz.models.huggingface.chat_template import rendered_chat
from attnviz.models.huggingface.model import HuggingFaceModel
from attnviz.render.plan import title_of
from attnviz.words import by_words

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n{% endif %}"
)


@pytest.fixture
def model():
    tokenizer = tiny_models.tokenizer()
    tokenizer.chat_template = TEMPLATE
    return HuggingFaceModel.load(tiny_models.writer("llama"), tokenizer=tokenizer)


def test_the_ids_are_those_of_the_template(model):
    trace = model.trace("I ate an apple. 사과", chat=True)
    chat = [{"role": "user", "content": "I ate an apple. 사과"}]
    expected = model.text_tokenizer.tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
    assert [token.id for token in trace["masked-self"].queries] == expected
    for layer, weights in enumerate(tiny_models.eager(model.model, expected)):
        np.testing.assert_allclose(trace["masked-self"].weights(layer), weights, atol=1e-5)


def test_the_labels_are_the_text_of_the_template(model):
    trace = model.trace("I ate an apple.", chat=True)
    assert trace.text == "<s>[user] I ate an apple.</s>\n[assistant]\n"
    assert trace.provenance["chat"] == "I ate an apple."
    tokens = trace["masked-self"].queries
    assert [token.text for token in tokens if token.special] == ["<s>", "</s>"]
    for token in tokens:
        assert token.text == trace.text[slice(*token.span)] or token.text in "⏎␣"
    covered = {index for token in tokens for index in range(*token.span)}
    assert not [index for index in set(range(len(trace.text))) - covered if trace.text[index] != " "]
    assert borders(tokens) == ()


def test_a_mark_of_the_template_parts_words(model):
    merged = by_words(model.trace("I ate an apple.", chat=True))["masked-self"]
    shown = [token.text for token in merged.queries]
    assert "".join(shown) == "<s>[user]Iateanapple.</s>⏎[assistant]⏎"
    assert {"user", "apple", ".", "</s>", "assistant"} <= set(shown)


def test_an_answer_is_a_separate_segment(model):
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
        HuggingFaceModel.load(tiny_models.build("llama"), tokenizer=tiny_models.tokenizer()).trace("I ate", chat=True)
    assert "--chat" in error.value.hint


TEMPLATES = [
    TEMPLATE,
    "{%- set ns = namespace(n=0) %}\n  {%- for m in messages %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{{ m | tojson }}\n"
    "{% endfor %}",
    "{{ strftime_now('%Y') }}{{ messages[0]['content'] | tojson(indent=2) }}{{ dict(a=1) }} {{ 'é' | tojson }}",
    "{% for m in messages %}{% generation %}{{ m.content }}{% set m = 1 %}{% endgeneration %}{% break %}{% endfor %}",
    "{% macro say(x) %}<{{ x | trim | upper }}>{% endmacro %}{{ say(messages[-1].content) }}{{ eos_token }}",
    "  {% if documents %}a{% else %}b{% endif %}\n\n{{ messages | length }}{{ missing }}{{ tools is none }}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_text_is_that_of_the_template_in_transformers(model, template):
    tokenizer = model.text_tokenizer.tokenizer
    tokenizer.chat_template = template
    chat = [{"role": "user", "content": 'I "ate" 사과 <b>\n😀'}]
    expected = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert rendered_chat(tokenizer, chat) == expected


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ raise_exception('system first') }}", "system first"),
        ("{% if %}", "Expected an expression"),
        ("{{ messages[0].no.such }}", "has no attribute 'no'"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "is recursive without end"),
        ("{{ 'a' * 10 ** 10 }}", "fills the memory"),
        ("{% for _ in range(99999) %}{{ messages[0].content * 1000 }}{% endfor %}", "more than"),
        ("{{ range(10 ** 9) | list }}", "Range too big"),
        ("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
        ("{% set x = namespace(_a=1) %}", "no place for _a"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}", "is recursive"),
    ],
)
def test_a_template_that_fails_is_an_error(model, template, says):
    model.text_tokenizer.tokenizer.chat_template = template
    with pytest.raises((ModelError, InputError), match=f"chat template .*{says}") as error:
        model.trace("I ate", chat=True)
    assert "--chat" in error.value.hint


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("template", [ENDLESS, "{{ 9 ** (9 ** 9) }}"])
def test_a_template_that_does_not_end_is_ended(model, template, monkeypatch):
    monkeypatch.setattr(chat_template, "_SECONDS", 1)
    model.text_tokenizer.tokenizer.chat_template = template
    with pytest.raises(ModelError, match="chat template runs for more than 1 seconds"):
        model.trace("I ate", chat=True)


def test_a_tokenizer_with_its_own_chat_method_uses_it(model):
    class Own(type(model.text_tokenizer.tokenizer)):
        def apply_chat_template(self, chat, **_):
            return f"<s>{chat[0]['content']}!"

    tokenizer = Own(tokenizer_object=model.text_tokenizer.tokenizer.backend_tokenizer)
    tokenizer.chat_template = "{{ 1 // 0 }}"
    assert HuggingFaceModel.load(model.model, tokenizer=tokenizer).trace("I ate", chat=True).text == "<s>I ate!"


def test_a_chat_is_one_message(model):
    with pytest.raises(InputError, match="one message"):
        model.trace("I ate", text_pair="an apple", chat=True)
    with pytest.raises(InputError, match="empty"):
        model.trace(" ", chat=True)
