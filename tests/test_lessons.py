"""The lessons stay true: below each command stands what it prints. As a script, writes that again."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
LESSONS = sorted(DOCS.glob("lesson*.md"))
NUMBER, SHADES = re.compile(r"−?\d*\.?\d+"), re.compile("[─█▉▊▋▌▍▎▏▓▒░−](?=[─█▉▊▋▌▍▎▏▓▒░ ]|$)|[█▓▒░]")
SHOWN = re.compile(r"```sh\n(.*)\n```\n\n```text\n((?:.*\n)*?)```")


def printed(line: str) -> str:
    """What a command prints on stdout, without colours, 80 columns wide; it has to succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(["bash", "-euc", line], env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


EXAMPLES = [(path.name, *found) for path in LESSONS for found in SHOWN.findall(path.read_text("utf-8"))]


@pytest.mark.parametrize(("lesson", "line", "shown"), EXAMPLES)
def test_below_a_command_stands_what_it_prints(lesson, line, shown):
    ours, theirs = printed(line).splitlines(), shown.splitlines()
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):  # other machines may round the last digit, or a shade, otherwise
        assert NUMBER.sub("#", SHADES.sub("·", one)).split() == NUMBER.sub("#", SHADES.sub("·", other)).split()
        for a, b in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True):
            digit = 10.0 ** -len(b.partition(".")[2])
            assert float(a.replace("−", "-")) == pytest.approx(float(b.replace("−", "-")), abs=1.01 * digit)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_a_lesson_has_seven_sections_and_every_command_its_output(path):
    text = path.read_text("utf-8")
    assert [int(number) for number in re.findall(r"^## (\d)\. ", text, re.MULTILINE)] == list(range(1, 8))
    assert text.count("```sh\n") == len(SHOWN.findall(text)) >= 12


def test_both_lessons_show_the_same_stages():
    shown = {}
    for name, line, _ in EXAMPLES:
        shown.setdefault(name, []).extend(re.findall(r"--(?:step \d|heads|kinds|method \w+|effect)", line))
    assert shown["lesson.md"] == shown["lesson.ko.md"]


def written_again(text: str) -> str:
    """A lesson with what its commands print now."""
    return SHOWN.sub(lambda found: f"```sh\n{found[1]}\n```\n\n```text\n{printed(found[1])}```", text)


if __name__ == "__main__":
    for lesson in LESSONS:
        lesson.write_text(written_again(lesson.read_text("utf-8")), "utf-8")
