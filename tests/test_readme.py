"""README.md stays true: its commands run, its pictures are what they draw, and no command is missing."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnviz.cli import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
INSTALL, TOUR = README.split("## A tour")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", TOUR, re.S) for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of what the README's commands find in the repository."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "samples", folder / "samples", ignore=shutil.ignore_patterns("pictures"))
    return folder


@cache
def run(line: str, folder: Path) -> str:
    """What a line prints on stdout; it has to succeed. It runs once."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_two_set_up_commands():
    assert len(re.findall(r"^pip install ", README, re.M)) == len(re.findall(r"```sh", INSTALL)) == 2


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_tour_works(line, folder):
    stdout = run(line, folder)
    assert stdout.strip()
    for output in re.findall(r"-o (\S+\.\w+)", line):
        assert (folder / output).stat().st_size > 1000
        assert stdout.strip() == output


HONEST = README[README.index("## Reading attention honestly") :]
SAID = {  # what the README says: where a command prints it
    r"(76)% of all heads give the first token": ("--probe sink", r"in\s+([\d.]+)%"),
    r"even head would give (0\.07)": ("--probe sink", r"uniform attention gives ([\d.]+);"),
    r"`\[CLS\]` (\.75) and": ("--head 5", r"^ *ate +(\S+)"),
    r'"apple"\n(\.14); times': ("--head 5", r"^ *ate +\S+ +\S+ +\S+ +\S+ +(\S+)"),
    r"it is (\.05) and": ("--head 5 --method norm", r"^ *ate +(\S+)"),
    r"and (\.54)\.": ("--head 5 --method norm", r"^ *ate +\S+ +\S+ +\S+ +\S+ +(\S+)"),
    r"most of all heads, (\.92)\.": ("--effect", r"L3H2 gives this link most,\s+([\d.]+)"),
    r"it is number (8) of 32": ("--effect", r"its effect is number (\d+) of\s+32"),
    r"Paris (14)% in place": ("--head L23H4", r"^Paris .* (\d+)%$"),
    r"in place of (77)%": ("--head L23H4", r"^Paris +\S+ +(\d+)%"),
    r"one head of (270),": ("--probe sink", r"10 of (\d+) heads"),
}


@pytest.mark.parametrize("said", SAID)
def test_what_is_said_of_the_models_at_hand_is_what_the_commands_print(said, folder):
    options, printed = SAID[said]
    written = float(re.search(said, HONEST)[1])
    line = next(line for line in LINES if line in HONEST and f"{options} " in f"{line} ")
    measured = float(re.search(printed, run(line, folder), re.MULTILINE)[1])
    assert written == pytest.approx(measured, abs=1 if written > 1 else 0.011)


def test_every_command_is_shown():
    for command in COMMANDS:
        assert re.search(rf"^attnviz {command}\b", "\n".join(LINES), re.M), command


def test_the_first_heatmap_of_the_readme_is_the_one_that_is_printed(folder):
    shown = re.search(r"```text\n(.*?)```", TOUR, re.S).group(1)
    assert [line.rstrip() for line in run(LINES[0], folder).splitlines()] == shown.splitlines()


SCREENSHOT = "samples/pictures/page.png"
"""Of the interactive page: tests/render/page/test_samples.py looks at it."""


@pytest.mark.parametrize("picture", sorted({*re.findall(r"\]\((samples/\S+\.png)\)", README)} - {SCREENSHOT}))
def test_the_pictures_are_what_the_commands_draw(picture, folder):
    run(next(line for line in LINES if f"-o {picture}" in line), folder)
    made, kept = (np.asarray(Image.open(base / picture).convert("RGB"), float) for base in (folder, ROOT))
    assert made.shape == kept.shape
    assert np.abs(made - kept).mean() < 1  # of 255: letters may be drawn a little otherwise elsewhere


def test_the_python_of_the_tour_works(folder, monkeypatch):
    monkeypatch.chdir(folder)
    block = "".join(re.findall(r"```python\n(.*?)```", README, re.S))
    names: dict = {}
    exec(block, names)
    for line in block.splitlines():  # what stands behind # is what the line gives
        code, _, comment = line.partition("  # ")
        if comment.startswith(("(", "[")):
            assert eval(code, names) == eval(comment, names)
    assert names["a"].weights(3).dtype == np.float32


def test_samples_begin_with_the_two_sentences_of_the_mission():
    first = [(ROOT / "samples" / f"{name}.txt").read_text("utf-8").splitlines()[0] for name in ("english", "korean")]
    assert first == ["I ate an apple", "그녀는 사과를 먹고 학교에 갔다."]
