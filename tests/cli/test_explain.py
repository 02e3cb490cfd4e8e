"""`attnviz explain`: one step, number by number."""

import re

import pytest
from command_line import run
from rich.cells import cell_len

import attnviz
from attnviz.analysis.attention_step import attention_step

APPLE = "I ate an apple"


def test_the_numbers_are_those_of_the_model():
    done = run("explain", APPLE, "--layer", 3, "--head", 1, "--query", "ate")
    step = attention_step(attnviz.trace(APPLE, neurons=3), "self", 3, 1, 1)
    assert (done.code, done.err) == (0, "")
    assert "self-attention · L3H1 · builtin · query: ate" in done.out
    for number in (*step.dots, *step.scaled):
        assert f"{number:.2f}".replace("-", "−") in done.out
    assert " ".join(f"{weight:.3f}" for weight in step.weights) in re.sub(" +", " ", done.out)
    assert [int(line[0]) for line in done.out.splitlines() if re.match(r"\d  ", line)] == list(range(1, 9))


def test_without_a_head_it_is_the_one_that_plot_draws():
    shown = re.search(r"L\dH\d", run("plot", APPLE).err)[0]
    done = run("explain", APPLE)
    assert f"· {shown} ·" in done.out
    assert done.err.startswith(shown)


def test_one_stage_alone_has_its_strips_and_its_numbers():
    done = run("explain", APPLE, "--step", 3)
    assert re.findall(r"^\d", done.out, re.MULTILINE) == ["3"]
    assert "q·k  apple" in done.out
    assert "q · k" in done.out


@pytest.mark.parametrize("width", ["30", "50"])
def test_nothing_is_wider_than_the_terminal_and_no_sentence_is_cut(width):
    lines = run("explain", APPLE, env={"COLUMNS": width}).out.splitlines()
    assert max(map(cell_len, lines)) <= int(width)
    assert sum("each cell" in line for line in lines) == 4
    assert "the mean of" in " ".join(line.strip() for line in lines)


def test_a_decoder_is_explained_in_a_row_that_has_a_choice():
    assert "query: <ko>" not in run("explain", APPLE, "--kind", "masked-self").out


def test_it_speaks_korean():
    done = run("explain", APPLE, "--lang", "ko", "--step", 6)
    assert "소프트맥스" in done.out
    assert "Softmax" not in done.out


def test_heads_and_kinds():
    heads = run("explain", APPLE, "--layer", 3, "--query", "ate", "--heads")
    assert [f"L3H{head}" in heads.out for head in range(4)] == [True] * 4
    assert "mean" in heads.out
    kinds = run("explain", APPLE, "--kinds")
    assert [name in kinds.out for name in ("1  self-", "2  masked self-", "3  cross-")] == [True] * 3
    assert "−∞" in kinds.out


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_is_written(suffix, tmp_path):
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    for more in ([], ["--step", 2], ["--heads"], ["--kinds", "--lang", "ko"]):
        assert run("explain", APPLE, *more, "-o", tmp_path / f"x{suffix}").code == 0
        assert (tmp_path / f"x{suffix}").read_bytes().startswith(starts[suffix])


def test_a_saved_trace_that_has_queries_and_keys_needs_no_model(tmp_path):
    kept, bare = tmp_path / "kept.safetensors", tmp_path / "bare.safetensors"
    run("trace", APPLE, "--neurons", 3, "-o", kept)
    run("trace", APPLE, "-o", bare)
    options = ["--layer", 3, "--head", 0]
    assert run("explain", kept, *options) == run("explain", APPLE, *options)
    done = run("explain", bare, *options)
    assert done.code == 1
    assert "does not have the queries and keys of layer 3" in done.err
    assert "--neurons 3" in done.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--lang", "fr"], "--lang cannot be fr"),
        (["--step", "9"], "--step cannot be 9"),
        (["--step", "2", "--heads"], "--step and --heads are different explanations"),
        (["--query", "bread"], "no row reads 'bread'"),
        (["--words"], "queries and keys are those of tokens, not of words"),
        (["--rows", "0,1"], "--rows cannot go with explain, which needs every token"),
        (["--cells", "2"], "--cells cannot go with explain"),
        (["-o", "x.json"], "cannot write .json"),
        (["--layer", "9"], "there is no layer 9"),
    ],
)
def test_what_cannot_be_explained_is_an_error(options, says):
    done = run("explain", APPLE, *options)
    assert done.code in (1, 2)
    assert says in done.err
