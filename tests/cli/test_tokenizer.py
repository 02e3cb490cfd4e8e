"""--tokenizer: another tokenizer than the model's, and where it is named."""

import shutil

import pytest
import tiny_models
from command_line import run

import attnviz

TEXT = "She ate an apple."


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A model whose folder has no tokenizer, and a folder that has nothing else."""
    whole = tiny_models.save("bert", tmp_path_factory.mktemp("models") / "whole")
    bare, tokenizer = whole.with_name("bare"), whole.with_name("tokenizer")
    for folder in (bare, tokenizer):
        folder.mkdir()
    for file in whole.iterdir():
        shutil.copy(file, tokenizer if "token" in file.name else bare)
    return bare, tokenizer


def test_a_model_is_read_with_the_tokenizer_that_is_named(folders, tmp_path):
    bare, tokenizer = folders
    without = run("trace", TEXT, "-m", bare, "-o", tmp_path / "t.safetensors")
    assert without.code == 1
    assert "--tokenizer NAME" in without.err
    done = run("trace", TEXT, "-m", bare, "--tokenizer", tokenizer, "-o", tmp_path / "t.safetensors")
    assert done.code == 0
    found = attnviz.open(tmp_path / "t.safetensors")
    assert found.to_bytes() == attnviz.trace(TEXT, bare, tokenizer=tokenizer, cells=512).to_bytes()
    assert found.provenance["tokenizer"] == str(tokenizer)
    assert "tokenizer" not in attnviz.trace(TEXT, bare.with_name("whole")).provenance


def test_batch_takes_a_tokenizer_too_and_the_picture_names_it(folders, tmp_path):
    from PIL import Image

    (tmp_path / "a.txt").write_text(f"-5 degrees\n{TEXT}\n")
    bare, tokenizer = folders
    done = run("batch", tmp_path / "a.txt", "-m", bare, "--tokenizer", tokenizer, "-o", tmp_path / "pictures")
    assert done.code == 0
    said = Image.open(tmp_path / "pictures/a.txt/001.png").text["Description"].split("\n")
    assert f"tokenizer: {tokenizer}" in said
    assert "text: -5 degrees" in said


def test_the_command_that_traces_again_names_the_tokenizer(folders, tmp_path):
    bare, tokenizer = folders
    run("trace", TEXT, "-m", bare, "--tokenizer", tokenizer, "--rows", 1, "-o", tmp_path / "t.safetensors")
    hint = run("plot", tmp_path / "t.safetensors", "--rows", 2, env={"COLUMNS": "500"}).err
    assert f"--tokenizer {tokenizer} --rows 2" in hint


def test_a_tokenizer_is_refused_where_it_cannot_be_used(folders, tmp_path):
    bare, tokenizer = folders
    assert "Leave out --tokenizer" in run("plot", TEXT, "--tokenizer", tokenizer).err
    run("trace", TEXT, "-m", bare, "--tokenizer", tokenizer, "-o", tmp_path / "t.safetensors")
    saved = run("plot", tmp_path / "t.safetensors", "--tokenizer", tokenizer)
    assert (saved.code, saved.out) == (2, "")
    assert "--tokenizer cannot change a saved trace" in saved.err
    over = run("heads", TEXT, "-m", bare, "--tokenizer", tokenizer, "-o", tokenizer / "tokenizer.json")
    assert over.code == 1
    assert (tokenizer / "tokenizer.json").read_text().startswith("{")
