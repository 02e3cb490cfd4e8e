"""One parse of a .gguf file for all that transformers reads from it."""

import gguf
import pytest

from attnviz.errors import ModelError
from attnviz.models.huggingface import HuggingFaceModel
from attnviz.models.one_parse import one_parse


def test_a_file_is_parsed_once_and_the_package_left_as_it_was(smollm2_file, monkeypatch):
    parsed = []
    reader = gguf.GGUFReader

    def counted(path, *more):
        parsed.append(path)
        return reader(path, *more)

    monkeypatch.setattr(gguf, "GGUFReader", counted)
    names = gguf.get_tensor_name_map
    model = HuggingFaceModel.load(smollm2_file)
    assert len(parsed) == 1
    assert model.model.config.num_hidden_layers == 30
    assert (gguf.GGUFReader, gguf.get_tensor_name_map) == (counted, names)


def fail(patched):
    assert patched
    raise ModelError("no")


def test_the_package_is_left_as_it_was_on_an_error():
    before = gguf.GGUFReader, gguf.get_tensor_name_map
    with pytest.raises(ModelError), one_parse():
        fail(gguf.GGUFReader is not before[0])
    assert (gguf.GGUFReader, gguf.get_tensor_name_map) == before
