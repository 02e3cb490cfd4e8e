"""Names where a text is expected, and names that no file can have: an error that says what works."""

import subprocess
from shlex import quote

import pytest
from command_line import run

APPLE = "I ate an apple"


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("english.txt", "my pairs.tsv", "README.md", "folder/english.txt", "mine.safetensors.bak"):
        (tmp_path / name).write_text(f"{APPLE}\n")
    return tmp_path


@pytest.mark.parametrize("command", ["plot", "heads", "trace"])
@pytest.mark.parametrize(
    ("text", "batch", "pipe"),
    [
        ("english.txt", "attnviz batch english.txt -o pictures", "cat english.txt | attnviz {command} -"),
        ("my pairs.tsv", "attnviz batch 'my pairs.tsv' -o pictures", "cat 'my pairs.tsv' | attnviz {command} -"),
        ("./folder/../README.md", None, "cat ./folder/../README.md | attnviz {command} -"),
        ("folder", "attnviz batch folder -o pictures", None),
    ],
)
def test_the_name_of_a_file_is_not_drawn_as_a_sentence(command, text, batch, pipe, files):
    output = ["-o", files / "t.safetensors"] if command == "trace" else []
    done = run(command, text, *output)
    assert (done.code, done.out) == (1, "")
    assert f"Error: {text} is a {'folder' if text == 'folder' else 'file'}, not a sentence" in done.err
    sentence = f"attnviz {command} --text {quote(text)}"
    lines = {"A picture of each line": batch, "All of it as one text": pipe, "If it is the sentence itself": sentence}
    hint = "\n       ".join(f"{what}: {line.format(command=command)}" for what, line in lines.items() if line)
    assert f"Hint:  {hint}\n" in done.err
    assert not (files / "t.safetensors").exists()


@pytest.mark.parametrize("name", ["my model", "m.gguf", "sha256-0"])
def test_the_name_of_a_model_is_not_drawn_as_a_sentence(name, files):
    (files / "my model").mkdir()
    for file in ("my model/config.json", "m.gguf"):
        (files / file).touch()
    (files / "sha256-0").write_bytes(b"GGUF")
    done = run("heads", name)
    assert (done.code, done.out) == (1, "")
    assert f"Hint:  If it is the model: attnviz heads TEXT -m {quote(name)}\n" in done.err


def test_the_command_in_the_hint_works(files):
    assert run("batch", "my pairs.tsv", "-o", "pictures").code == 0
    assert run("plot", "-", stdin=(files / "english.txt").read_bytes()).code == 0


def test_a_name_that_is_piped_in_is_a_sentence():
    assert run("plot", "-", stdin="english.txt").code == 0


@pytest.mark.parametrize("command", ["plot", "heads", "trace"])
@pytest.mark.parametrize(
    "name", ["nosuch.txt", "folder/NoSuch.TSV", "a.csv", "a.json", "a.jsonl", "a.md", "a.png", "a.jpg"]
)
def test_the_name_of_a_file_that_is_not_there_is_an_error(command, name):
    done = run(command, name)
    assert (done.code, done.out) == (1, "")
    hint = f"If it is the sentence itself: attnviz {command} --text {name}"
    assert done.err == f"Error: no such file: {name}\nHint:  {hint}\n"
    assert run(command, "--text", name).code == 0
    assert run(command, "-", stdin=f"{name}\n").code == 0


@pytest.mark.parametrize("name", ["a1.png", "a1.JPG", "a1.svg"])
def test_a_picture_is_not_offered_as_a_text(name, files):
    (files / name).write_bytes(b"\x89PNG")
    done = run("plot", name)
    assert (done.code, done.out) == (1, "")
    assert f"Error: {name} is a picture, not a sentence" in done.err
    assert "cat " not in done.err


@pytest.mark.parametrize(
    "text", ["english", "see english.txt", "3.14", "Hello.World", "a.b", "~", "x" * 300, "a/b\n" * 25]
)
def test_what_only_looks_like_a_name_is_a_text(text):
    assert run("plot", text).code == 0


def test_a_long_text_is_no_name_that_is_too_long():
    done = run("plot", "apple " * 20_000)
    assert done.code == 1
    assert "the text is 20000 tokens long" in done.err


@pytest.mark.parametrize("option", ["--target", "--text-pair"])
def test_the_name_of_a_file_is_neither_a_target_nor_a_second_text(option, files):
    done = run("plot", APPLE, option, "my pairs.tsv")
    assert (done.code, done.out) == (1, "")
    assert "Error: my pairs.tsv is a file, not a sentence" in done.err
    assert f"""Hint:  Its content: {option} "$(cat 'my pairs.tsv')"\n""" in done.err
    content = subprocess.run(["bash", "-c", "echo \"$(cat 'my pairs.tsv')\""], capture_output=True, check=True)
    assert content.stdout.decode() == f"{APPLE}\n"


NONE = ["x" * 300, "x" * 5000, "d/" * 3000, "a\nb", "~nobody-of-this-name/x", "\udcff", "\udcff/x", "a\x1b[31mb", "."]
"""What no file or model is called, or may not even be."""


@pytest.mark.parametrize("name", [*NONE, *(f"{name}.gguf" for name in NONE), *(f"{name}.safetensors" for name in NONE)])
def test_a_model_of_any_name_is_an_error(name):
    done = run("plot", APPLE, "-m", name)
    assert (done.code, done.out) == (1, "")
    assert "Error: " in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize("name", NONE)
def test_a_revision_of_any_name_is_an_error(name):
    done = run("plot", APPLE, "-m", "some/model", "--revision", name)
    assert (done.code, done.out) == (1, "")
    assert "some/model" in done.err


@pytest.mark.parametrize("name", NONE)
def test_a_saved_trace_of_any_name_is_an_error(name):
    done = run("plot", f"{name}.safetensors")
    assert (done.code, done.out) == (1, "")
    assert "no such file" in done.err


@pytest.mark.parametrize("name", [name for name in NONE if name != "."])
def test_a_path_of_any_name_is_an_error_of_batch(name):
    done = run("batch", name, "-o", "out")
    assert (done.code, done.out) == (1, "")
    assert "no such file or folder" in done.err


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "d/" * 3000 + "x"])
@pytest.mark.parametrize(
    "args",
    [["plot", APPLE, "-o", ".png"], ["heads", APPLE, "-o", ".json"], ["trace", APPLE, "-o", ".safetensors"],
     ["batch", "english.txt", "-o", ""]],
)  # fmt: skip
def test_an_output_of_any_name_is_an_error_and_makes_nothing(args, name, files):
    before = sorted(files.rglob("*"))
    done = run(*args[:-1], name + args[-1])
    assert done.code == 1
    assert "cannot write" in done.err
    assert sorted(files.rglob("*")) == before
