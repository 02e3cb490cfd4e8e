"""Output to a terminal, simulated here: a pager, and pictures if the terminal can show them."""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
from pathlib import Path

import pytest
from command_line import PINNED, process

from attnviz.render.colours import palette

GRID = ["plot", "I ate an apple", "--layer", "3"]
HEADS = ["heads"]
CAPTION = b"layer 3, heads 0-3"
PIXELS = (1600, 800)
XTERM, SIXEL = b"\x1b[?64;1;2;22c", b"\x1b[?62;4;22c"
KITTY = b"\x1b_Gi=31;OK\x1b\\\x1b[?62;22c"
ASKED = b"\x1b[c"
ENVIRONMENT = {"COLORTERM": "truecolor", "PAGER": "cat"}


def terminal(
    args: list[str],
    answers: dict[bytes, bytes] | None = None,
    size: tuple[int, int] = (60, 100),
    pixels: tuple[int, int] = PIXELS,
    shell: str | None = None,
    **environment: str,
) -> tuple[int, bytes]:
    """The exit code and all output of `attnviz ARGS` on a terminal that gives each of `answers` once, when it is asked.

    `shell` is run instead of that, with the command as `"$@"`.
    """
    command = [sys.executable, "-m", "attnviz", *args]
    settings = {k: v for k, v in {**os.environ, **PINNED}.items() if k not in ("NO_COLOR", "COLUMNS", "LINES", "LESS")}
    child, master = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, *pixels))
        line = ["/bin/sh", "-c", shell, "sh", *command] if shell else command
        os.execve(line[0], line, settings | ENVIRONMENT | environment)
    output, waiting = b"", dict(answers or {})
    while select.select([master], [], [], 60)[0]:
        try:
            output += os.read(master, 1 << 16)
        except OSError:  # the other end is closed
            break
        for question in [question for question in waiting if question in output]:
            os.write(master, waiting.pop(question))
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output


def test_a_terminal_that_draws_sixels_gets_a_picture():
    code, output = terminal(GRID, {ASKED: SIXEL})
    assert code == 0
    assert re.search(rb'\x1bP[\d;]*q"1;1;\d+;\d+', output)
    assert "▀".encode() not in output
    assert CAPTION not in output


def test_kitty_gets_a_picture_by_its_own_protocol():
    code, output = terminal(GRID, {ASKED: KITTY}, TERM="xterm-kitty", COLORTERM="")
    assert code == 0
    assert b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c" in output
    number = int(re.search(rb"\x1b_Gi=(\d+),m=1,f=100,q=2;iVBOR", output)[1])
    placed = "\x1b[38;2;{};{};{}m\U0010eeee".format(*(number >> shift & 255 for shift in (16, 8, 0)))
    assert placed.encode() in output
    assert CAPTION not in output


@pytest.mark.parametrize("pixels", [PIXELS, (400, 200)])
def test_a_picture_fits_the_screen(pixels):
    size = (20, 80)
    _, output = terminal(GRID, {ASKED: SIXEL}, size, pixels)
    width, height = map(int, re.search(rb'q"1;1;(\d+);(\d+)', output).groups())
    assert width <= pixels[0]
    assert height < pixels[1]
    assert height > pixels[1] / 2


@pytest.mark.parametrize(
    ("answers", "environment"),
    [
        ({ASKED: XTERM}, {}),
        ({ASKED: SIXEL}, {"pixels": (0, 0)}),
        ({ASKED: SIXEL}, {"NO_COLOR": "1"}),
        ({ASKED: SIXEL}, {"TERM": "dumb"}),
        ({}, {}),
    ],
    ids=["cannot", "cells of unknown size", "no colour", "dumb", "silent"],
)
def test_another_terminal_gets_text(answers, environment):
    code, output = terminal(GRID, answers, **environment)
    assert code == 0
    assert CAPTION in output
    assert b"\x1bP" not in output
    assert b"\x1b_G" not in output
    if environment:
        assert ASKED not in output  # nor is it asked in vain


def test_a_result_with_all_labels_stays_text_and_the_terminal_is_not_asked():
    code, output = terminal(["plot", "I ate an apple"], {ASKED: SIXEL})
    assert code == 0
    assert ASKED not in output
    assert "apple" in output.decode()


BACKGROUND = b"\x1b]11;?"
WHITE, BLACK = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", b"\x1b]11;rgb:00/0a/10\x07"


@pytest.mark.parametrize(("background", "wash"), [(WHITE, "lilac"), (BLACK, "amber"), (b"", "violet")])
def test_text_is_shaded_from_the_background_of_the_terminal(background, wash):
    code, output = terminal(["plot", "I ate an apple", "--style", "text"], {ASKED: background + XTERM})
    assert code == 0
    assert BACKGROUND in output
    for at in (0, -1):
        assert "48;2;{};{};{}m".format(*palette(wash)[at]).encode() in output


def test_with_a_theme_the_terminal_is_not_asked_for_its_background():
    _, output = terminal(["plot", "I ate an apple", "--style", "text", "--theme", "dark"], {ASKED: WHITE + XTERM})
    assert ASKED not in output
    assert "48;2;{};{};{}m".format(*palette("amber")[-1]).encode() in output


def test_a_note_is_broken_between_words():
    _, output = terminal(["plot", "I ate an apple"], size=(24, 50))
    lines = re.sub(r"\x1b\[[\d;]*m", "", output.decode()).replace("\r", "").split("\n")
    start = next(at for at, line in enumerate(lines) if line.startswith("L3H2"))
    words = " ".join(" ".join(lines[start : start + 2]).split())
    assert words == "L3H2: verb → object, 94%, best fixed offset 59% (--why)"
    assert max(map(len, lines)) <= 50


def test_what_was_typed_ahead_is_left_for_the_shell():
    shell = 'echo go; read -r first; "$@"; read -r second; echo "second: $second."'
    code, output = terminal(GRID, {b"go": b"first\nsecond\n"}, shell=shell)
    assert code == 0
    assert b"second: second." in output
    assert ASKED not in output
    assert CAPTION in output


def test_without_textual_image_the_result_is_text(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['textual_image'] = None")
    code, output = terminal(GRID, {ASKED: SIXEL}, PYTHONPATH=str(tmp_path))
    assert code == 0
    assert CAPTION in output
    assert ASKED not in output


def pager(path: Path, script: str) -> str:
    """A PAGER that is this shell script."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_result_taller_than_the_screen_is_shown_in_the_pager(tmp_path):
    script = f'echo "$LESS $LESSCHARSET" > {tmp_path}/LESS; cat > {tmp_path}/text'
    code, output = terminal(HEADS, size=(24, 80), PAGER=pager(tmp_path / "less", script))
    assert code == 0
    text = (tmp_path / "text").read_text()
    assert "L3H3" in text
    assert "\x1b[" in text
    assert "L3H3" not in output.decode()
    assert (tmp_path / "LESS").read_text().startswith("-FRX -Ps")
    assert (tmp_path / "LESS").read_text().endswith("$ utf-8\n")


def test_less_says_how_to_leave_and_to_scroll():
    keys = {b"line 1": b"G", b"(end)": b"q"}
    code, output = terminal(HEADS, keys, (24, 100), PAGER="less", TERM="xterm")
    assert code == 0
    assert output.count(b"q leaves, space and b turn pages, arrows scroll, / searches") == 2


@pytest.mark.parametrize(("own", "told"), [("-S", "-R -S"), ("iM", "-R iM"), ("", "-R ")])
def test_the_readers_own_settings_of_less_are_kept_and_colours_added(own, told, tmp_path):
    command = pager(tmp_path / "less", f'echo "$LESS" > {tmp_path}/LESS')
    assert terminal(HEADS, size=(24, 80), PAGER=command, LESS=own)[0] == 0
    assert (tmp_path / "LESS").read_text() == f"{told}\n"


@pytest.mark.parametrize("command", ["less", "less -iM"])
@pytest.mark.parametrize("own", ["-iM", "iM", ""])
def test_less_shows_colours_whatever_its_own_settings_are(command, own):
    code, output = terminal(HEADS, {b"L0H3": b"q"}, (24, 100), PAGER=command, TERM="xterm", LESS=own)
    assert code == 0
    assert b"48;2;" in output
    assert b"ESC[" not in output


@pytest.mark.parametrize("name", ["more", "most", "pager"])
def test_an_unknown_pager_gets_plain_text(name, tmp_path):
    command = pager(tmp_path / name, f"cat > {tmp_path}/text")
    assert terminal(HEADS, size=(24, 80), PAGER=f"{command} -s")[0] == 0
    text = (tmp_path / "text").read_text()
    assert "L3H3" in text
    assert "\x1b" not in text


def test_a_result_that_fits_the_screen_is_printed(tmp_path):
    command = pager(tmp_path / "pager", f"touch {tmp_path}/run")
    assert b"L3H3" in terminal(HEADS, size=(200, 80), PAGER=command)[1]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["", "no-such-pager -R", "'"])
def test_without_a_pager_the_result_is_printed(command):
    code, output = terminal(HEADS, size=(24, 80), PAGER=command)
    assert code == 0
    assert b"L3H3" in output


def test_leaving_the_pager_early_is_not_an_error(tmp_path):
    code, output = terminal(HEADS, size=(24, 80), PAGER="true")
    assert code == 0
    assert b"Traceback" not in output


def test_ctrl_c_goes_to_the_pager(tmp_path):
    script = "trap 'echo asked' INT; cat > /dev/null; echo ready; read -r line < /dev/tty; echo bye"
    keys = {b"ready": b"\x03", b"asked": b"q\n"}
    code, output = terminal(HEADS, keys, (24, 80), PAGER=pager(tmp_path / "pager", script))
    assert code == 0
    assert b"Interrupted" not in output


def test_a_pipe_gets_neither_a_pager_nor_escape_codes(tmp_path):
    command = pager(tmp_path / "pager", f"touch {tmp_path}/run")
    environment = {"PAGER": command, "LINES": "10", "TERM": "xterm-kitty", "COLORTERM": "truecolor"}
    for args in (HEADS, GRID):
        done = process(*args, env=environment)
        assert done.code == 0
        assert "\x1b" not in done.out + done.err
    assert not (tmp_path / "run").exists()
