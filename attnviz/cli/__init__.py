"""The command line: one file a command, thin. A new command is a file here, and a line in `COMMANDS`."""

import inspect
from typing import Annotated

import typer
from typer.core import TyperCommand

from attnviz.cli import batch, heads, models, plot, trace, train
from attnviz.cli.running import examples, guarded, paragraphs, printable, settings

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
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


class Sentence(TyperCommand):
    """A command whose TEXT is one argument, and which says so where a sentence came without its quotes."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """The arguments that are left over. Raises BadParameter where some are."""
        left: list[str] = super().parse_args(ctx, args)
        if left:
            sentence = printable(" ".join([ctx.params["text"], *left]))
            raise typer.BadParameter(f'put the sentence in quotes: "{sentence}"', ctx, param_hint="TEXT")
        return left


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
        cls=Sentence if _takes_text else None,
        context_settings={"allow_extra_args": _takes_text},
        help=paragraphs(_command.__doc__),
        epilog=examples(_module.EXAMPLES),
    )(guarded(_command))
