"""Long texts at the command line: pooled, cut, drawn."""

import json
import shlex

import numpy as np
import pytest
import tiny_models
from command_line import run

from attnviz.attention.trace_file import open_trace

TEXT = " ".join(f"w{i}" for i in range(24))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.save("llama", tmp_path_factory.mktemp("llama"), max_position_embeddings=256)


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "whole.safetensors"
    assert run("trace", TEXT, "-m", folder, "-o", path).code == 0
    return path


def test_a_long_text_is_pooled_to_the_given_number_of_cells(folder, whole, tmp_path):
    pooled = tmp_path / "pooled.safetensors"
    assert run("trace", TEXT, "-m", folder, "--cells", 10, "-o", pooled).code == 0
    a, b = open_trace(whole)["masked-self"], open_trace(pooled)["masked-self"]
    assert a.is_whole
    assert len(a.queries) == len(b.queries) > 40
    assert len(b.rows) == len(b.columns) <= 10
    assert b.weights(0).max() == pytest.approx(a.weights(0).max(), abs=1e-6)
    np.testing.assert_allclose(b.row_sums[0], 1, atol=1e-5)


@pytest.mark.parametrize("args", [[], ["--layer", "1"], ["--layer", "1", "--head", "2"]])
@pytest.mark.parametrize("asked", [["--cells", "12"], ["--rows", "3,5-9", "--columns", "0-9"]], ids=str)
def test_a_long_text_is_drawn(whole, tmp_path, args, asked):
    shown = run("plot", whole, *args, *asked)
    assert shown.code == 0, shown.err
    assert "attention weight" in shown.out
    picture = tmp_path / "a.png"
    assert run("plot", whole, *args, *asked, "-o", picture).code == 0
    assert picture.stat().st_size > 1000


def test_the_table_of_heads_shows_the_measures_that_a_pooled_trace_allows(whole):
    done = run("heads", whole, "--cells", "12")
    assert done.code == 0, done.err
    assert "peak query (from)" in done.out
    assert " first" not in done.out.split("masked self-attention")[1].split("\n")[1]


def test_rows_and_columns_are_chosen_by_number(folder, whole, tmp_path):
    path = tmp_path / "part.json"
    args = ["--layer", 1, "--head", 2, "--rows", "5-6", "--columns", "0,3"]
    assert run("plot", TEXT, "-m", folder, *args, "-o", path).code == 0
    (attention,) = json.loads(path.read_text())["attentions"]
    expected = open_trace(whole)["masked-self"].matrix(1, 2)[5:7][:, [0, 3]]
    np.testing.assert_allclose(attention["layers"][0]["weights"][0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--rows", "4000"], "there is no row 4000"),
        (["--columns", "0-4000"], "there is no column"),
    ],
)
def test_the_error_for_a_row_that_does_not_exist_gives_the_range(folder, args, says):
    done = run("plot", TEXT, "-m", folder, *args)
    assert done.code == 1
    assert says in done.err
    assert "0-" in done.err


@pytest.mark.parametrize("args", [["--cells", "0"], ["--rows", "five"]])
def test_a_wrong_number_of_cells_or_rows_is_a_usage_error(args):
    assert run("plot", "I ate an apple", *args).code == 2


def test_a_saved_trace_is_drawn_as_it_was_saved(folder, tmp_path):
    long = " ".join(["apple"] * 600)
    path, part = tmp_path / "whole.safetensors", tmp_path / "part.safetensors"
    head = ["-m", folder, "--layer", 0, "--head", 0]
    assert run("trace", long, *head, "--cells", 4000, "-o", path).code == 0
    whole = open_trace(path)["masked-self"]
    assert whole.is_whole
    assert len(whole.queries) > 512
    assert run("plot", path, "-o", part).code == 0
    assert open_trace(part)["masked-self"].is_whole
    assert run("plot", path, "--cells", 100, "-o", part).code == 0
    assert len(open_trace(part)["masked-self"].rows) <= 100
    assert run("plot", path, "-o", tmp_path / "whole.png").code == 0
    assert "attention weight" in run("plot", path).out


def test_the_answer_and_the_prompt_are_rows_and_columns(folder, tmp_path):
    path = tmp_path / "answer.json"
    done = run("plot", "I ate an apple", "--kind", "cross", "--rows", "answer", "--columns", "last:2", "-o", path)
    assert done.code == 0, done.err
    (attention,) = json.loads(path.read_text())["attentions"]
    assert len(attention["rows"]) == len(attention["queries"])
    assert attention["columns"] == [[2, 3], [3, 4]]
    done = run("plot", "I ate", "-m", folder, "--rows", "answer")
    assert done.code == 1
    assert "there is no answer here" in done.err
    done = run("plot", "I ate an apple", "--rows", "anser")
    assert done.code == 2
    assert "last:20" in done.err


def test_one_command_draws_text_for_one_query_of_a_long_text(folder, tmp_path):
    long = " ".join(f"w{i}" for i in range(24))
    pooled = ["-m", folder, "--layer", 1, "--head", 2, "--cells", 20, "--style", "text"]
    done = run("plot", long, *pooled, "--query", "w7#1")
    assert done.code == 0, done.err
    for i in range(24):
        assert f"w{i}" in "".join(done.out.split())
    done = run("plot", long, *pooled)
    assert done.code == 1
    assert "--query WORD" in done.err


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """A folder with a model that writes on."""
    folder = tmp_path_factory.mktemp("writers") / "writer"
    tiny_models.writer("llama", max_position_embeddings=256).save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    return folder


def test_few_rows_keep_all_columns(writer, tmp_path):
    path = tmp_path / "rows.safetensors"
    asked = ["-m", writer, "--generate", 4, "--cells", 20, "-o", path]
    assert run("trace", TEXT, *asked, "--rows", "answer").code == 0
    kept = open_trace(path)["masked-self"]
    assert len(kept.rows) == 4
    assert kept.columns == tuple((at, at + 1) for at in range(len(kept.keys)))
    assert run("plot", path, "--layer", 1, "--head", 1, "--style", "text").code == 0
    assert run("trace", TEXT, *asked, "--rows", "0-19").code == 0
    kept = open_trace(path)["masked-self"]
    assert len(kept.columns) <= 20 < len(kept.keys)  # as many as a square of 20 × 20 holds
    assert run("trace", TEXT, *asked, "--columns", "last:2").code == 0
    kept = open_trace(path)["masked-self"]
    assert len(kept.rows) == len(kept.queries)


def test_text_of_an_answer_shows_one_of_its_rows(writer):
    args = ["-m", writer, "--generate", 4, "--cells", 20, "--layer", 1, "--head", 1]
    done = run("plot", TEXT, *args, "--style", "text")
    assert done.code == 0, done.err
    assert "generates" in done.out


def test_a_pooled_row_is_named_with_the_command_that_keeps_it(writer, tmp_path, monkeypatch):
    monkeypatch.chdir(writer.parent)
    path, head = tmp_path / "pooled.safetensors", ["--layer", 1, "--head", 2]
    assert run("trace", TEXT, "-m", "writer", "--cells", 10, "-o", path).code == 0
    asked = [*head, "--style", "text", "--query", "w7"]
    done = run("plot", path, *asked)
    assert done.code == 1
    assert "shares a cell with others" in done.err
    assert run("plot", traced_again(done, tmp_path), *asked).code == 0


@pytest.mark.parametrize("made", [[], ["--rows", "answer", "--columns", "0-9"], ["--rows", "3-4"]], ids=str)
@pytest.mark.parametrize(
    "asked",
    [
        ["--style", "text"],
        ["--style", "lines"],
        ["--style", "text", "--query", "w7"],
        ["--columns", "last:12"],
        ["--rows", "last:12"],
        ["--rows", "5", "--columns", "2-4"],
        ["--words"],
    ],
    ids=str,
)
def test_the_error_for_a_pooled_row_of_a_saved_trace_names_the_command_that_keeps_it(
    writer, tmp_path, monkeypatch, made, asked
):
    monkeypatch.chdir(writer.parent)
    path, head = tmp_path / "made.safetensors", ["--layer", 1, "--head", 2]
    start = ["-m", "writer", "--generate", 4, "--cells", 10]
    assert run("trace", TEXT, *start, *made, "-o", path).code == 0
    done = run("plot", path, *head, *asked)
    assert made or done.code == 1
    if done.code == 0:  # few rows were kept whole, and hold that
        return
    assert "Hint:" in done.err
    assert "--generate 4" in done.err
    again = traced_again(done, tmp_path)
    done = run("plot", again, *head, *asked)
    assert done.code == 0, done.err


def test_a_pooled_trace_holds_the_rows_of_its_answer(writer, tmp_path, monkeypatch):
    monkeypatch.chdir(writer.parent)
    path = tmp_path / "pooled.safetensors"
    assert run("trace", TEXT, "-m", "writer", "--generate", 4, "--cells", 10, "-o", path).code == 0
    done = run("plot", path, "--layer", 1, "--head", 2, "--rows", "answer")
    assert done.code == 0
    assert done.out.count("⇒") == 5  # the four rows, and the line that says what it means


def traced_again(refused, folder):
    """The trace that the command makes which that refusal names."""
    words = shlex.split(refused.err.split("Trace the text again: attnviz ")[1])
    path = folder / words.pop()
    done = run(*[TEXT if word == "TEXT" else word for word in words], path)
    assert done.code == 0, done.err
    return path


@pytest.mark.parametrize("asked", [["text", "--query", "w7#1"], ["lines", "--rows", "last:40", "--columns", "last:40"]])
def test_the_error_for_a_pooled_row_of_a_model_names_the_option_to_add(folder, asked):
    style, *added = asked
    pooled = ["-m", folder, "--layer", 1, "--head", 2, "--cells", 20, "--style", style]
    done = run("plot", TEXT, *pooled)
    assert done.code == 1
    assert f"Add {' '.join(added).replace('w7#1', 'WORD')}" in done.err
    assert run("plot", TEXT, *pooled, *added).code == 0
