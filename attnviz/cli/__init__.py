"""The command line: one short file per command. To add a command, add a file under commands/ and a line here."""

import inspect
from typing import Annotated

import typer

from attnviz.cli.commands import ablate, batch, compare, explain, heads, models, plot, sources, trace, train, view
from attnviz.cli.errors import settings
from attnviz.cli.help import Command, CommandGroup, TextCommand, examples, paragraphs

COMMANDS = {
    "plot": plot,
    "heads": heads,
    "sources": sources,
    "explain": explain,
    "ablate": ablate,
    "compare": compare,
    "view": view,
    "batch": batch,
    "trace": trace,
    "models": models,
    "train": train,
}

app = typer.Typer(
    name="attnviz",
    cls=CommandGroup,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(is_given: bool) -> None:
    if is_given:
        from importlib.metadata import version

        typer.echo(f"attnviz {version('attnviz')}")
        raise typer.Exit


def _debug(is_given: bool) -> None:
    settings.debug |= is_given


@app.callback(epilog=examples(plot.EXAMPLES))
def attnviz(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of an error.", callback=_debug, expose_value=False),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_version, expose_value=False, is_eager=True),
    ] = False,
) -> None:
    """See which word every head of a transformer looks at."""


for _name, _module in COMMANDS.items():
    _command = getattr(_module, _name)
    _takes_text = "as_text" in inspect.signature(_command).parameters
    app.command(
        _name,
        cls=TextCommand if _takes_text else Command,
        context_settings={"allow_extra_args": _takes_text},
        help=paragraphs(_command.__doc__),
        epilog=examples(_module.EXAMPLES),
    )(_command)
