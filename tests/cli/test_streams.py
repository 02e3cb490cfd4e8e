"""Streams with a limited encoding: a missing character is replaced by a similar one, and nothing fails."""

import contextlib
import io
import re

import pytest
from command_line import PINNED, process

from attnviz.cli import app
from attnviz.cli.streams import prepare

ENCODINGS = ("ascii", "latin-1", "cp1252", "cp437", "cp949", "shift_jis")
COMMANDS = (
    ("plot", "I ate an apple"),
    ("plot", "I ate an apple", "--layer", "3"),
    ("plot", "I ate an apple", "--layer", "1", "--kind", "cross"),
    ("plot", "I ate an apple", "--kind", "masked-self", "--log", "--vmax", "0.5"),
    ("plot", "I ate an apple", "--style", "text", "--annotate"),
    ("plot", "I ate an apple", "--style", "lines"),
    ("plot", "I ate an apple", "--sink", "mask"),
    ("plot", " ".join(["I", "ate", "an", "apple"] * 12)),
    ("heads",),
    ("models",),
    ("plot", "--help"),
    ("plot", "I ate an apple", "--layer", "9"),
    ("plot", "--no-such-option"),
)
"""Every drawing, table and message with marks; the only words that an encoding may lack are the translation's."""


def printed(encoding: str, args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> str:
    """All that the command writes, on stdout and stderr, to a pipe of that encoding."""
    for name, value in PINNED.items():
        monkeypatch.setenv(name, value)
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    prepare([stream])
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream), contextlib.suppress(SystemExit):
        app(args)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_none_of_our_symbols_becomes_a_question_mark(encoding: str, command: tuple[str, ...], monkeypatch) -> None:
    text = printed(encoding, command, monkeypatch)
    assert text.strip()
    whole = printed("utf-8", command, monkeypatch)
    korean = sum(2 * len(word) for word in re.findall("[가-힣]+", whole))
    assert text.count("?") in (whole.count("?"), whole.count("?") + korean)


def test_a_pipe_of_another_encoding_gets_a_legend_that_can_be_read() -> None:
    done = process("plot", "I ate an apple", "--layer", "3", env={"PYTHONIOENCODING": "cp949"}, encoding="cp949")
    assert done.code == 0
    assert re.search(r"0  \.::==##@@ 0\.\d+  attention weight", done.out)
    assert "query (from) ↓   key (to) →" in done.out
    done = process("plot", "I ate an apple", "--layer", "3", env={"PYTHONIOENCODING": "cp437"}, encoding="cp437")
    assert re.search(r"0  ·░░▒▒▓▓██ 0\.\d+  attention weight", done.out)


def written(text: str, encoding: str) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    prepare([stream])
    stream.write(text)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def test_a_symbol_is_written_as_a_similar_character() -> None:
    assert written("ate → an · −.30 … ≥1 ␣ ⟨RLO⟩", "ascii") == "ate > an . -.30 ~ >1 _ <RLO>"
    assert written("ate → an · −.30 … ≥1 ␣ ⟨RLO⟩", "cp949") == "ate → an · -.30 … ≥1 _ <RLO>"
    assert written("그₁ ate · …", "cp1252") == "??1 ate · …"


def test_a_character_without_a_likeness_keeps_its_columns() -> None:
    assert written("그녀 é e\u0301 😀|", "ascii") == "???? ? e ??|"
    assert written("שלום\u200e|", "ascii") == "????|"
