"""The front door: `attnviz.trace`, `attnviz.load`, `attnviz.open`."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import tiny_models

import attnviz
from attnviz import models
from attnviz.errors import FileError, InputError, ModelError, SelectionError
from attnviz.prompt import Prompt
from attnviz.selection import Selection

APPLE = "I ate an apple"


@pytest.mark.parametrize("name", attnviz.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert name in dir(attnviz)
    assert inspect.getdoc(getattr(attnviz, name))
    assert getattr(attnviz, name) is getattr(attnviz, name)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'attnviz' has no attribute 'draw'"):
        attnviz.draw  # noqa: B018
    assert attnviz.__version__.count(".") >= 1


@pytest.mark.parametrize(
    ("keywords", "layers", "heads"),
    [
        ({}, {"self": (0, 1, 2, 3), "masked-self": (0, 1), "cross": (0, 1)}, (0, 1, 2, 3)),
        ({"kinds": "cross"}, {"cross": (0, 1)}, (0, 1, 2, 3)),
        ({"kinds": ["self", "cross"], "layers": [1]}, {"self": (1,), "cross": (1,)}, (0, 1, 2, 3)),
        ({"layers": 3, "heads": 2}, {"self": (3,)}, (2,)),
        ({"layers": range(2), "heads": (0, 3), "kinds": "self"}, {"self": (0, 1)}, (0, 3)),
        ({"model": "builtin", "layers": 0, "kinds": ("masked-self",)}, {"masked-self": (0,)}, (0, 1, 2, 3)),
    ],
)
def test_keywords_select_layers_and_heads(keywords, layers, heads):
    trace = attnviz.trace(APPLE, **keywords)
    assert {a.kind: a.layers for a in trace.attentions} == layers
    assert {a.heads(layer) for a in trace.attentions for layer in a.layers} == {heads}
    whole = attnviz.trace(APPLE)
    for a in trace.attentions:
        for layer in a.layers:
            for head in heads:
                np.testing.assert_array_equal(a.matrix(layer, head), whole[a.kind].matrix(layer, head))


def test_the_example_of_the_design():
    trace = attnviz.trace(APPLE, model="builtin")
    assert [t.text for t in trace["self"].queries] == APPLE.split()
    assert trace["self"].weights(3).shape == (4, 4, 4)
    assert trace["self"].weights(3).dtype == np.float32


@pytest.mark.parametrize(
    ("keywords", "error", "says"),
    [
        ({"text": ""}, InputError, "empty"),
        ({"kinds": "encoder"}, SelectionError, "'encoder' is not a kind"),
        ({"layers": 9}, SelectionError, "no layer 9"),
        ({"heads": [0, 9]}, SelectionError, "no head 9"),
        ({"layers": -9}, SelectionError, "no layer -9"),
        ({"layers": 3, "kinds": "cross"}, SelectionError, "no layer 3"),
        ({"text": ["I ate", "an apple"]}, InputError, "is several words"),
        ({"target": 3}, InputError, "the target is of type int"),
        ({"model": 5, "tokenizer": "t"}, ModelError, "the model is of type int"),
        ({"model": ""}, ModelError, "name of the model is empty"),
        ({"device": "cuda"}, ModelError, "on the CPU in float32: no device can be set"),
        ({"dtype": "float16"}, ModelError, "no dtype can be set"),
        ({"revision": "main"}, ModelError, "no revision can be set"),
        ({"device_map": "auto", "model": "mine.safetensors"}, ModelError, "no device_map can be set"),
        ({"tokenizer": object()}, ModelError, "no tokenizer can be set"),
        ({"model": "gone.safetensors"}, ModelError, "no such file: gone.safetensors"),
        ({"model": Path("gone.safetensors")}, ModelError, "no such file: gone.safetensors"),
    ],
)
def test_an_impossible_request_is_an_AttnvizError(keywords, error, says):  # noqa: N802
    with pytest.raises(error, match=says) as caught:
        attnviz.trace(**{"text": APPLE} | keywords)
    assert isinstance(caught.value, attnviz.AttnvizError)
    assert caught.value.hint
    assert str(caught.value).startswith(f"{caught.value.message}\n")


def test_a_target_is_read():
    assert attnviz.trace(APPLE, target="너는 먹었다").target == "너는 먹었다"
    assert [t.text for t in attnviz.trace(APPLE, target="너는 먹었다")["cross"].predicts] == ["너는", "먹었다", "</s>"]


def test_options_that_are_true_of_the_built_in_model_are_accepted():
    said = attnviz.trace(APPLE, device="cpu", dtype="float32")
    assert said.to_bytes() == attnviz.trace(APPLE, device="auto").to_bytes()


def test_a_model_that_load_returned_is_traced_again():
    model = attnviz.load()
    assert model is attnviz.load("builtin")
    assert model.name == "builtin"
    assert attnviz.trace(APPLE, model).target == attnviz.trace(APPLE).target


def test_how_the_text_is_put_together_reaches_the_model_where_it_is_asked_for():
    class Mine:
        def trace(self, prompt: Prompt, selection: Selection):
            return prompt, selection

    everything = {"target": "ho", "text_pair": "ha", "chat": True, "generate": 3, "source_language": "fr"}
    assert attnviz.trace("hi", Mine()) == (Prompt("hi"), Selection())
    assert attnviz.trace("hi", Mine(), **everything) == (Prompt("hi", **everything), Selection())


def test_anything_that_can_trace_is_a_model():
    class Mine:
        name = "mine"

        def trace(self, prompt: Prompt, selection: Selection):
            return prompt.text, prompt.target, selection

    asked = attnviz.trace("hi", Mine(), target="ho", layers=3, heads=(1, 2), kinds="self")
    assert asked == ("hi", "ho", Selection((3,), (1, 2), ("self",)))


def test_a_loaded_model_takes_the_keywords_of_the_function():
    model = attnviz.load()
    asked = {"target": "나는 사과를 먹었다.", "layers": 1, "heads": [0, 2], "kinds": "cross"}
    assert model.trace(APPLE, **asked).to_bytes() == attnviz.trace(APPLE, **asked).to_bytes()
    both = list(model.trace_all([APPLE, Prompt("She drank milk.", target="그녀는 우유를 마셨다.")], layers=1))
    assert [trace.target for trace in both] == [attnviz.trace(APPLE).target, "그녀는 우유를 마셨다."]
    with pytest.raises(SelectionError, match="a selection and layers are both given"):
        model.trace(APPLE, Selection(), layers=1)
    with pytest.raises(TypeError, match="words_"):
        model.trace(APPLE, words_=True)


@pytest.mark.parametrize("spec", ["builtin.safetensors", Path("builtin.safetensors")])
def test_a_trained_file_is_a_model(spec, tmp_path, monkeypatch):
    from attnviz.scratch.store import shipped, to_bytes

    monkeypatch.chdir(tmp_path)
    Path(spec).write_bytes(to_bytes(shipped()))
    assert attnviz.trace(APPLE, spec).target == attnviz.trace(APPLE).target


def test_every_option_reaches_the_loading_of_a_hugging_face_model(monkeypatch):
    from attnviz.models.huggingface.model import HuggingFaceModel

    got = {}
    monkeypatch.setattr(HuggingFaceModel, "load", lambda spec, **options: got.update(spec=spec, **options))
    options = {"tokenizer": 1, "revision": "r", "device": "cpu", "dtype": "float16", "trust_remote_code": True}
    options |= {"spec": "some/model", "device_map": "auto"}
    models.load(**options)
    assert got | options == got
    got.clear()
    with pytest.raises(AttributeError):  # load returned None
        attnviz.trace(APPLE, options.pop("spec"), **options)
    assert got | options == got
    assert got["spec"] == "some/model"
    assert not got["with_head"]
    with pytest.raises(AttributeError):
        attnviz.trace(APPLE, "some/model", generate=3)
    assert got["with_head"]


def test_code_of_a_repository_is_not_run_unless_asked():
    for function in (attnviz.load, attnviz.trace):
        assert inspect.signature(function).parameters["trust_remote_code"].default is False


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_hugging_face_model_by_folder_or_as_an_object(as_folder, tmp_path):
    folder = tiny_models.save("bert", tmp_path / "bert")
    if as_folder:
        trace = attnviz.trace(APPLE, folder, layers=[0, 2], heads=1)
    else:
        trace = attnviz.trace(
            APPLE, tiny_models.build("bert"), tokenizer=tiny_models.tokenizer(), layers=[0, 2], heads=1
        )
    assert trace.kinds == ("self",)
    assert trace["self"].layers == (0, 2)
    assert trace["self"].heads(2) == (1,)


def test_a_saved_trace_is_opened(tmp_path):
    trace = attnviz.trace(APPLE)
    opened = attnviz.open(trace.save(tmp_path / "ate.safetensors"))
    assert isinstance(opened, attnviz.Trace)
    assert opened.to_bytes() == trace.to_bytes()
    with pytest.raises(FileError, match="no such file"):
        attnviz.open(tmp_path / "gone.safetensors")
