"""`attnviz compare`: two texts, models, traces, heads or layers, and their difference."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from attnviz.cli import completion, options
from attnviz.cli.console import notes
from attnviz.cli.errors import UsageError
from attnviz.cli.head_options import TABLE_ENDINGS
from attnviz.cli.options import checked, option
from attnviz.cli.output import check_writable, ending, print_path, require_ending
from attnviz.cli.pager import show
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.cli.several_texts import require_one_piped, texts_given, trace_each
from attnviz.files import PICTURE_ENDINGS, write_whole
from attnviz.head_names import parse_heads, parse_layers
from attnviz.render import check

if TYPE_CHECKING:
    from attnviz.analysis.comparison import Comparison

EXAMPLES = """\
attnviz compare "I ate an apple" "I ate a red apple"
attnviz compare "I ate an apple" --head L3H1 --with-head L3H2
attnviz compare "I ate an apple" --layer 3 --with-layer 2 --mean -o layers.png
attnviz compare "I ate an apple" -m path/to/model --with-model path/to/another
attnviz compare before.safetensors after.safetensors -o distances.csv
attnviz compare "I ate an apple\""""

Side = TypeVar("Side")
Both = tuple[Side, Side]
"""The value of A and that of B."""

Other = Annotated[
    str | None,
    typer.Argument(
        metavar="OTHER", help="What TEXT is compared with: a sentence, or a saved trace.", show_default=False
    ),
]
WithModel = Annotated[
    str | None,
    option(
        "--with-model",
        metavar="MODEL",
        autocompletion=completion.models,
        help="The model of B; --model is that of A.",
    ),
]
WithLayer = Annotated[
    list[str] | None,
    option(
        "--with-layer",
        metavar="LAYERS",
        callback=checked(parse_layers),
        autocompletion=completion.layers,
        help="The layers of B; --layer names those of A.",
    ),
]
WithHead = Annotated[
    list[str] | None,
    option(
        "--with-head",
        metavar="HEADS",
        callback=checked(parse_heads),
        autocompletion=completion.heads,
        help="The heads of B; --head names those of A.",
    ),
]
Top = Annotated[
    int | None,
    option(group=options.SHOWN, metavar="N", callback=options.positive, help="Only the first N distances of a kind."),
]
Output = Annotated[
    Path | None,
    option(
        *("--output", "-o"),
        metavar="FILE",
        help="Write to this file: a picture (.png .svg .pdf), or the distances of the heads (.csv .json .parquet).",
    ),
]


@dataclass(frozen=True)
class TwoTexts(Text):
    """TEXT, and OTHER if it is given."""

    other: Other = None

    @cached_property
    def sides(self) -> Both[Text]:
        """The texts of A and B, which may be the same. With --text, the first argument is the text of B."""
        given = texts_given(self.as_text, self.text, self.other)
        if len(given) > 2:
            raise UsageError("there are three texts, one of them after --text", "Leave one of them out.")
        first, *others = given or [Text()]
        return first, others[0] if others else first


@expand_option_groups
def compare(
    run: Run,
    plot_options: PlotOptionGroup,
    text: TwoTexts,
    with_model: WithModel = None,
    with_layer: WithLayer = None,
    with_head: WithHead = None,
    target: options.Target = None,
    top: Top = None,
    output: Output = None,
) -> None:
    """Draw A, B and their difference, and list how far apart heads are.

    A is TEXT. B is like A, except for what is given for it: OTHER, --with-model, --with-layer, --with-head. If none of
    these is given, every head is compared with every other.

    If A and B have different tokens, the words that both have are compared in order. The two heads that are farthest
    apart are drawn; with --mean or --max, all heads of A as one and all heads of B as one.
    """
    texts = text.sides
    is_one_text = texts[0] is texts[1]
    suffix = None if output is None else ending(output).lower()
    _check(plot_options, output, suffix, top)
    runs = run, _of_b(run, with_model, with_layer, with_head)
    if not is_one_text:
        require_one_piped(texts, "A and B")
    read = [path for run, text in zip(runs, texts, strict=True) for path in run.reads(text)]
    check_writable(output, read, tables=TABLE_ENDINGS)
    from attnviz.comparisons import compare_traces

    is_one_run = is_one_text and with_model is None
    if is_one_run:
        trace = replace(run, layer=None, head=None).trace(texts[0], "compare", target)
        a, b = (one.selection.apply(trace) for one in runs)
    else:
        a, b = trace_each(runs, texts, "compare", target)
    every_two = (with_layer, with_head) != (None, None)
    found = compare_traces(a, b, every_two=every_two, is_one_run=is_one_run, how=plot_options.combines)
    notes(dict.fromkeys(note for trace in found.traces for note in trace.notes))
    _give(found, plot_options, output, suffix, top)


def _check(plot_options: PlotOptionGroup, output: Path | None, suffix: str | None, top: int | None) -> None:
    """Refuse options that a comparison does not have, and an output that it cannot be written to."""
    from attnviz.render.comparison import require_comparable

    if output is not None:
        require_ending(output, (*PICTURE_ENDINGS, *TABLE_ENDINGS))
    require_comparable(plot_options)
    check(plot_options, suffix)
    if top is not None and suffix in PICTURE_ENDINGS:
        raise UsageError(
            "--top is for the distances of heads", f"Leave out -o, or name one of: {' '.join(TABLE_ENDINGS)}"
        )


def _of_b(run: Run, model: str | None, layer: list[str] | None, head: list[str] | None) -> Run:
    """The `run` of B."""
    from attnviz.comparisons import names_of_b

    layers, heads = names_of_b(run.layer, run.head, layer, head)
    return replace(run, model=model or run.model, layer=layers, head=heads)


def _give(
    found: "Comparison", plot_options: PlotOptionGroup, output: Path | None, suffix: str | None, top: int | None
) -> None:
    """Show the comparison, or write it."""
    if output is None:
        from attnviz.render.terminal.comparison import ComparisonDrawing

        show(ComparisonDrawing(found, plot_options, top))
    elif suffix in TABLE_ENDINGS:
        from attnviz.render.head_data import DISTANCE_NAMES, TABLES, distance_records

        print_path(write_whole(output, TABLES[suffix](distance_records(found, top), DISTANCE_NAMES)))
    else:
        from attnviz.render.comparison import comparison_picture

        print_path(write_whole(output, comparison_picture(found, suffix or ".png", plot_options)))
