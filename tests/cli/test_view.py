"""`attnviz view`: the page as a file."""

import json
import re
import webbrowser
from pathlib import Path

import pytest
from command_line import run
from handmade_traces import encoder_decoder


def test_the_page_is_written_whole_and_only_its_path_is_printed(tmp_path):
    path = tmp_path / "made" / "view.html"
    done = run("view", "I ate an apple", "-o", path)
    assert (done.code, done.out, done.err) == (0, f"{path}\n", "")
    html = path.read_text("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert html.endswith("</html>\n")


def test_a_saved_trace_gives_the_page_that_names_it(tmp_path):
    saved = encoder_decoder().save(tmp_path / "a.safetensors")
    assert run("view", saved, "-o", tmp_path / "a.html").code == 0
    assert f"attnviz plot {saved}" in (tmp_path / "a.html").read_text("utf-8")


def test_several_texts_and_saved_traces_are_one_page(tmp_path):
    saved = encoder_decoder().save(tmp_path / "a.safetensors")
    page = tmp_path / "a.html"
    done = run("view", "I ate an apple", saved, "--text", "She opened the door.", "--kind", "self", "-o", page)
    assert (done.code, done.out) == (0, f"{page}\n")
    told = json.loads(re.search(r'id="facts">(.*?)</script>', page.read_text("utf-8"))[1])
    assert [trace["title"].split(" → ")[0] for trace in told["traces"]] == [
        "She opened the door.",
        "I ate an apple",
        "I ate an apple",
    ]
    assert [pair["kinds"] for pair in told["pairs"]] == [[0, 1], [0, 2], [1, 2]]


def test_a_page_is_not_written_over_its_second_trace(tmp_path):
    saved = encoder_decoder().save(tmp_path / "a.safetensors")
    (tmp_path / "a.html").symlink_to(saved)
    done = run("view", "I ate an apple", saved, "-o", tmp_path / "a.html")
    assert done.code == 1
    assert "belongs to the input" in done.err


def test_only_one_text_comes_from_standard_input(tmp_path):
    done = run("view", "-", "-", "-o", tmp_path / "a.html", stdin="I ate an apple")
    assert done.code == 2
    assert "cannot both come from standard input" in done.err


@pytest.mark.parametrize("is_there", [True, False])
def test_the_page_opens_in_the_browser_also_without_a_name(monkeypatch, is_there):
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or is_there)
    done = run("view", "I ate an apple", "--open")
    assert done.code == 0
    path = Path(done.out.strip())
    assert opened == [path.as_uri()]
    assert path.stat().st_size > 10_000
    assert ("No browser was found" in done.err) is not is_there


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "the page needs a file"),
        (["-o", "a.png"], "cannot write .png files"),
        (["-o", "a"], "ends in .html"),
        (["-o", "a.html", "--max-mb", "0"], "--max-mb cannot be 0"),
        (["-o", "a.html", "--max-mb", "0.00001"], "cannot be as small as"),
        (["-o", "a.html", "--layer", "9"], "there is no layer 9"),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error_with_a_hint(tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    done = run("view", "I ate an apple", *args)
    assert done.code in (1, 2)
    assert says in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_page_never_overwrites_the_trace_that_it_is_of(tmp_path):
    saved = encoder_decoder().save(tmp_path / "a.safetensors")
    (tmp_path / "a.html").symlink_to(saved)
    before = saved.read_bytes()
    done = run("view", saved, "-o", tmp_path / "a.html")
    assert done.code == 1
    assert "belongs to the input" in done.err
    assert saved.read_bytes() == before


def test_pooling_is_noted_on_stderr(tmp_path):
    done = run("view", "I ate an apple " * 60, "-o", tmp_path / "a.html", "--max-mb", "0.7")
    assert done.code == 0
    assert "pooled to at most" in done.err
