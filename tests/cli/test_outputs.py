"""No output overwrites an input: it is refused before a model runs, and no file changes."""

import os
import shutil
from pathlib import Path

import pytest
from command_line import run, start
from fake_hub import put

from attnviz.scratch.store import shipped_file

APPLE = "I ate an apple"
READ = "it belongs to the input of this command"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(folder: Path, *args: object) -> None:
    """That the command fails, says why, and leaves every file in `folder` as it was."""
    before = contents(folder)
    done = run(*args)
    assert (done.code, done.out) == (1, "")
    assert READ in done.err
    assert "Hint:  Choose another name with -o." in done.err
    assert contents(folder) == before


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A saved trace in the working folder, and other ways to it."""
    monkeypatch.chdir(tmp_path)
    assert run("trace", APPLE, "-o", "t.safetensors").code == 0
    Path("link.safetensors").symlink_to("t.safetensors")
    os.link("t.safetensors", "hard.safetensors")
    Path("folder").mkdir()
    Path("linked").symlink_to(".")
    return tmp_path


@pytest.mark.parametrize("command", ["plot", "heads", "trace"])
@pytest.mark.parametrize(
    "output",
    ["t.safetensors", "./t.safetensors", "folder/../t.safetensors", "link.safetensors", "hard.safetensors",
     "linked/t.safetensors", "{here}/t.safetensors"],
)  # fmt: skip
def test_a_part_of_a_saved_trace_does_not_overwrite_it(command, output, saved):
    assert_refused(saved, command, "t.safetensors", "-o", output.format(here=saved))


def test_a_saved_trace_is_not_overwritten_under_another_name(saved):
    assert_refused(saved, "plot", "link.safetensors", "-o", "t.safetensors")


def test_a_different_trace_is_overwritten(saved):
    assert run("trace", "She slept", "-o", "t.safetensors").code == 0
    assert run("plot", "link.safetensors", "-o", "copy.safetensors").code == 0
    assert run("plot", "link.safetensors", "-o", "copy.safetensors").code == 0


@pytest.fixture
def model(minilm_folder, tmp_path, monkeypatch) -> Path:
    """A model of Hugging Face in a folder, with what a user has drawn of it."""
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda self: 1 / 0)
    shutil.copytree(minilm_folder, tmp_path / "model")
    (tmp_path / "model" / "pictures").mkdir()
    for name in ("mine.png", "pictures/mine.png"):
        (tmp_path / "model" / name).write_bytes(b"old")
    return tmp_path / "model"


@pytest.mark.parametrize("output", ["model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json"])
@pytest.mark.parametrize("command", ["plot", "heads", "trace"])
def test_the_files_of_a_model_are_not_overwritten(command, output, model):
    if command == "trace" and (name := output).endswith(".json"):
        output = "link.safetensors"
        (model / output).symlink_to(model / name)
    assert_refused(model, command, APPLE, "-m", model, "-o", model / output)


def test_a_picture_in_the_folder_of_a_model_can_be_drawn_again(model):
    """It runs, as far as the model, which would fail in these tests."""
    for name in ("mine.png", "new.json", "pictures/mine.png", "pictures/new.json"):
        with pytest.raises(ZeroDivisionError):
            run("plot", APPLE, "-m", model, "-o", model / name)


def test_a_gguf_file_is_not_overwritten_through_a_link(tmp_path, monkeypatch):
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda self: 1 / 0)
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    (tmp_path / "m.png").symlink_to("m.gguf")
    assert_refused(tmp_path, "plot", APPLE, "-m", tmp_path / "m.gguf", "-o", tmp_path / "m.png")


def test_the_cache_of_the_hub_is_not_overwritten(minilm_folder, tmp_path, monkeypatch):
    """There the files of a model are links, and a link would be followed to the one copy that there is."""
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda self: 1 / 0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    put(tmp_path, "some/model", [minilm_folder / "config.json"])
    [config] = tmp_path.rglob("config.json")
    assert_refused(tmp_path, "heads", APPLE, "-m", "some/model", "-o", config)


def test_a_model_trained_by_attnviz_is_not_overwritten(tmp_path):
    path = tmp_path / "builtin-2.safetensors"
    shutil.copy(str(shipped_file()), path)
    assert_refused(tmp_path, "trace", APPLE, "-m", path, "-o", path)


def test_the_built_in_model_is_not_overwritten(tmp_path):
    (tmp_path / "mine.safetensors").symlink_to(str(shipped_file()))
    assert_refused(tmp_path, "trace", APPLE, "-o", tmp_path / "mine.safetensors")


def test_the_file_on_standard_input_is_not_overwritten(tmp_path):
    (tmp_path / "a.json").write_text(APPLE)
    with (tmp_path / "a.json").open() as file:
        running = start("plot", "-", "-o", "a.json", stdin=file, cwd=tmp_path)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (1, b"")
    assert READ in err.decode()
    assert (tmp_path / "a.json").read_text() == APPLE


def test_a_text_of_a_batch_is_not_overwritten(tmp_path):
    (tmp_path / "a.txt").write_text(f"{APPLE}\n")
    (tmp_path / "out" / "a.txt").mkdir(parents=True)
    (tmp_path / "out" / "a.txt" / "001.png").symlink_to(tmp_path / "a.txt")
    assert_refused(tmp_path, "batch", tmp_path / "a.txt", "-o", tmp_path / "out")


@pytest.mark.parametrize("output", [".", "a.txt/deeper", "b"])
def test_a_text_in_the_way_of_a_folder_of_pictures_is_not_overwritten(output, tmp_path, monkeypatch):
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda self: 1 / 0)
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b"):
        Path(name).write_text(f"{APPLE}\n")
    done = run("batch", "a.txt", "-o", output)
    assert (done.code, done.out) == (1, "")
    assert "cannot write the pictures of a.txt to the folder" in done.err
    assert contents(tmp_path) == dict.fromkeys(("a.txt", "b"), f"{APPLE}\n".encode())


@pytest.mark.parametrize("output", ["folder.png", "file/a.png", "circle.png"])
@pytest.mark.parametrize("command", ["plot", "heads"])
def test_an_output_that_cannot_be_written_is_refused_before_a_model_runs(command, output, tmp_path, monkeypatch):
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda self: 1 / 0)
    monkeypatch.chdir(tmp_path)
    Path("folder.png").mkdir()
    Path("file").touch()
    Path("circle.png").symlink_to("circle.png")
    done = run(command, APPLE, "-o", output)
    assert (done.code, done.out) == (1, "")
    assert f"cannot write {output}: " in done.err


@pytest.mark.parametrize("args", [["plot", APPLE], ["heads"], ["trace", APPLE]])
def test_the_error_for_an_output_that_is_a_folder_says_so(args, tmp_path):
    (tmp_path / "out").mkdir()
    done = run(*args, "-o", tmp_path / "out", env={"COLUMNS": "400"})
    assert done.code == 1
    assert done.err == f"Error: cannot write {tmp_path / 'out'}: it is a folder\nHint:  Name a file in that folder.\n"


def test_train_refuses_a_folder_with_the_name_of_a_file(tmp_path):
    done = run("train", "-o", tmp_path / "mine.safetensors", env={"COLUMNS": "400"})
    assert done.code == 1
    assert "mine.safetensors would be a folder" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["plot", "heads"])
@pytest.mark.parametrize("ending", ["", ".svg"])
def test_the_ending_of_a_pipe_decides_its_format_and_png_is_the_default(command, ending, tmp_path):
    pipe = tmp_path / f"pipe{ending}"
    os.mkfifo(pipe)
    running = start(command, APPLE, "-o", pipe)
    data = pipe.read_bytes()
    assert running.wait() == 0
    assert data.startswith(b"<?xml" if ending else b"\x89PNG")


def test_a_device_gets_a_picture_with_its_options():
    done = start("plot", APPLE, "--dpi", "40", "-o", "/dev/stdout")
    assert done.communicate()[0].startswith(b"\x89PNG")
    assert run("plot", APPLE, "-o", "/dev/null").code == 0


def test_a_terminal_does_not_get_the_content_of_a_file():
    there, here = os.openpty()
    running = start("plot", APPLE, "-o", "/dev/stdout", stdout=here)
    err = running.communicate()[1].decode()
    os.close(here)
    os.close(there)
    assert running.returncode == 1
    assert "a terminal cannot show the content of a file" in err
    assert "Leave out -o" in err
