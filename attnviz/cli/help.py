"""Our commands extend Typer's: help in groups, --debug anywhere, one form of errors, a text without a command."""

import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from shlex import join, quote
from typing import Any, NoReturn

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.exceptions import TyperException

from attnviz.cli.errors import MISUSED, UsageError, exit_code
from attnviz.cli.options import GROUPS


class Command(TyperCommand):
    """A command whose --help is in groups, and which also accepts --debug."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """The parameters in the order of --help."""
        everywhere = [option for option in ctx.find_root().command.params if option.name == "debug"]
        *own, help_option = super().get_params(ctx)
        return _in_groups([*own, *everywhere, help_option])

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """The arguments that are left over. Raises UsageError for a long option with one dash."""
        if not ctx.resilient_parsing:
            _require_two_dashes(args, self.get_params(ctx))
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            error.ctx = getattr(error, "ctx", None) or ctx  # type: ignore[attr-defined]  # names the command for --help
            raise


class TextCommand(Command):
    """A command with TEXT as one argument; errors say what to type for a sentence without quotes, or with a dash."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """The arguments that are left over: none. Raises UsageError for left-over words and a sentence with a dash."""
        as_text = {} if ctx.resilient_parsing else self._as_text(ctx, args)
        for word, command in as_text.items():
            if any(map(str.isspace, word.split("=")[0])) and not _is_joined(word, self.params):
                hint = f"Say that it is the text: {command}"
                raise UsageError(f"{quote(word)} begins with a dash, as options do", hint)
        try:
            left: list[str] = super().parse_args(ctx, args)
        except TyperException as error:
            if unknown := getattr(error, "option_name", None):
                commands = (command for word, command in as_text.items() if word.startswith(unknown))
                error.as_text = next(commands, None)  # type: ignore[attr-defined]
            raise
        if left and not ctx.resilient_parsing:
            first, text = ctx.params["as_text"], ctx.params["text"]
            command = ctx.command_path if first is None else f"{ctx.command_path} --text"
            second = [other] if (other := ctx.params.get("other")) else []
            sentence = _quoted(command, [*([] if first is None else [first]), text, *second, *left])
            raise UsageError("TEXT is several words, without quotes", f"Put the sentence in quotes: {sentence}")
        return left

    def _as_text(self, ctx: typer.Context, args: Sequence[str]) -> dict[str, str]:
        """For each word that is read as an option, the command that reads it as TEXT; empty if there is a TEXT."""
        options, texts = _split_arguments(args, self.get_params(ctx))
        if texts or any(word.split("=")[0] == "--text" for _, word in options):
            return {}
        return {word: f"{ctx.command_path} {join([*args[:index], '--text', *args[index:]])}" for index, word in options}


class CommandGroup(TyperGroup):
    """attnviz with all its commands; a text without a command is drawn by `plot`."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run a command, and exit with its code."""
        run = super().main
        sys.exit(exit_code(lambda: run(*args, **{**options, "standalone_mode": False})))

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """The parameters in the order of --help."""
        return _in_groups(super().get_params(ctx))

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """The arguments that are left over: a command and its arguments. Raises UsageError for a misspelled command."""
        if not ctx.resilient_parsing:
            _require_two_dashes(args, [*self.get_params(ctx), *self.commands["plot"].params])
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(MISUSED)
        return super().parse_args(ctx, self._with_command(ctx, args))

    def _with_command(self, ctx: typer.Context, args: list[str]) -> list[str]:
        """`args`, with `plot` before a text or an option of `plot` in the place of a command.

        Raises UsageError for a word that is almost a command.
        """
        own = {name for option in self.get_params(ctx) for name in option.opts}
        index = next((index for index, word in enumerate(args) if word not in own), len(args))
        if index == len(args) or args[index] in self.commands:
            return args
        word, plot = args[index], self.commands["plot"]
        if word.startswith("--") and word != "--" and not any(map(str.isspace, word)):
            known = [name for option in plot.params for name in (*option.opts, *option.secondary_opts)]
            if word.split("=")[0] not in known:
                return args
        elif not word.startswith("-") and not ctx.resilient_parsing:
            self._require_no_typo(word, args[index + 1 :])
        return [*args[:index], "plot", *args[index:]]

    def _require_no_typo(self, word: str, after: list[str]) -> None:
        """Raise UsageError for a word that is almost a command; the hint also allows for a sentence without quotes."""
        words = {**{name: name for name in self.commands}, "help": "--help", "version": "--version"}
        if word.isascii() and (near := get_close_matches(word.lower(), words, 1, _NEAR)):
            hint = f"Did you mean attnviz {words[near[0]]}?"
            if not any(" " in other or other.startswith("-") for other in after):
                hint += f" Or, if that is the text: {_quoted('attnviz plot', [word, *after])}"
            raise UsageError(f"there is no command {word}", hint)


_NEAR = 0.75  # `polt` is this near to `plot`, but `hello` is not to `help`


def _require_two_dashes(args: Sequence[str], parameters: Iterable[Any]) -> None:
    """Raise UsageError for `-layer`, which would be read as `-l ayer`."""
    known = _by_name(parameters)
    for _, word in _split_arguments(args, parameters)[0]:
        name = word.split("=")[0]
        if len(name) > len("-l") and not name.startswith("--") and f"-{name}" in known:
            raise UsageError(f"there is no option {name}", f"Did you mean -{name}?")


def _split_arguments(args: Sequence[str], parameters: Iterable[Any]) -> tuple[list[tuple[int, str]], list[str]]:
    """The options among `args`, with their indices; and the texts, which are neither options nor their values."""
    known, words = _by_name(parameters), enumerate(args)
    options: list[tuple[int, str]] = []
    texts: list[str] = []
    for index, word in words:
        if word == "--":
            return options, [*texts, *args[index + 1 :]]
        if word == "-" or not word.startswith("-"):
            texts.append(word)
            continue
        options.append((index, word))
        if word in known and not known[word].is_flag:
            next(words, None)  # its value
    return options, texts


def _by_name(parameters: Iterable[Any]) -> dict[str, Any]:
    """The options among `parameters`, by all of their names."""
    options = (parameter for parameter in parameters if not isinstance(parameter, TyperArgument))
    return {name: option for option in options for name in (*option.opts, *option.secondary_opts)}


def _is_joined(word: str, parameters: Iterable[Any]) -> bool:
    """Whether `word` is the short name of an option together with its value, as in `-o'my picture.png'`."""
    option = _by_name(parameters).get(word[:2])
    return option is not None and not option.is_flag and not word[2].isspace()


def _quoted(command: str, words: Iterable[str]) -> str:
    return f'{command} "{" ".join(words)}"'


def _in_groups(parameters: Iterable[Any]) -> list[Any]:
    """The parameters, those without a group first. Their Python types are not shown, since the names say enough."""
    places = {group: place for place, group in enumerate(GROUPS)}
    ordered = sorted(parameters, key=lambda parameter: places.get(parameter.rich_help_panel, -1))
    for parameter in ordered:
        if isinstance(parameter, TyperArgument) or parameter.is_flag:
            parameter.display_type_rich = lambda ctx: None
    return ordered


def examples(lines: str) -> str:
    """Example commands, one a line, for the end of a help text."""
    return "[bold]Examples:[/bold]\n" + lines


def paragraphs(docstring: str) -> str:
    """A docstring as a help text: one line per paragraph, which the terminal wraps."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in docstring.split("\n\n"))
