"""What holds for every command: help, exit codes, streams, pipes, Ctrl-C."""

import re
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
from command_line import process, run, start
from handmade_traces import encoder_decoder
from rich.cells import cell_len

from attnviz.cli import COMMANDS
from attnviz.cli.options import GROUPS
from attnviz.errors import FileError


def test_version_prints_the_version():
    for args in (["--version"], ["--version", "plot"]):
        assert run(*args).out == f"attnviz {version('attnviz')}\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples_that_are_commands(command, option):
    done = run(command, option)
    assert done.code == 0
    assert not done.err
    examples = done.out[done.out.index("Examples:") :]
    lines = COMMANDS[command].EXAMPLES.splitlines()
    assert lines
    for line in lines:
        assert line in examples
        assert line.startswith("attnviz ")
        assert line.split()[1] in COMMANDS
    assert any(line.startswith(f"attnviz {command}") for line in lines)


def test_help_lists_every_command_with_a_sentence():
    done = run("--help")
    assert done.code == 0
    for name in COMMANDS:
        [line] = [line for line in done.out.splitlines() if line.startswith(f"│ {name} ")]
        assert line.rstrip("│ ").endswith(".")
    assert 'attnviz plot "I ate an apple"' in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_in_groups_and_shows_no_python_types(command):
    for width in ("80", "120"):
        done = run(command, "--help", env={"COLUMNS": width})
        assert not re.search(r"<\w+", done.out)
        titles = re.findall(r"^╭─ (.+?) ─+╮$", done.out, re.M)
        assert titles == [title for title in ("Arguments", "Options", *GROUPS) if title in titles]
        assert max(map(cell_len, done.out.splitlines())) <= int(width)


def test_the_options_that_everyone_needs_come_first():
    listed = re.findall(r"^│ +(--\w+)", run("plot", "--help").out, re.M)
    assert listed[:5] == ["--output", "--model", "--layer", "--head", "--style"]


@pytest.mark.parametrize("command", [*COMMANDS, ""])
def test_help_is_prose_without_names_of_code(command):
    shown = run(*command.split(), "--help", env={"COLUMNS": "200"}).out
    found = set(re.findall(r"\w+_\w+|\w*[a-z][A-Z]\w*", shown))
    assert found <= {"fr_XX", "fra_Latn", "WxH"}  # codes of languages, a size


def test_help_is_also_what_is_shown_without_a_command():
    assert "Commands" in run().out + run().err


@pytest.mark.parametrize("args", [["plot"], ["heads"], ["trace", "-o", "x.safetensors"]])
def test_a_sentence_without_its_quotes_is_shown_with_them(args):
    done = run(*args, "I", "ate", "\x1b[2Jit")
    assert done.code == 2
    assert f'Put the sentence in quotes: attnviz {args[0]} "I ate ␛[2Jit"' in done.err


@pytest.mark.parametrize(
    "args",
    [
        *(["bacth"], ["--nope"], ["plot", "a", "--nope"], ["plot", "a", "b"], ["plot", "a", "--layer", "x"]),
        *(["plot", "a", "--head", "3-1"], ["batch"], ["batch", "a"]),
        *(["train"], ["train", "-o", "d", "--steps", "0"]),
    ],
)
def test_a_wrong_command_line_exits_with_2_and_writes_to_stderr(args):
    done = run(*args)
    assert done.code == 2
    assert not done.out
    assert re.fullmatch(r"Error: .+\nHint:  .+\n", done.err)


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["--vers"], "there is no option --vers", "Did you mean --version?"),
        (["plot", "x", "--lyer", "3"], "there is no option --lyer", "Did you mean --layer?"),
        (["plot", "x", "-layer", "3"], "there is no option -layer", "Did you mean --layer?"),
        (["plot", "x", "-model=y"], "there is no option -model", "Did you mean --model?"),
        (["-kind", "cross", "I ate"], "there is no option -kind", "Did you mean --kind?"),
        (["heads", "-output", "x.png"], "there is no option -output", "Did you mean --output?"),
        (["-help"], "there is no option -help", "Did you mean --help?"),
        (["-version"], "there is no option -version", "Did you mean --version?"),
        (["plot", "x", "--layer"], "--layer needs a value", "All options: attnviz plot --help"),
        (["x", "-o"], "-o needs a value", "All options: attnviz plot --help"),
        (["plot", "x", "--chat=1"], "option '--chat' does not take a value", "All options: attnviz plot --help"),
        (["plot", "x", "--nope"], "there is no option --nope", "All options: attnviz plot --help"),
        (
            ["plot", "-5", "-l", "3"],
            "there is no option -5",
            "All options: attnviz plot --help\n       If it is the text: attnviz plot --text -5 -l 3",
        ),
        (
            ["batch"],
            "PATH is missing: files of texts, folders of them, or patterns",
            "All options: attnviz batch --help",
        ),
        (
            ["train"],
            "--output is missing: the folder that the weights are written to",
            "All options: attnviz train --help",
        ),
        (
            ["train", "-o", "d", "--steps", "0"],
            "--steps cannot be 0",
            "A whole number, 1 or more.",
        ),
        (
            ["plot", "a", "--layer", "x"],
            "'x' is not a layer or a range of layers",
            "Layers: 3, L3, 0-3,5; from the end: last, -2; one head of a layer: L3H1.",
        ),
    ],
)
def test_errors_of_typer_look_like_our_errors(args, message, hint):
    done = run(*args, env={"COLUMNS": "200"})
    assert (done.code, done.err) == (2, f"Error: {message}\nHint:  {hint}\n")


@pytest.mark.parametrize(
    "args",
    [
        ["plot", "I ate", "-m", f"{'d/' * 2500}x.gguf"],
        ["plot", "I ate", "--style", "text", "--query", "apple " * 1000],
        ["plot", "I ate", "--style", "x" * 5000],
        ["plot", "apple " * 1000, "apple"],
        ["batch", "x" * 5000, "-o", "out"],
    ],
)
def test_a_very_long_value_is_shortened_in_an_error(args):
    done = run(*args, env={"COLUMNS": "6000"})
    assert done.code in (1, 2)
    assert len(done.err) < 600
    assert "…" in done.err


def test_a_text_after_one_dash_is_not_taken_for_an_option():
    assert run("plot", "--", "-layer").code == 0
    assert run("plot", "I ate", "-l3").code == 0


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["plot", "-5 degrees"], "plot --text '-5 degrees'"),
        (["-5 degrees", "-l", "3"], "plot --text '-5 degrees' -l 3"),
        (["plot", "-l", "3", "--help me"], "plot -l 3 --text '--help me'"),
        (["heads", "- item"], "heads --text '- item'"),
        (["trace", "-h and so on"], "trace --text '-h and so on'"),
        (["plot", "-l ate = 3"], "plot --text '-l ate = 3'"),
    ],
)
def test_the_error_for_a_sentence_with_a_dash_says_what_to_type(args, meant):
    done = run(*args, env={"COLUMNS": "200"})
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(f"begins with a dash, as options do\nHint:  Say that it is the text: attnviz {meant}\n")
    assert run(*shlex.split(meant)).code == 0


@pytest.mark.parametrize("text", ["-5 degrees", "--help", "-layer", "-l3", "-", "- item", "--", "-5"])
def test_the_value_of_text_is_the_sentence_whatever_it_looks_like(text):
    drawn = run("plot", "--text", text).out
    assert drawn.startswith(f"{text} → ")
    assert run("plot", f"--text={text}").out == drawn
    assert f" → {text}\n" in run("plot", "I ate", "--target", text).out


def test_two_texts_are_refused():
    done = run("plot", "I ate", "--text", "an apple")
    assert (done.code, done.out) == (2, "")
    assert "there are two texts" in done.err


def test_the_error_for_a_text_without_quotes_shows_it_in_quotes():
    assert 'attnviz plot --text "I ate an apple"' in run("plot", "--text", "I", "ate", "an", "apple").err


def test_help_writes_no_ranges_beside_what_an_option_takes():
    assert "x>=" not in "".join(run(command, "--help").out for command in COMMANDS)


@pytest.mark.parametrize(
    "args",
    [
        *(["I ate an apple"], ["-"], ["사과를"], ["hello"], ["--", "-x y"], ["--debug", "I ate"], ["Train stations"]),
        *(["-l3", "I ate"], ["--layer=3", "I ate"], ["--kind", "cross", "I ate"], ["I ate", "--head", "1"]),
    ],
)
def test_a_text_without_a_command_is_plotted(args):
    done = run(*args, stdin="I ate")
    asked = [word for word in args if word != "--debug"]
    assert (done.code, done.out) == (0, run("plot", *asked, stdin="I ate").out)
    assert "weight" in done.out


def test_a_saved_trace_without_a_command_is_plotted(tmp_path):
    saved = encoder_decoder().save(tmp_path / "t.safetensors")
    assert run(saved).out == run("plot", saved).out != ""


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["plott", "I ate"], "Did you mean attnviz plot?"),
        (["heds"], 'Did you mean attnviz heads? Or, if that is the text: attnviz plot "heds"'),
        (["polt", "x", "--layer", "1"], "Did you mean attnviz plot?"),
        (["Plot", "x"], 'Did you mean attnviz plot? Or, if that is the text: attnviz plot "Plot x"'),
        (["help"], 'Did you mean attnviz --help? Or, if that is the text: attnviz plot "help"'),
        (["version"], 'Did you mean attnviz --version? Or, if that is the text: attnviz plot "version"'),
    ],
)
def test_the_error_for_a_misspelled_command_suggests_the_right_one(args, meant):
    done = run(*args)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"Error: there is no command {args[0]}\nHint:  {meant}\n"


def test_a_sentence_without_a_command_is_shown_in_quotes_too():
    assert 'attnviz plot "She ate an apple"' in run("She", "ate", "an", "apple").err


def test_an_error_exits_with_1_and_prints_a_message_and_a_hint_on_stderr():
    done = process("plot", "gone.safetensors")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "Error: no such file: gone.safetensors",
        "Hint:  Make one with: attnviz trace TEXT -o trace.safetensors",
    ]


@pytest.mark.parametrize("args", [["--debug", "plot", "gone.safetensors"], ["plot", "gone.safetensors", "--debug"]])
def test_debug_shows_where_an_error_came_from(args):
    done = process(*args)
    assert done.code == 1
    assert "Traceback" in done.err
    assert "FileError" in done.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_accepts_debug(command):
    assert "│ --debug" in run(command, "--help").out.replace("│    --", "│ --")


def test_debug_holds_for_one_run():
    with pytest.raises(FileError):
        run("plot", "gone.safetensors", "--debug")
    assert run("plot", "gone.safetensors").code == 1


def test_a_bug_shows_its_traceback(monkeypatch):
    monkeypatch.setattr("attnviz.cli.run.Run.trace", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("plot", "I ate")


def interrupted(running: subprocess.Popen, wait_for_stderr: bool = False) -> tuple[int, str, str]:
    """Ctrl-C, once the command is waiting."""
    try:
        running.wait(2.5)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    return running.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("args", [["plot"], ["plot", "-"], ["heads", "-"], ["trace", "-o", "never.safetensors"]])
def test_ctrl_c_exits_with_130_without_a_traceback(args, tmp_path):
    code, out, err = interrupted(start(*args, cwd=tmp_path))
    assert (code, out) == (130, "")
    assert "Interrupted." in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("args", [["--help"], ["plot", "I ate an apple " * 100], ["models"]])
def test_a_closed_pipe_gives_no_traceback(args):
    running = start(*args, stdin=subprocess.DEVNULL)
    running.stdout.close()
    err = running.stderr.read().decode()
    running.wait(60)
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    assert running.returncode in (1, 141)


def test_a_full_disk_behind_stdout_is_an_error_not_a_traceback():
    with open("/dev/full", "wb") as full:
        done = process("plot", "I ate an apple", stdout=full)
    assert done.code == 1
    assert "No space left" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "env", [{"NO_COLOR": "1", "FORCE_COLOR": ""}, {"TERM": "dumb", "NO_COLOR": ""}, {"NO_COLOR": ""}]
)
def test_what_is_piped_is_plain_text(env, tmp_path):
    saved = encoder_decoder().save(tmp_path / "t.safetensors")
    done = process("plot", saved, env=env)
    assert done.code == 0
    assert "\x1b" not in done.out + done.err


def in_a_terminal(*args: str, **variables: str) -> str:
    """What a terminal 100 columns wide would be sent."""
    code = f"""
import fcntl, os, pty, struct, sys, termios
os.environ.update({ {"TERM": "xterm-256color", "COLORTERM": "truecolor", **variables}!r})
for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
    if name not in {variables!r}: os.environ.pop(name, None)
pid, terminal = pty.fork()
if not pid:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    os.execv(sys.executable, [sys.executable, "-m", "attnviz", *{list(args)!r}])
data = b""
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read: break
    data += read
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(data)
sys.exit(os.waitstatus_to_exitcode(status))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


def test_a_terminal_gets_true_colours_unless_it_asks_for_none(tmp_path):
    saved = str(encoder_decoder().save(tmp_path / "t.safetensors"))
    assert "\x1b[38;2;" in in_a_terminal("plot", saved)
    plain = in_a_terminal("plot", saved, NO_COLOR="1")
    assert "38;2" not in plain
    assert "48;2" not in plain
    assert "apple" in plain
    assert "\x1b" not in in_a_terminal("plot", saved, TERM="dumb", COLORTERM="")


def test_the_installed_command_is_the_same():
    from importlib.metadata import entry_points

    [script] = [entry for entry in entry_points(group="console_scripts") if entry.name == "attnviz"]
    assert script.value == "attnviz.__main__:main"
    assert sys.modules["attnviz.cli"]
