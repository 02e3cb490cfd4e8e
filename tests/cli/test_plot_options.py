"""Plot options on the command line: each has an effect or is refused."""

import io
import re
from dataclasses import fields

import pytest
from command_line import process, run
from handmade_traces import encoder_decoder, labelled
from PIL import Image

from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.render.options import PlotOptions

APPLE = "I ate an apple"


def test_every_plot_option_is_an_option_of_the_command_line():
    assert [field.name for field in fields(PlotOptionGroup)] == [field.name for field in fields(PlotOptions)]
    assert PlotOptionGroup().given == {}


@pytest.mark.parametrize("command", ["plot", "heads", "batch"])
def test_help_lists_all_plot_options(command):
    out = run(command, "--help").out
    for field in fields(PlotOptions):
        assert re.search(rf"^│ +--(no-)?{field.name.replace('_', '-')}\b", out, re.M), field.name


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (["--style", "bars"], "'bars'", "heatmap, lines, arcs, text"),
        (["--cmap", "virids"], "no colour map 'virids'", "viridis"),
        (["--vmax", "2"], "vmax cannot be 2", "up to 1"),
        (["--size", "wide"], "'wide'", "6.5x4"),
        (["--dpi", "9999"], "dpi cannot be 9999", "20 to 2400"),
        (["--size", "4"], "--size is for pictures", ".png .svg .pdf"),
        (["--transparent"], "--transparent is for pictures", ".png .svg .pdf"),
        (["--font-size", "12"], "--font-size is for pictures", ".png .svg .pdf"),
        (["-o", "a.json", "--font-size", "12"], "--font-size would change nothing", ".png .svg .pdf"),
        (["-o", "a.png", "--font-size", "2"], "font size cannot be 2", "From 4 to 72 points"),
        (["--no-colorbar"], "--no-colorbar is for pictures", ".png .svg .pdf"),
        (["-o", "a.csv", "--no-colorbar"], ".csv", "Endings"),
        (["-o", "a.json", "--no-colorbar"], "--no-colorbar would change nothing", ".png .svg .pdf"),
        (["--dpi", "99"], "--dpi is for pictures", ".png .svg .pdf"),
        (["--style", "arcs"], "style arcs cannot be drawn in a terminal", "-o: arcs.png"),
        (["--query", "ate"], "shows all queries", "--style text"),
        (["--style", "text", "--query", "eat"], "no row reads 'eat'", "0 I, 1 ate, 2 an, 3 apple"),
        (["--style", "lines", "--annotate"], "no cells", "heatmap"),
        (["-o", "a.json", "--log", "--theme", "dark"], "--log, --theme would change nothing", ".png .svg .pdf"),
        (["-o", "a.png", "--style", "arcs", "--kind", "cross"], "two", "--style lines"),
        (["-o", "a.png", "--size", "1x1"], "inches", "At least"),
    ],
)
def test_options_that_are_wrong_or_without_effect_are_refused(options, message, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = encoder_decoder().save(tmp_path / "t.safetensors")
    done = run("plot", saved, *options)
    assert (done.code, done.out) == (1, "")
    error, said = done.err.strip().splitlines()[-2:]
    assert message in error
    assert hint in said
    assert [file.name for file in tmp_path.iterdir()] == ["t.safetensors"]


def test_options_are_refused_before_a_model_is_loaded():
    done = run("plot", APPLE, "-m", "no/such-model", "--cmap", "virids")
    assert "virids" in done.err
    assert "no/such-model" not in done.err
    assert "would change nothing" in run("heads", APPLE, "-m", "no/such-model", "--theme", "print").err


@pytest.mark.parametrize("style", ["lines", "arcs", "text"])
def test_a_picture_in_every_style(style, tmp_path):
    for suffix in (".png", ".svg", ".pdf"):
        done = run("plot", APPLE, "--style", style, "-o", tmp_path / f"a{suffix}")
        assert done.code == 0
        assert (tmp_path / f"a{suffix}").stat().st_size > 3000
    assert "style: " + style in (tmp_path / "a.svg").read_text()


def test_a_picture_has_its_title_size_and_dpi(tmp_path):
    done = run("plot", APPLE, "-o", tmp_path / "a.svg", "--title", "Mine: $x$")
    assert done.code == 0
    assert "Mine: $x$" in (tmp_path / "a.svg").read_text()
    run("plot", APPLE, "-o", tmp_path / "a.png", "--size", "5x4", "--dpi", "60")
    assert Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())).size == (300, 240)
    assert run("plot", APPLE, "--title", "Mine").out.startswith("Mine\n")
    assert run("plot", APPLE, "--title", "").out.startswith("query (from)")


def test_a_query_is_named_by_its_word(tmp_path):
    saved = encoder_decoder().save(tmp_path / "t.safetensors")
    out = run("plot", saved, "--style", "text", "-l", "1", "--head", "1", "--query", "an").out
    assert "query (from): an\n" in out
    assert ".30 .10 .60" in out
    cross = run("plot", saved, "--style", "text", "--kind", "cross", "--query", "사과를").out
    assert 'query (from): writes "사과를" · reads "나는"\n' in cross


def test_in_cross_attention_the_row_is_that_which_writes_the_word():
    for query in ("ate", "->ate", "She→", "She->ate", "1"):
        done = run("plot", "그녀는 사과를 먹고 학교에 갔다.", "--kind", "cross", "--style", "text", "--query", query)
        header, words, weights = done.out.splitlines()[1:4]
        assert header == 'query (from): generates "ate" · reads "She"'
        assert words.split()[max(enumerate(weights.split()), key=lambda at: at[1] != "·")[0]] == "먹고"


def test_a_repeated_word_is_named_by_its_place_or_its_number(tmp_path):
    saved = labelled(["an", "apple", "an"]).save(tmp_path / "t.safetensors")
    assert "Name one: an#1 (0 an), an#2 (2 an)." in run("plot", saved, "--style", "text", "--query", "an").err
    assert run("plot", saved, "--style", "text", "--query", "an#2").code == 0
    assert run("plot", saved, "--style", "text", "--query", "2").code == 0


def test_heads_and_batch_take_plot_options_too(tmp_path):
    (tmp_path / "t.txt").write_text(f"{APPLE}\n")
    assert run("batch", tmp_path / "t.txt", "-o", tmp_path / "out", "--style", "text", "--query", "ate").code == 0
    assert (tmp_path / "out" / "t.txt" / "001.png").exists() or list((tmp_path / "out").rglob("*.png"))
    done = run("heads", APPLE, "--layer", "3", "--kind", "self", "--style", "lines", "-o", tmp_path / "heads.svg")
    assert done.code == 0
    assert "style: lines" in (tmp_path / "heads.svg").read_text()


def test_colours_from_matplotlib_reach_the_terminal():
    shown = process(
        "plot", APPLE, "--cmap", "viridis", env={"FORCE_COLOR": "1", "NO_COLOR": "", "COLORTERM": "truecolor"}
    )
    assert shown.code == 0
    assert "48;2;253;231;36" in shown.out
