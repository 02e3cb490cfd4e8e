"""The command line: one file a command, thin. A new command is a file here, and a line in `COMMANDS`."""

import inspect
from typing import Annotated

import typer

from attnviz.cli import batch, heads, models, plot, trace, train
from attnviz.cli.command import Command, Commands, Sentence
from attnviz.cli.running import examples, guarded, paragraphs, settings

COMMANDS = {
    "plot": plot,
    "heads": heads,
    "batch": batch,
    "trace": trace,
    "models": models,
    "train": train,
}

app = typer.Typer(
    name="attnviz",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"attnviz {version('attnviz')}")
        raise typer.Exit


@app.callback(epilog=examples(plot.EXAMPLES))
def attnviz(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """See which word every head of a transformer looks at."""
    settings.debug = debug


for _name, _module in COMMANDS.items():
    _command = getattr(_module, _name)
    _takes_text = "text" in inspect.signature(_command).parameters
    app.command(
        _name,
        cls=Sentence if _takes_text else Command,
        context_settings={"allow_extra_args": _takes_text},
        help=paragraphs(_command.__doc__),
        epilog=examples(_module.EXAMPLES),
    )(guarded(_command))
