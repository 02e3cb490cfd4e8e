"""Folders that are no model themselves: the hint names those that are in them."""

import gguf_files
import pytest
from load_checks import refused

import attnviz


def hint(tmp_path, *files: str) -> str:
    for file in files:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    error = refused(tmp_path)
    assert error.message == f"{tmp_path} is a folder without a config.json, so not a Hugging Face model"
    return error.hint.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["modules.json", "0_Transformer/config.json", "1_Pooling/pooling.json"], "a model in it: 0_Transformer"),
        ([f"checkpoint-{n}/config.json" for n in (500, 1000, 50)], "newest checkpoint: checkpoint-1000"),
        ([f"checkpoint-{n}/adapter_config.json" for n in (500, 90)], "newest checkpoint: checkpoint-500"),
        (["checkpoint-500/config.json", "checkpoint-900/optimizer.pt"], "newest checkpoint: checkpoint-500"),
        (["b/config.json", "a/config.json", "notes.txt"], "models in it: a, b"),
        (["org/b/config.json", "a/config.json"], "models in it: a, org/b"),
        ([f"{name}/config.json" for name in "abcdef"], "models in it: a, b, c, d and 2 more"),
        (["q4.gguf", "q8.GGUF"], "models in it: q4.gguf, q8.GGUF"),
        (["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"], "a model in it: m-00001-of-00002.gguf"),
        (["m-00002-of-00002.gguf"], "a model in it: m-00002-of-00002.gguf"),
        (["refs/main", "snapshots/0a1b/config.json"], "a model in it: snapshots/0a1b"),
        (["config.yaml", "a/b/c/d/config.json", ".git/config.json"], "Name a model"),
        ([], "Name a model"),
    ],
)
def test_the_hint_names_the_models_in_a_folder(files, told, tmp_path):
    assert told in hint(tmp_path, *files)


def test_a_model_named_in_the_hint_can_be_loaded(tmp_path, whole):
    (tmp_path / "0_Transformer").symlink_to(whole)
    named = hint(tmp_path).removeprefix("There is a model in it: ")
    assert attnviz.load(tmp_path / named).name.endswith("0_Transformer")


def test_a_file_without_an_ending_is_named_by_its_first_bytes(tmp_path):
    gguf_files.write(tmp_path / "sha256-0a1b")
    (tmp_path / "sha256-2c3d").write_text("{}")
    assert hint(tmp_path) == "There is a model in it: sha256-0a1b"
    assert attnviz.load(tmp_path / "sha256-0a1b").name == "sha256-0a1b"


def test_a_folder_that_leads_into_itself_ends(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").symlink_to(tmp_path)
    assert "Name a model" in hint(tmp_path)
