"""The options that several commands share: their headings in --help, and how their values are read."""

import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from attnviz.analysis.methods import METHODS, method_named
from attnviz.cli import completion
from attnviz.cli.errors import UsageError
from attnviz.errors import SelectionError
from attnviz.head_names import Names, parse_heads, parse_layers
from attnviz.kinds import KINDS

GROUPS = ("Which heads", "In place of TEXT", "Text", "What to show", "Look", "Model", "Output")
"""The headings of --help, in order. The few options that everyone needs are above them."""
WHICH_HEADS, IN_PLACE_OF_TEXT, TEXT, SHOWN, LOOK, MODEL, OUTPUT = GROUPS
DTYPES = ("float32", "float16", "bfloat16")


def option(*names: str, group: str | None = None, **settings: Any) -> Any:
    """An option of the command line, under the heading `group` of --help."""
    return typer.Option(*names, rich_help_panel=group, **{"show_default": False, **settings})


def lines(*some: str) -> str:
    """A help text that is several lines: Typer joins lines that are not paragraphs."""
    return "\n\n".join(some)


def checked(read: Callable[[Names], object]) -> Callable[[list[str] | None], list[str] | None]:
    """A callback that checks the values of an option early, as Typer does. It raises UsageError for a wrong name."""

    def checked(values: list[str] | None) -> list[str] | None:
        try:
            read(values) if values else None
        except SelectionError as error:
            raise UsageError(error.message, error.hint) from None
        return values

    return checked


def checked_method(value: str) -> str:
    """A method of counting attention. Raises UsageError for an unknown one, before a model is loaded."""
    try:
        method_named(value)
    except SelectionError as error:
        raise UsageError(error.message, error.hint) from None
    return value


def positive(param: typer.CallbackParam, value: int | None) -> int | None:
    """A number of at least 1, or None. Raises UsageError for one below."""
    if value is not None and value < 1:
        raise UsageError(f"{param.opts[0]} cannot be {value}", "A whole number, 1 or more.")
    return value


def not_negative(param: typer.CallbackParam, value: int | None) -> int | None:
    """A number of at least 0, or None. Raises UsageError for one below."""
    if value is not None and value < 0:
        raise UsageError(f"{param.opts[0]} cannot be {value}", "A whole number, 0 or more.")
    return value


Text = Annotated[
    str | None,
    typer.Argument(
        metavar="TEXT",
        help="The sentence; a saved trace (x.safetensors); or - for standard input.",
        show_default=False,
    ),
]
AsText = Annotated[
    str | None,
    option(
        "--text",
        group=TEXT,
        metavar="TEXT",
        help="The sentence, whatever it looks like: one that begins with a dash, or that is a file's name too.",
    ),
]
Model = Annotated[
    str,
    option(
        *("--model", "-m"),
        metavar="MODEL",
        autocompletion=completion.models,
        help="builtin (the default), a name on the Hugging Face Hub, a folder of a model or of an adapter, "
        "a GGUF file, or an installed package that carries a model.",
    ),
]
Layers = Annotated[
    list[str] | None,
    option(
        *("--layer", "-l"),
        metavar="LAYERS",
        callback=checked(parse_layers),
        autocompletion=completion.layers,
        help="Layers: 3; a range or a list, 0-3,5; from the end, last or -2; one head of one layer, L3H1. Repeatable.",
    ),
]
Heads = Annotated[
    list[str] | None,
    option(
        "--head",
        metavar="HEADS",
        callback=checked(parse_heads),
        autocompletion=completion.heads,
        help="Heads: 1; a range or a list, 0-3,5; from the end, last or -2; one of one layer, L3H1. Repeatable.",
    ),
]

Target = Annotated[
    str | None,
    option(
        group=TEXT,
        metavar="TEXT",
        help="The text that an encoder-decoder's decoder reads; by default the model writes it, always the likeliest "
        "token.",
    ),
]
TextPair = Annotated[
    str | None, option(group=TEXT, metavar="TEXT", help="A second sentence, for models that read two.")
]
SourceLanguage = Annotated[
    str | None,
    option(
        group=TEXT,
        metavar="CODE",
        help="The language of TEXT, for a translator of many: its tokenizer's code, such as fr, fr_XX or fra_Latn.",
    ),
]
TargetLanguage = Annotated[
    str | None,
    option(group=TEXT, metavar="CODE", help="The language that it translates into, whether --target is given or not."),
]
Chat = Annotated[
    bool, option("--chat", group=TEXT, help="TEXT is a user's message: put it into the model's chat template.")
]
Generate = Annotated[
    int | None,
    option(
        group=TEXT,
        metavar="N",
        callback=positive,
        help="Let a decoder write N more tokens, always the likeliest, and show its attention over TEXT and what it "
        "wrote.",
    ),
]

Kind = Annotated[
    str | None,
    option(
        group=SHOWN,
        metavar="KIND",
        autocompletion=completion.one_of(KINDS),
        help=f"The kind of attention: {', '.join(KINDS)}.",
    ),
]
Rows = Annotated[
    list[str] | None,
    option(
        "--rows",
        group=SHOWN,
        metavar="ROWS",
        help="Show only these queries: 3, 0-5, last:20, prompt, or answer (those that write it). Repeatable.",
    ),
]
Columns = Annotated[
    list[str] | None,
    option(
        "--columns",
        group=SHOWN,
        metavar="COLUMNS",
        help="Show only these keys: 3, 0-5, last:20, prompt, answer. Repeatable.",
    ),
]
Cells = Annotated[
    int | None,
    option(
        group=SHOWN,
        metavar="N",
        callback=positive,
        help="Pool a text of more than N tokens to N rows and N columns, each cell by its largest weight; 512 by "
        "default. A saved trace is drawn as it was saved, or with fewer cells where N says so.",
    ),
]
Words = Annotated[
    bool,
    option(
        "--words", group=SHOWN, help="Merge the tokens of each word; in scripts without spaces each token is a word."
    ),
]
Neurons = Annotated[
    int | None,
    option(
        "--neurons",
        group=OUTPUT,
        metavar="LAYER",
        callback=not_negative,
        help="Keep the queries, keys and values of this layer too: what its weights are computed from.",
    ),
]
Method = Annotated[
    str,
    option(
        "--method",
        group=SHOWN,
        metavar="METHOD",
        callback=checked_method,
        autocompletion=completion.one_of(METHODS),
        help=lines(
            "What attention is counted by; raw by default:",
            *(f"{method.name}: {method.description}" for method in METHODS.values()),
        ),
    ),
]
Why = Annotated[bool, option("--why", group=SHOWN, help="Explain by which rule and which numbers the head was chosen.")]

Tokenizer = Annotated[
    str | None,
    option(
        group=MODEL,
        metavar="NAME",
        help="A tokenizer in place of the model's own: a name on the Hub, a folder, a .gguf file, or a package.",
    ),
]
Device = Annotated[
    str | None,
    option(group=MODEL, metavar="DEVICE", help="cpu, cuda, cuda:1 or mps; by default auto, the best of them."),
]
Dtype = Annotated[
    str | None,
    option(
        group=MODEL,
        metavar="DTYPE",
        autocompletion=completion.one_of(DTYPES),
        help="float32, float16 or bfloat16; by default the model's own.",
    ),
]
Revision = Annotated[
    str | None, option(group=MODEL, metavar="REVISION", help="A branch, tag or commit of a model on the Hub.")
]
TrustRemoteCode = Annotated[
    bool, option("--trust-remote-code", group=MODEL, help="Run the Python code that comes with the model.")
]


def numbers(values: list[str] | None, option: str) -> tuple[int, ...] | None:
    """The whole numbers of values such as `3` and `0-5`; None without values. Raises UsageError for anything else."""
    if not values:
        return None
    found: dict[int, None] = {}
    for part in (part.strip() for value in values for part in value.split(",")):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise UsageError(f"{option}: {part!r} is neither a number nor a range", "For example: 3, 0-5.")
        found |= dict.fromkeys(range(int(match[1]), int(match[2] or match[1]) + 1))
    return tuple(found)


def tokens(values: list[str] | None, option: str) -> tuple[int | str, ...] | None:
    """The rows or columns of a matrix: numbers as in `numbers`, and names such as `answer` and `last:20`."""
    from attnviz.token_names import NAMES, is_name

    parts = [part.strip() for value in values or () for part in value.split(",")]
    named = [part for part in parts if is_name(part)]
    try:
        numbered = numbers([part for part in parts if not is_name(part)], option)
    except UsageError as error:
        raise UsageError(f"{error.message}, nor a name", f"For example: 3, 0-5, or a name: {NAMES}.") from None
    return (*(numbered or ()), *named) or None
