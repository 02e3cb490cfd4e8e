"""`attnviz sources`: what an answer looked at, by segment and by token."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from attnviz.analysis.methods import METHODS, RAW
from attnviz.cli import options
from attnviz.cli.console import notes
from attnviz.cli.errors import UsageError
from attnviz.cli.options import option
from attnviz.cli.output import check_writable, ending, print_path, require_ending
from attnviz.cli.pager import show
from attnviz.cli.progress import counting
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.errors import FileError
from attnviz.files import decode_utf8, write_whole
from attnviz.render import PICTURES

if TYPE_CHECKING:
    from attnviz.analysis.answer_sources import AnswerSources
    from attnviz.attention import Trace

EXAMPLES = """\
attnviz sources "I ate an apple. She read a book."
attnviz sources "Where does Clara live?" -m path/to/model --chat --generate 9
attnviz sources "Clara lives in" -m path/to/model --context a.txt --answer Cairo
attnviz sources "I ate an apple. She read a book." --token 1 --top 5
attnviz sources "I ate an apple. She read a book." --method norm
attnviz sources "I ate an apple. She read a book." --method gradient
attnviz sources "I ate an apple. She read a book." -o sources.png"""

TABLE_ENDINGS = (".json", ".csv")
ENDINGS = (*PICTURES, *TABLE_ENDINGS)

Answer = Annotated[
    str | None,
    option("--answer", group=options.TEXT, metavar="TEXT", help="The answer, if the model does not write it."),
]
Context = Annotated[
    list[Path] | None,
    option(
        "--context",
        group=options.TEXT,
        metavar="FILE",
        help="Put the text of this file before TEXT, as one segment. Repeatable.",
    ),
]
Split = Annotated[
    str | None,
    option(
        "--split",
        group=options.SHOWN,
        metavar="MARK",
        help="Split the text into segments at this mark, in which \\n is a new line; by default the segments are "
        "the roles of a chat, or paragraphs, or the sentences of one paragraph.",
    ),
]
Top = Annotated[
    int,
    option(
        group=options.SHOWN,
        metavar="K",
        callback=options.positive,
        help="The number of sources of each token of the answer, and of the whole answer; 3 by default.",
    ),
]
Token = Annotated[
    str | None,
    option(
        "--token",
        group=options.SHOWN,
        metavar="WORD",
        help="Only what this part of the answer looked at: a word, or the number of a token.",
    ),
]
SegmentName = Annotated[
    str | None,
    option(
        "--segment",
        group=options.SHOWN,
        metavar="NAME",
        help="Only sources in this segment: its name, or the beginning of it.",
    ),
]
Output = Annotated[
    Path | None,
    option(
        *("--output", "-o"),
        metavar="FILE",
        help="Write to this file: a picture (.png .svg .pdf), .json, or .csv (a row for each segment, or with "
        "--segment for each token of it).",
    ),
]


@expand_option_groups
def sources(
    run: Run,
    text: Text,
    target: options.Target = None,
    answer: Answer = None,
    context: Context = None,
    split: Split = None,
    top: Top = 3,
    token: Token = None,
    segment: SegmentName = None,
    method: options.Method = RAW,
    output: Output = None,
) -> None:
    """Show what an answer looked at: segments of the text, and tokens.

    Numbers are means over all heads, or over those that are named (--head L3H1); with --method norm, a head counts by
    what it adds. Beside the share of a segment are its share for uniform attention, and its share in the rows of the
    question. Set aside are the first token, special
    tokens, tokens that get more than 30% from most rows of a head, and the last 4 tokens of each row; how much that was
    is printed. Attention is not attribution: the model may look at a token and write something for another reason.
    """
    from attnviz.analysis.answer_sources import answer_sources
    from attnviz.token_relevance import relevance_of_answer
    from attnviz.trace_sources import put_together

    if output is not None:
        require_ending(output, ENDINGS)
    check_writable(output, [*run.reads(text), *(context or [])], tables=TABLE_ENDINGS)
    if answer is not None and (run.generate is not None or run.chat or target is not None):
        message = "--answer gives the answer, and --generate, --chat or --target asks for one"
        raise UsageError(message, "Leave one of them out.")
    if text.saved and (context or answer is not None):
        raise UsageError("--context and --answer cannot change a saved trace", "Leave them out.")
    contexts = _contexts(context or [])
    if contexts or answer is not None:
        text = Text(as_text=put_together(text.read("sources"), contexts, answer))
    if split is not None:
        split = split.replace(r"\n", "\n")
    layer, needs_norms = run.last_layer(method), METHODS[method].needs == "value norms"
    with counting(f"{METHODS[method].title}: rows") as progress:
        if METHODS[method].needs == "gradients" and not text.saved:
            trace = relevance_of_answer(run.gradients(text, "sources", target), answer, progress)
        else:
            exact = _keeping_all(run) if METHODS[method].combines else _keeping_rows(run, text, answer)
            trace = exact.trace(text, "sources", target, value_norms=needs_norms)
        notes(trace.notes)
        found = answer_sources(trace, contexts, split, answer, top, token, segment, method, layer, progress)
    if output is None:
        from attnviz.render.terminal.source_table import SourceTable

        show(SourceTable(trace, found))
    else:
        print_path(write_whole(output, _file(trace, found, ending(output).lower())))


def _file(trace: "Trace", found: "AnswerSources", suffix: str) -> bytes:
    """The content of a file that ends in `suffix`."""
    if suffix in PICTURES:
        from attnviz.render.picture.source_text import source_picture

        return source_picture(trace, found, suffix)
    from attnviz.render.source_data import as_csv, as_json

    return (as_csv if suffix == ".csv" else as_json)(found)


def _contexts(paths: list[Path]) -> list[tuple[str, str]]:
    """The text of each file with its name, or with its path if several files have that name."""
    names = [path.name for path in paths]
    return [(str(path) if names.count(path.name) > 1 else path.name, _content(path)) for path in paths]


def _content(path: Path) -> str:
    """The text of a file. Raises FileError if it cannot be read, and InputError if it is not UTF-8."""
    try:
        return decode_utf8(path.read_bytes(), str(path)).strip()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}", "Name a text file.") from error


def _keeping_all(run: Run) -> Run:
    """`run` with a row and a column for each token of each layer, for methods that combine layers."""
    return replace(run, layer=None, rows=None, columns=None, cells=sys.maxsize)


def _keeping_rows(run: Run, text: Text, answer: str | None) -> Run:
    """`run` with all keys, and only the rows that write the answer and some before it, to save memory."""
    from attnviz.trace_sources import rows_to_keep

    if text.saved or run.rows or run.columns:
        return run
    return replace(run, rows=rows_to_keep(run.generate, answer), columns=["prompt", "answer"])
