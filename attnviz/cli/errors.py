"""How a command ends: errors become a message, a hint and an exit code."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import typer
from typer.exceptions import TyperException

from attnviz.cli.console import report, say
from attnviz.errors import AttnvizError

FAILED, MISUSED, PARTLY_FAILED, INTERRUPTED = 1, 2, 3, 130


@dataclass
class Settings:
    """Settings of the whole run."""

    debug: bool = False


settings = Settings()


class UsageError(AttnvizError):
    """A wrong command line, like those that Typer itself rejects."""


def exit_code(run: Callable[[], int | None]) -> int:
    """The exit code of `run`, whose errors are printed. Bugs keep their traceback; with --debug, all errors do."""
    settings.debug = False
    try:
        code = run() or 0
    except TyperException as error:
        report(_usage_error(error))
        return error.exit_code
    except UsageError as error:
        report(error)
        return MISUSED
    except AttnvizError as error:
        if settings.debug:
            raise
        report(error)
        return FAILED
    except OSError as error:
        if settings.debug or error.errno != errno.ENOSPC:
            raise
        report(AttnvizError(f"cannot write the result: {error.strerror}", "Make room, or write it elsewhere."))
        return FAILED
    if code == INTERRUPTED:
        say("Interrupted.")
    return code


_NUMBERS = {"int": "A whole number, such as 5.", "float": "A number, such as 0.5."}
"""What an option wants instead, by how the fault begins that its value is said to have."""


def _usage_error(error: TyperException) -> UsageError:
    """An error of Typer as our message and hint."""
    about: Any = error  # its attributes depend on its class, and these classes are not public in Typer
    context, parameter = getattr(about, "ctx", None), getattr(about, "param", None)
    hint = f"All options: {context.command_path} --help" if context else ""
    if isinstance(error, typer.BadParameter) and parameter is not None:
        name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
        if not error.message:
            return UsageError(f"{name} is missing: {_lowered(parameter.help)}", hint)
        for fault in getattr(error.__cause__, "errors", list)():
            kind = fault["type"].partition("_")[0]
            return UsageError(f"{name} cannot be {fault['input']!r}", _NUMBERS.get(kind, hint))
        return UsageError(f"{name}: {_lowered(error.message)}", hint)
    if hasattr(about, "possibilities"):
        near = get_close_matches(about.option_name, about.possibilities or (), 1, 0.8)
        if command := getattr(about, "as_text", None):
            hint += f"\nIf it is the text: {command}"
        return UsageError(f"there is no option {about.option_name}", f"Did you mean {near[0]}?" if near else hint)
    if hasattr(about, "option_name") and "requires" in error.format_message():
        return UsageError(f"{about.option_name} needs a value", hint)
    return UsageError(_lowered(error.format_message()), hint)


def _lowered(sentence: str) -> str:
    """A sentence in the style of our messages: without its capital and its full stop."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
