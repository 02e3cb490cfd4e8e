"""`attnviz heads`: every head of the model, with what it does."""

from typing import Annotated

from attnviz.analysis.head_table import COLUMNS, require_names
from attnviz.analysis.role import ROLES
from attnviz.attention import Trace
from attnviz.cli import completion, options
from attnviz.cli.console import notes
from attnviz.cli.errors import UsageError
from attnviz.cli.output import Output, check_writable, ending, print_path, write
from attnviz.cli.pager import show
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.files import PICTURE_ENDINGS, write_whole
from attnviz.render import check

EXAMPLES = """\
attnviz heads
attnviz heads --layer 3
attnviz heads --sort entropy --top 5
attnviz heads "The cat sat on the mat." -m path/to/model --role previous
attnviz heads -o entropy.png --measure entropy
attnviz heads "그녀는 사과를 먹고 학교에 갔다." -o heads.csv"""

TABLE_ENDINGS = (".csv", ".json", ".parquet")
DEFAULT_TEXT = "I ate an apple"
MEASURES = ", ".join(COLUMNS)

Sort = Annotated[
    str | None,
    options.option(
        group=options.SHOWN,
        metavar="MEASURE",
        autocompletion=completion.of(COLUMNS),
        help=f"Order the heads by a measure, the largest first: {MEASURES}.",
    ),
]
Role = Annotated[
    str | None,
    options.option(
        group=options.SHOWN,
        metavar="ROLE",
        autocompletion=completion.of(ROLES),
        help="Only heads of this role. A role is a measure above a threshold, and above what looking at all alike "
        "gives: " + ", ".join(f"{role.name} > {role.threshold:g} ({role.meaning})" for role in ROLES.values()) + ".",
    ),
]
Top = Annotated[
    int | None,
    options.option(
        group=options.SHOWN, metavar="N", callback=options.positive, help="Only the first N heads of each kind."
    ),
]
Measure = Annotated[
    str | None,
    options.option(
        group=options.SHOWN,
        metavar="MEASURE",
        autocompletion=completion.of(COLUMNS),
        help="With -o, draw a map of this measure, layers × heads, in place of the heads themselves.",
    ),
]


@expand_option_groups
def heads(
    run: Run,
    plot_options: PlotOptionGroup,
    text: Text,
    target: options.Target = None,
    output: Output = None,
    sort: Sort = None,
    role: Role = None,
    top: Top = None,
    measure: Measure = None,
) -> None:
    """List every head: what it does, where its attention goes, and its strongest pair of words.

    With -o, a grid of small heatmaps, a map of a measure, or a table: .csv, .json or .parquet. Without TEXT the
    sentence is "I ate an apple".
    """
    text = text if text.is_given else Text(as_text=DEFAULT_TEXT)
    require_names(sort, role)
    require_names(measure)
    suffix = "" if output is None else ending(output).lower()
    _check(plot_options, suffix if output else None, sort, role, top, measure)
    check_writable(output, run.reads(text), is_table=suffix in TABLE_ENDINGS)
    trace = run.trace(text, "heads", target, plot_options.query)
    notes(trace.notes)
    if left_out := trace.provenance.get("left out"):
        notes(left_out.split("; "))
    if without := trace.provenance.get("layers without attention"):
        notes([f"layers without attention: {without}"])
    if output is None:
        from attnviz.render.terminal.table import Heads

        show(Heads(trace, sort, role, top))
    elif suffix in TABLE_ENDINGS:
        print_path(write_whole(output, _table(trace, suffix, sort, role, top)))
    elif measure:
        from attnviz.render.picture.measure_map import measure_map

        print_path(write_whole(output, measure_map(trace, measure, suffix, plot_options)))
    else:
        from attnviz.render.plan import head_scenes

        write(output, trace, head_scenes(trace, plot_options), plot_options)


def _table(trace: Trace, suffix: str, sort: str | None, role: str | None, top: int | None) -> bytes:
    """The heads of every kind as a file that ends in `suffix`."""
    from attnviz.analysis.head_table import head_rows
    from attnviz.render.head_data import TABLES, records

    rows = [row for kind in trace.kinds for row in head_rows(trace, kind, sort=sort, role=role, top=top)]
    return TABLES[suffix](records(trace, rows))


def _check(
    plot_options: PlotOptionGroup,
    suffix: str | None,
    sort: str | None,
    role: str | None,
    top: int | None,
    measure: str | None,
) -> None:
    """Refuse options that would change nothing: of a table for pictures, and of pictures for a table."""
    check(plot_options, suffix, is_drawn=False)
    is_picture = suffix in PICTURE_ENDINGS
    if measure is not None and not is_picture:
        raise UsageError("--measure draws a picture", "Name one: -o heads.png. To order a table: --sort.")
    for name, value in (("sort", sort), ("role", role), ("top", top)):
        if value is not None and suffix is not None and suffix not in TABLE_ENDINGS:
            raise UsageError(
                f"--{name} is for the table of heads", f"Leave out -o, or name one of: {' '.join(TABLE_ENDINGS)}"
            )
