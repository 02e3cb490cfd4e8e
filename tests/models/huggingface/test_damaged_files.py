"""Files of a model that are damaged or not there are named, whatever it is that comes of them."""

import json
import shutil

import pytest
import tiny_models
from load_checks import refused
from tiny_tokenizers import pieces

import attnviz

CUT = '{"model": {"vocab'
INDEX = "model.safetensors.index.json"
PART = "model-00001-of-00001.safetensors"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "mine"
    tiny_models.build("bert").save_pretrained(place)
    tiny_models.tokenizer().save_pretrained(place)
    return place


@pytest.mark.parametrize(
    "file", ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CUT, "is not JSON"),
        ("", "is not JSON"),
        (b"\xff\xfe{", "is not JSON"),
        ("[" * 9999, "is not JSON"),
        ("[]", "a list"),
    ],
)
def test_a_damaged_file_of_the_tokenizer_is_named(file, content, says, folder):
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    error = refused(folder)
    assert f"the {file} of {folder} " in error.message
    assert says in error.message
    assert "git lfs pull" in error.hint


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CUT, "is not JSON"),
        ("[]", "holds a list"),
        ("{}", "does not say which weight is in which file"),
        ({"metadata": {}, "weight_map": {}}, "does not say which weight is in which file"),
        ({"metadata": {}, "weight_map": {"a": 3}}, "does not say which weight is in which file"),
        ({"metadata": {}, "weight_map": {"a": "../other/model.safetensors"}}, "not beside it: ../other/model"),
        ({"weight_map": {"a": PART}}, "lacks its metadata"),
    ],
)
def test_a_damaged_index_of_the_weights_is_named(content, says, folder):
    (folder / "model.safetensors").rename(folder / PART)
    (folder / INDEX).write_text(content if isinstance(content, str) else json.dumps(content))
    error = refused(folder)
    assert f"the {INDEX} of {folder} " in error.message
    assert says in error.message


def test_weights_in_parts_without_an_index_have_a_different_error_than_no_weights(folder):
    (folder / "model.safetensors").rename(folder / PART)
    error = refused(folder)
    assert f"are in parts, such as {PART}, and their index is missing: {INDEX}" in error.message
    (folder / PART).unlink()
    assert "has no weights" in refused(folder).message


def test_the_error_for_a_tokenizer_without_one_of_its_files_names_the_file(folder):
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": {"type": "BPE"}}))
    assert "it lacks 'added_tokens'" in refused(folder).message


@pytest.mark.parametrize("missing", ["vocab.json", "source.spm", "target.spm"])
def test_a_missing_file_of_pieces_is_named(missing, tmp_path):
    settings = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "ko"}
    for name in ("source.spm", "target.spm"):
        (tmp_path / name).write_bytes(pieces())
    (tmp_path / "vocab.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "marian"}))
    (tmp_path / missing).unlink()
    error = refused(tiny_models.build("bert"), tokenizer=tmp_path)
    assert f"has no tokenizer.json, and a MarianTokenizer cannot read other files, because there is no {missing}" in (
        error.message
    )


def test_a_folder_can_have_the_name_of_a_gguf_file(folder):
    renamed = folder.rename(folder.with_name("mine.gguf"))
    assert attnviz.load(renamed).name.endswith("mine.gguf")
    shutil.rmtree(renamed)
    renamed.mkdir()
    assert "is a folder without a config.json" in refused(renamed).message
