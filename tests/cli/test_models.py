"""`attnviz models`: what can be loaded on this machine; and the progress of loading."""

import io
import re
from pathlib import Path

import fake_hub
import huggingface_hub
import pytest
import tiny_models
from command_line import run
from rich.cells import cell_len
from rich.console import Console

from attnviz.cli import progress as bars
from attnviz.cli.commands import models
from attnviz.scratch.example_sentences import example_sentences
from attnviz.scratch.store import shipped
from attnviz.scratch.topics import words_by_topic


def test_models_lists_every_way_to_name_a_model():
    done = run("models")
    assert (done.code, done.err) == (0, "")
    first = [line.split()[0] for line in done.out.splitlines()]
    assert [name for name in first if name in ("builtin", "NAME", "FOLDER", "FILE.gguf", "FILE.safetensors")] == [
        "builtin", "NAME", "FOLDER", "FILE.gguf", "FILE.safetensors",
    ]  # fmt: skip
    assert not [line for line in done.out.splitlines() if line.endswith(" ")]


def test_the_sizes_of_the_builtin_model_are_true():
    config = shipped().config
    sizes = f"{config.encoder_layers} + {config.decoder_layers} layers × {config.h} heads"
    assert sizes in run("models").out


def test_models_builtin_shows_an_example_of_each_construction_and_its_measured_rate():
    done = run("models", "builtin", env={"COLUMNS": "130"})
    assert (done.code, done.err) == (0, "")
    checkpoint = shipped()
    for construction, (english, korean) in example_sentences(checkpoint.tokenizer).items():
        [line] = [line for line in done.out.splitlines() if line.startswith(construction)]
        rates = checkpoint.rates.get(construction, {})
        shown = [f"{rates[language]:.0%}" for language in ("Korean", "English") if language in rates]
        assert line.split() == [*construction.split(), *english.split(), *korean.split(), *shown]
    for one in checkpoint.thresholds:
        assert f"to {one.language} {one.caught:.0%} of the wrong translations are shown as not sure" in done.out


@pytest.mark.parametrize("width", [40, 80])
def test_models_builtin_cuts_no_word_in_a_narrow_terminal(width):
    lines = run("models", "builtin", env={"COLUMNS": str(width)}).out.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not [line for line in lines if "…" in line or line.endswith(" ")]


def test_models_builtin_words_lists_the_words_by_topic():
    done = run("models", "builtin", "--words")
    assert (done.code, done.err) == (0, "")
    for topic, words in words_by_topic().items():
        assert f"{topic}  {len(words)}" in done.out.splitlines()
    assert "apple 사과" in done.out
    assert "take 먹다/타다" in done.out


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (["gpt2"], "what gpt2 was taught is not known", "attnviz models builtin"),
        (["--words"], "--words needs a model", "attnviz models builtin --words"),
    ],
)
def test_models_of_anything_else_is_an_error_that_says_what_works(arguments, says, hint):
    done = run("models", *arguments)
    assert done.code == 2
    assert says in done.err
    assert hint in done.err


@pytest.mark.parametrize("there", [True, False])
def test_models_says_whether_gguf_files_can_be_read(there, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: object() if there else None)
    assert ("pip install 'attnviz[gguf]'" in run("models").out) != there


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_models_of_the_cache_are_listed_with_what_they_lack(cache, tmp_path):
    files = [tmp_path / name for name in ("config.json", "model.safetensors")]
    for file in files:
        file.write_bytes(bytes(2000) + file.name.encode())
    fake_hub.put(cache, "org/second", files)
    fake_hub.put(cache, "org/first", files[:1])
    lines = [line for line in run("models").out.splitlines() if line.startswith("org/")]
    assert [" ".join(line.split()) for line in lines] == [
        "org/first in the Hugging Face cache, 2.0K, without weights",
        "org/second in the Hugging Face cache, 4.0K",
    ]


def test_without_a_cache_the_rest_is_listed(cache):
    done = run("models")
    assert done.code == 0
    assert "cache" not in done.out


def screen(width: int, **terminal: object) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width, _environ={}, **terminal), file


def test_a_progress_bar_shows_that_a_model_loads(monkeypatch):
    console, file = screen(80, force_terminal=True, color_system=None)
    monkeypatch.setattr(bars, "stderr", lambda: console)
    with bars.loading("org/tiny") as progress:
        for heard in [("bytes", 1_500_000_000, 3_000_000_000), ("weights", 30, 272), ("weights", 31, None)]:
            progress(*heard)
            console._live_stack[0].refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())
    assert re.search(r"Downloading org/tiny ━+ +1\.5 GB/3\.0 GB 0:00:0", shown)
    assert re.search(r"Loading org/tiny ━╸? +30/272 0:00:0", shown)
    assert re.search(r"Loading org/tiny \S* +31 0:00:0", shown)


def test_a_progress_line_counts_the_tokens_that_a_model_writes_and_reads(monkeypatch):
    console, file = screen(80, force_terminal=True, color_system=None)
    monkeypatch.setattr(bars, "stderr", lambda: console)
    with bars.reading() as progress:
        for heard in [("tokens written", 7, 20), ("tokens written", 8, None), ("tokens read", 1462, None)]:
            progress(*heard)
            console._live_stack[0].refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())
    for told in ("Writing 7 of 20 tokens 0:00:0", "Writing 8 tokens 0:00:0", "Reading 1,462 tokens 0:00:0"):
        assert told in shown
    assert file.getvalue().endswith("\x1b[2K")  # and is cleared


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_name_leaves_room_for_the_bar(width, monkeypatch):
    console, file = screen(width, force_terminal=True, color_system=None)
    monkeypatch.setattr(bars, "stderr", lambda: console)
    with bars.loading("/a/long/way/to/" * 9 + "model.gguf") as progress:
        progress("bytes", 999_900_000_000, 999_900_000_000)
        console._live_stack[0].refresh()
    assert re.search(r"Downloading …\S*gguf ━+ +999\.9 GB/999\.9 GB 0:00:0", file.getvalue())


@pytest.mark.parametrize("terminal", [{}, {"force_terminal": True, "_environ": {"TERM": "dumb"}}])
def test_no_progress_is_drawn_without_a_screen(terminal, monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(bars, "stderr", lambda: Console(file=file, **{"_environ": {}, **terminal}))
    with bars.loading("org/tiny") as progress:
        progress("weights", 1, 2)
    with bars.reading() as progress:
        assert progress is None
    with bars.working("Waiting"), bars.bar("Drawing", 2) as advance:
        advance()
    assert file.getvalue() == ""


def test_loading_in_a_pipe_writes_only_the_result(tmp_path):
    folder = tiny_models.save("bert", tmp_path / "tiny")
    done = run("plot", "I ate", "-m", folder, "--layer", 0, "--head", 0)
    assert done.code == 0
    assert "Loading" not in done.out + done.err
