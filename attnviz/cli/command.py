"""What a command of ours does beyond Typer's: its --help stands in groups, and a sentence is asked to have quotes."""

from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from attnviz.cli.options import GROUPS
from attnviz.cli.running import printable


class Command(TyperCommand):
    """A command whose --help stands in groups."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """The parameters as --help lists them."""
        return _in_groups(super().get_params(ctx))


class Commands(TyperGroup):
    """attnviz, which has all the commands."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """The parameters as --help lists them."""
        return _in_groups(super().get_params(ctx))


class Sentence(Command):
    """A command whose TEXT is one argument, and which says so where a sentence came without its quotes."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """The arguments that are left over. Raises BadParameter where some are."""
        left: list[str] = super().parse_args(ctx, args)
        if left:
            sentence = printable(" ".join([ctx.params["text"], *left]))
            raise typer.BadParameter(f'put the sentence in quotes: "{sentence}"', ctx, param_hint="TEXT")
        return left


def _in_groups(parameters: Iterable[Any]) -> list[Any]:
    """The parameters of no group first. Their names say what they take: none is shown with its Python type."""
    places = {group: place for place, group in enumerate(GROUPS)}
    ordered = sorted(parameters, key=lambda parameter: places.get(parameter.rich_help_panel, -1))
    for parameter in ordered:
        if isinstance(parameter, TyperArgument) or parameter.is_flag:
            parameter.display_type_rich = lambda ctx: None
    return ordered
