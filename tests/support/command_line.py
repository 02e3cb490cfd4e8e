"""Running `attnviz` in a test: in this process, which is fast, or in a new process, as users do."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from attnviz.cli import app

PINNED = {"COLUMNS": "100", "LINES": "40", "NO_COLOR": "1", "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}


@dataclass(frozen=True)
class Done:
    """What became of a command."""

    code: int
    out: str
    err: str


def run(*args: object, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None) -> Done:
    """`attnviz ARGS` in this process. A bug is raised, as it is at the command line."""
    result = CliRunner().invoke(app, list(map(str, args)), input=stdin, env={**PINNED, **(env or {})})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def start(*args: object, env: Mapping[str, str] | None = None, **options: object) -> subprocess.Popen:
    """`python -m attnviz ARGS` in a new process, with pipes unless `options` change that."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        [sys.executable, "-m", "attnviz", *map(str, args)],
        env={**os.environ, **PINNED, **(env or {})},
        **pipes | options,
    )


def process(
    *args: object,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    encoding: str = "utf-8",
    **options: object,
) -> Done:
    """`python -m attnviz ARGS`, to its end."""
    running = start(*args, env=env, cwd=cwd, **options)
    out, err = running.communicate(stdin, timeout=60)
    return Done(running.returncode, (out or b"").decode(encoding), (err or b"").decode(encoding))


def outputs_of_two_processes(code: str) -> list[str]:
    """What `code` prints in two fresh processes that hash strings otherwise; a warning there is an error."""
    here = str(Path(__file__).parent)
    return [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True, encoding="utf-8", check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": here},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip


def imported_modules(code: str, **variables: str) -> set[str]:
    """The modules that a fresh process has imported after `code`."""
    code = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit as end:\n    assert not end.code\nprint('\\n', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())
