"""The options that several commands share, and how their values are read."""

import re
from typing import Annotated

import typer

from attnviz.kinds import KINDS

Text = Annotated[
    str | None,
    typer.Argument(
        metavar="TEXT",
        help="The sentence; a saved trace (x.safetensors); or - for standard input.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", metavar="MODEL", help="builtin, a Hugging Face Hub name, a local folder, or a .gguf file."
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="What the decoder reads; generated when absent. Encoder-decoder models.",
        show_default=False,
    ),
]
TextPair = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="A second sentence, for models that read pairs.", show_default=False),
]
Chat = Annotated[bool, typer.Option("--chat", help="TEXT is a user's message: apply the model's chat template.")]
Generate = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Let the model write N tokens after TEXT, and draw both as one. Decoder-only models.",
        show_default=False,
    ),
]
Layers = Annotated[
    list[str] | None,
    typer.Option("--layer", "-l", metavar="N", help="A layer, or a range: 3, 0-5. Repeatable.", show_default=False),
]
Heads = Annotated[
    list[str] | None,
    typer.Option("--head", metavar="N", help="A head, or a range: 3, 0-5. Repeatable.", show_default=False),
]
Kind = Annotated[
    str | None,
    typer.Option(metavar="KIND", help=f"The kind of attention: {', '.join(KINDS)}.", show_default=False),
]
Rows = Annotated[
    list[str] | None,
    typer.Option("--rows", metavar="N", help="Only these queries, by number: 3, 0-5. Repeatable.", show_default=False),
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--columns", metavar="N", help="Only these keys, by number: 3, 0-5. Repeatable.", show_default=False),
]
Cells = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, help="Pool a longer text to at most so many rows and columns, each by its largest weight."
    ),
]
Words = Annotated[
    bool,
    typer.Option("--words", help="Merge the tokens of each word; in scripts without spaces a token is a word."),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1, mps, or auto: the best that there is.", show_default=False),
]
Dtype = Annotated[
    str | None,
    typer.Option(metavar="DTYPE", help="float32, float16, bfloat16; else the model's own.", show_default=False),
]
Revision = Annotated[
    str | None, typer.Option(metavar="REVISION", help="A branch, tag or commit of a Hub model.", show_default=False)
]
TrustRemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run the Python code in the model's repository.")
]


def numbers(values: list[str] | None, option: str) -> tuple[int, ...] | None:
    """The whole numbers that `3` and `0-5` stand for, None where there are none; a usage error for anything else."""
    if not values:
        return None
    found: dict[int, None] = {}
    for part in (part.strip() for value in values for part in value.split(",")):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise typer.BadParameter(f"{part!r} is neither a number nor a range such as 0-5.", param_hint=option)
        found |= dict.fromkeys(range(int(match[1]), int(match[2] or match[1]) + 1))
    return tuple(found)
