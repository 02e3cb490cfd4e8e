"""Hybrid models: attention layers keep their true numbers, and the other layers are described."""

import pytest
import tiny_models
from command_line import run

from attnviz.errors import SelectionError
from attnviz.models import load, trace
from attnviz.selection import Selection

TEXT = "I ate an apple."
MAMBA = "a state-space model (Mamba)"


@pytest.fixture(scope="module")
def jamba(tmp_path_factory):
    return tiny_models.save("jamba", tmp_path_factory.mktemp("jamba"))


def test_the_layers_without_attention_are_named_in_the_trace(jamba):
    found = trace(TEXT, jamba)
    assert found["masked-self"].layers == (1,)
    assert found.provenance["layers without attention"] == f"0, 2: {MAMBA}"


def test_asking_for_one_of_them_is_an_error_that_says_so(jamba):
    with pytest.raises(SelectionError, match=f"layer 2 has no softmax attention.*{MAMBA.split('(')[0]}") as caught:
        load(jamba).trace(TEXT, selection=Selection(layers=(2,)))
    assert "1" in caught.value.hint
    done = run("plot", TEXT, "-m", jamba, "--layer", "2")
    assert done.code == 1
    assert f"it is {MAMBA}" in done.err


def test_the_command_heads_names_layers_without_attention(jamba):
    done = run("heads", TEXT, "-m", jamba)
    assert done.code == 0
    assert f"layers without attention: 0, 2: {MAMBA}" in done.err


def test_a_model_with_attention_in_all_layers_has_no_such_note(tmp_path):
    assert "layers without attention" not in trace(TEXT, tiny_models.save("llama", tmp_path)).provenance
