"""`--sink` and `--special`: what is left of a picture, and where they are refused; and characters without a font."""

from io import BytesIO
from pathlib import Path

import pytest
from command_line import run
from handmade_traces import attention, labelled
from PIL import Image

from attnviz.attention import Trace
from attnviz.render.picture import fonts


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    one = attention([[[0.75, 0.25], [1.0, 0.0]]] * 2, ["[CLS]", "cat"], special=["[CLS]"])
    return Trace("by hand", "cat", (one,)).save(tmp_path / "cat.safetensors")


def test_the_terminal_draws_a_scene_with_exclusions(saved: Path) -> None:
    masked = run("plot", saved, "--head", 0, "--sink", "renorm")
    assert masked.code == 0
    assert [line.split()[1:] for line in masked.out.splitlines()[3:5]] == [["1.0", "−.75"], ["all"]]
    assert "first key masked · rows divided by what is left" in masked.out
    hidden = run("plot", saved, "--head", 0, "--special", "hide")
    assert hidden.out.splitlines()[2].split() == ["cat", "taken"]
    assert run("plot", saved, "--head", 0, "--special", "show").out == run("plot", saved, "--head", 0).out


@pytest.mark.parametrize("command", [["plot", "--head", 0], ["heads"]])
def test_a_picture_names_the_options_in_its_metadata(command: list[object], saved: Path, tmp_path: Path) -> None:
    name, *options = command
    done = run(name, saved, *options, "--sink", "mask", "--special", "hide", "-o", tmp_path / "cat.png")
    assert (done.code, done.err) == (0, "")
    described = Image.open(BytesIO((tmp_path / "cat.png").read_bytes())).text["Description"]
    assert described.endswith("sink: mask\nspecial: hide")


def test_exclusions_without_effect_or_with_unknown_values_are_refused(saved: Path, tmp_path: Path) -> None:
    for options in (["--sink", "hide"], ["--special", "mask"], ["--sink", "mask", "-o", tmp_path / "a.json"]):
        done = run("plot", saved, "--head", 0, *options)
        assert done.code == 1
        assert done.err.startswith("Error: ")
        assert not (tmp_path / "a.json").exists()


def test_a_character_without_a_font_is_noted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_candidates", {})
    monkeypatch.setattr(fonts, "_installed", list)
    path = labelled(["🦥", "cat"]).save(tmp_path / "sloth.safetensors")
    done = run("plot", path, "--head", 0, "-o", tmp_path / "sloth.png")
    assert done.err.count("U+1F9A5 SLOTH") == 1
    assert "Note: no font here has" in done.err
    assert not run("plot", path, "--head", 0, "-o", tmp_path / "sloth.json").err
