"""`attnviz trace`: run once, save, draw later."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from command_line import process, run, start
from handmade_traces import decoder_only, encoder_decoder

import attnviz

APPLE = "I ate an apple"


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "new" / "사과.safetensors"
    done = run("trace", APPLE, "-o", path)
    assert (done.code, done.out, done.err) == (0, f"{path}\n", "")
    return path


def test_the_saved_trace_is_the_one_of_python(saved):
    assert attnviz.open(saved).to_bytes() == attnviz.trace(APPLE).to_bytes()
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize(
    "args",
    [["plot"], ["plot", "--layer", "3"], ["plot", "--kind", "cross", "--head", "0"], ["heads"], ["heads", "-l", "1"]],
)
def test_a_saved_trace_can_replace_a_text_in_every_command(args, saved):
    command, *options = args
    from_file, from_text = (run(command, text, *options) for text in (saved, APPLE))
    assert from_file == from_text
    assert from_file.code == 0


@pytest.mark.parametrize("suffix", [".png", ".json", ".npz", ".safetensors"])
def test_a_saved_trace_gives_the_same_files_as_its_text(suffix, saved, tmp_path):
    for name, text in (("a", saved), ("b", APPLE)):
        assert run("heads", text, "-o", tmp_path / f"{name}{suffix}").code == 0
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_only_named_layers_and_heads_are_saved(tmp_path):
    run("trace", APPLE, "--kind", "self", "-l", "1-2", "--head", "3", "--head", "0", "-o", tmp_path / "t.safetensors")
    trace = attnviz.open(tmp_path / "t.safetensors")
    assert trace.kinds == ("self",)
    assert (trace["self"].layers, trace["self"].heads(2)) == ((1, 2), (0, 3))
    np.testing.assert_array_equal(trace["self"].matrix(2, 3), attnviz.trace(APPLE)["self"].matrix(2, 3))
    done = run("plot", tmp_path / "t.safetensors", "--layer", "0")
    assert done.code == 1
    assert "Layers: 1-2." in done.err


def test_a_part_of_a_saved_trace_can_be_saved_again(saved, tmp_path):
    assert run("trace", saved, "--kind", "cross", "-o", tmp_path / "c.safetensors").code == 0
    assert attnviz.open(tmp_path / "c.safetensors").kinds == ("cross",)


def test_without_a_file_the_tokens_are_listed_by_the_numbers_of_their_rows_and_columns(tmp_path):
    done = run("trace", encoder_decoder().save(tmp_path / "t.safetensors"))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "I ate an apple → 나는 사과를 먹었다",
        "",
        "encoder: rows and columns of self-attention, columns of cross-attention",
        *("0  I", "1  ate", "2  an", "3  apple", ""),
        "decoder: rows and columns of masked self-attention, rows of cross-attention",
        *("0  <s> → 나는", "1  나는 → 사과를", "2  사과를 → 먹었다", "3  먹었다 → </s>"),
        "rows: token read → token written",
    ]
    row = run("plot", tmp_path / "t.safetensors", "--kind", "cross", "--rows", "2", "--columns", "3").out
    assert "사과를 → 먹었다" in row
    assert "apple" in row.splitlines()[2]


def test_a_list_of_tokens_has_a_line_between_prompt_and_answer_and_numbers_of_one_width(tmp_path):
    (a,) = decoder_only([f"w{i}" for i in range(12)]).attentions
    own = tuple(replace(token, segment=1, generated=True) for token in a.queries[9:])
    tokens = (*a.queries[:9], *own)
    written = replace(a, queries=tokens, keys=tokens, predicts=(*tokens[1:], None))
    path = attnviz.Trace("by hand", "w0 …", (written,)).save(tmp_path / "t.safetensors")
    lines = run("trace", path, "--cells", "4").out.splitlines()[3:]
    assert lines[:2] == [" 0  w0 → w1", " 1  w1 → w2"]
    assert lines[8:12] == [" 8  w8 ⇒ w9", "", " 9  w9 ⇒ w10", "10  w10 ⇒ w11"]
    assert lines[12:] == ["11  w11", "rows: token read → token written, ⇒ token generated"]


def test_a_list_says_that_nothing_was_saved():
    done = run("trace", APPLE)
    assert "Not saved: name a file with -o x.safetensors." in done.err
    assert "2  사과를 ⇒ 먹었다" in done.out


def test_a_target_is_saved_and_unknown_words_are_noted(tmp_path):
    done = run("trace", "I frobnicate", "--target", "나는 먹었다", "-o", tmp_path / "t.safetensors")
    assert "frobnicate" in done.err
    assert attnviz.open(tmp_path / "t.safetensors").target == "나는 먹었다"
    assert "frobnicate" in run("plot", tmp_path / "t.safetensors").err


def test_the_text_is_piped(tmp_path):
    done = process("trace", "-o", "t.safetensors", stdin="그녀는 사과를 먹었다.\n".encode(), cwd=tmp_path)
    assert (done.code, done.out) == (0, "t.safetensors\n")
    assert attnviz.open(tmp_path / "t.safetensors").text == "그녀는 사과를 먹었다."


@pytest.mark.parametrize("name", ["t.png", "t", "t.json"])
def test_another_ending_is_refused(name, tmp_path):
    done = run("trace", APPLE, "-o", tmp_path / name)
    assert (done.code, done.out) == (1, "")
    assert f"a trace is not saved as {name}" in done.err
    assert "Name it x.safetensors." in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output", ["/dev/stdout", "out.safetensors"])
def test_standard_output_takes_the_trace_and_nothing_else(output, tmp_path):
    """A pipe carries one trace, whatever its name ends in; the path of the result is not printed into it."""
    (tmp_path / "out.safetensors").symlink_to("/dev/stdout")
    running = start("trace", APPLE, "-o", output, cwd=tmp_path)
    (tmp_path / "t.safetensors").write_bytes(running.communicate(timeout=60)[0])
    assert attnviz.open(tmp_path / "t.safetensors").text == APPLE


def test_an_output_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    done = run("trace", APPLE, "-o", tmp_path / "file" / "t.safetensors")
    assert (done.code, done.out) == (1, "")
    assert "cannot write" in done.err


def test_a_full_disk_leaves_the_old_trace_whole(saved):
    before = saved.read_bytes()
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300));"
        f"sys.argv = ['attnviz', 'trace', 'She ate', '-o', {str(saved)!r}];"
        "from attnviz.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot write" in done.stderr
    assert saved.read_bytes() == before
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]
