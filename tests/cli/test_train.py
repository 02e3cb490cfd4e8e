"""`attnviz train`, on a tiny corpus and a tiny model: what it writes and prints, and where it continues."""

from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run

from attnviz.scratch import corpus as corpora
from attnviz.scratch import evaluate as evaluation
from attnviz.scratch import train as training
from attnviz.scratch.store import read


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A corpus of a few sentences, small batches, and translations that are cut off early."""
    corpus = corpora.draw_corpus(held_out=60)
    monkeypatch.setattr(corpora, "draw_corpus", lambda *args: corpus)
    monkeypatch.setattr(evaluation, "FEWEST", 1)
    monkeypatch.setattr(evaluation, "CLASSROOM", Path("not at hand"))
    monkeypatch.setattr(training, "BLOCK", 1)
    recipe = training.Recipe
    monkeypatch.setattr(training, "Recipe", lambda steps=2, **more: replace(recipe(), steps=steps, batch=8, **more))
    monkeypatch.setattr(training, "SAVE_EVERY", 1)


def test_train_writes_a_usable_model_and_prints_its_results(tmp_path):
    folder = tmp_path / "new" / "runs"
    done = run("train", "-o", folder, "--steps", "1")
    path = folder / "builtin-2.safetensors"
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == str(path)
    assert lines[1] == "|  |  | asked | builtin-2.safetensors |"
    assert "exact translation" in done.out
    assert "best fixed offset" in done.out
    assert sorted(file.name for file in folder.iterdir()) == ["builtin-2.safetensors", "checkpoint-2.safetensors"]
    assert read(path).config.encoder_layers >= 4
    shown = run("plot", "I ate an apple", "-m", path, "--target", "나는")
    assert shown.code == 0
    assert "builtin-2" in shown.out


def test_several_seeds_make_several_models_and_columns(tmp_path):
    done = run("train", "-o", tmp_path, "--steps", "1", "--seed", "3", "--seed", "5")
    names = ["builtin-3.safetensors", "builtin-5.safetensors"]
    lines = done.out.splitlines()
    assert lines[:2] == [str(tmp_path / name) for name in names]
    assert lines[2] == f"|  |  | asked | {names[0]} | {names[1]} |"
    assert (tmp_path / names[0]).read_bytes() != (tmp_path / names[1]).read_bytes()


def test_the_table_is_of_the_stored_weights(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(evaluation, "evaluate", lambda checkpoint, corpus: seen.append(checkpoint) or [])
    run("train", "-o", tmp_path, "--steps", "1")
    stored = read(tmp_path / "builtin-2.safetensors")
    assert (seen[0].weights["E"] == stored.weights["E"]).all()


@pytest.mark.parametrize("stop_after", [2, 3])
def test_ctrl_c_exits_with_130_and_the_same_command_continues(stop_after, tmp_path, monkeypatch):
    whole = run("train", "-o", tmp_path / "whole", "--steps", "3")
    assert whole.code == 0
    made, save = [], training.save

    def save_and_stop(*args):
        save(*args)
        made.append(args)
        if len(made) == stop_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "save", save_and_stop)
    done = run("train", "-o", tmp_path / "cut", "--steps", "3")
    assert (done.code, done.out) == (130, "")
    assert "Interrupted." in done.err
    assert [file.name for file in (tmp_path / "cut").iterdir()] == ["checkpoint-2.safetensors"]
    again = run("train", "-o", tmp_path / "cut", "--steps", "3")
    assert again.code == 0
    assert len(made) == 5  # each run saves once at its start, to see that it can
    cut, uncut = (read(tmp_path / name / "builtin-2.safetensors") for name in ("cut", "whole"))
    assert (cut.weights["E"] == uncut.weights["E"]).all()


def test_a_run_of_another_kind_does_not_overwrite_what_was_not_finished(tmp_path, monkeypatch):
    """Not one of its seeds is trained: the first could take half an hour."""
    assert run("train", "-o", tmp_path, "--steps", "3", "--seed", "7").code == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(training, "translation_loss", lambda *args: 1 / 0)
    done = run("train", "-o", tmp_path, "--steps", "5", "--seed", "6", "--seed", "7")
    assert (done.code, done.out) == (1, "")
    file = tmp_path / "checkpoint-7.safetensors"
    assert f"Error: {file} is of another training (steps 3, here 5), and would be overwritten" in done.err
    assert "name another folder with -o" in done.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_existing_file_in_the_way_is_an_error_before_the_training(tmp_path, monkeypatch):
    assert run("train", "-o", tmp_path, "--steps", "1").code == 0
    checkpoint, model = tmp_path / "checkpoint-2.safetensors", tmp_path / "builtin-2.safetensors"
    cut = checkpoint.read_bytes()[:5000]
    monkeypatch.setattr(training, "translation_loss", lambda *args: 1 / 0)
    checkpoint.write_bytes(cut)
    done = run("train", "-o", tmp_path, "--steps", "10")
    assert (done.code, done.out) == (1, "")
    assert f"Error: {checkpoint} is no checkpoint of attnviz train, or a damaged one" in done.err
    assert checkpoint.read_bytes() == cut
    for file in (checkpoint, model):
        file.unlink()
        file.mkdir()
        (file / "mine").touch()
        done = run("train", "-o", tmp_path, "--steps", "10")
        assert (done.code, done.out) == (1, "")
        assert f"{file}" in done.err
        assert "is a folder" in done.err
        assert [path.name for path in file.iterdir()] == ["mine"]
        (file / "mine").unlink()
        file.rmdir()
        file.touch()


def test_an_output_that_cannot_be_written_is_an_error_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "translation_loss", lambda *args: 1 / 0)
    (tmp_path / "file").touch()
    done = run("train", "-o", tmp_path / "file" / "runs")
    assert (done.code, done.out) == (1, "")
    assert "cannot write" in done.err
