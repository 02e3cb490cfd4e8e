"""`attnviz models`: what can be loaded here, and what the built-in model knows."""

from importlib.util import find_spec
from typing import Annotated

import typer

from attnviz.cli import completion
from attnviz.cli.console import printable, stdout
from attnviz.cli.errors import UsageError
from attnviz.cli.options import option

EXAMPLES = """\
attnviz models
attnviz models builtin
attnviz models builtin --words"""
BUILTIN = "builtin"  # attnviz.models.BUILTIN, which takes longer to import than the completion of a name may


def models(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="builtin",
            help="Show what the built-in model knows: its constructions, an example of each.",
            autocompletion=completion.one_of([BUILTIN]),
            show_default=False,
        ),
    ] = None,
    words: Annotated[bool, option("--words", help="Show its words by topic, in both languages.")] = False,
) -> None:
    """List what can be loaded here, or show what the built-in model knows."""
    if name not in (None, BUILTIN):
        raise UsageError(
            f"what {name} was taught is not known: only the built-in model was taught from a grammar",
            "List its constructions: attnviz models builtin",
        )
    if words and name is None:
        raise UsageError("--words needs a model", "Name it: attnviz models builtin --words")
    if name is None:
        _list()
    elif words:
        _show_words()
    else:
        _show_constructions()


def _show_words() -> None:
    from attnviz.cli.pager import show
    from attnviz.render.terminal.word_lists import WordLists
    from attnviz.scratch.topics import words_by_topic

    show(WordLists(words_by_topic()))


def _show_constructions() -> None:
    """A line for each construction: an example, and how many test sentences of it are translated right."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from attnviz.cli.pager import show
    from attnviz.render.terminal.drawing import Trimmed
    from attnviz.scratch.example_sentences import example_sentences
    from attnviz.scratch.store import shipped

    checkpoint = shipped()
    table = Table("construction", box=None, pad_edge=False)
    table.add_column("example", overflow="fold")
    for heading in ("en→ko", "ko→en"):
        table.add_column(heading, justify="right", no_wrap=True)
    for construction, (english, korean) in example_sentences(checkpoint.tokenizer).items():
        rates = checkpoint.rates.get(construction, {})
        shares = [f"{rates[one]:.0%}" if one in rates else "" for one in ("Korean", "English")]
        table.add_row(construction, Text(f"{english}  {korean}"), *shares)
    lines = [
        "en→ko, ko→en: how many sentences of that construction, which training never saw, are translated right",
        *(
            f"to {one.language} {one.caught:.0%} of the wrong translations are shown as not sure, and"
            f" {one.lost:.0%} of the right ones"
            for one in checkpoint.thresholds
        ),
        "its words: attnviz models builtin --words",
    ]
    show(Trimmed(Group(table, Text("\n".join(lines), style="dim"))))


def _list() -> None:
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    from attnviz.models.huggingface.hub_cache import cached_models
    from attnviz.models.huggingface.packages import packaged_models
    from attnviz.render.terminal.drawing import Trimmed
    from attnviz.scratch.transformer import Config

    table = Table("model", "what it is", box=None, pad_edge=False)
    sizes = f"{Config.encoder_layers} + {Config.decoder_layers} layers × {Config.h} heads"
    table.add_row(
        "builtin", f"encoder-decoder, {sizes}: translates between English and Korean (attnviz models builtin)"
    )
    for model in cached_models():
        part = "" if model.has_weights else ", without weights"
        table.add_row(Text(printable(model.name)), f"in the Hugging Face cache, {model.size}{part}")
    for packaged in packaged_models():
        table.add_row(Text(printable(packaged.package)), f"in an installed package, {decimal(packaged.size)}")
    table.add_row("NAME", "any text model of the Hugging Face Hub, downloaded once")
    peft = "" if find_spec("peft") else " (needs: pip install 'attnviz[adapters]')"
    table.add_row("FOLDER", "a local folder with config.json, weights and tokenizer")
    table.add_row("ADAPTER", f"a local folder, or a name on the Hub, with an adapter of peft for another model{peft}")
    gguf = "" if find_spec("gguf") else " (needs: pip install 'attnviz[gguf]')"
    table.add_row("PACKAGE", "an installed package that carries a model")
    table.add_row("FILE.gguf", f"a GGUF file{gguf}")
    table.add_row("FILE.safetensors", "a built-in model that attnviz train has made")
    stdout().print(Trimmed(table))
