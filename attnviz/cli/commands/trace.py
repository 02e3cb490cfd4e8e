"""`attnviz trace`: run once, save, draw later; or list the tokens by their numbers."""

from pathlib import Path
from typing import Annotated

from attnviz.cli import options
from attnviz.cli.console import notes, say
from attnviz.cli.errors import UsageError
from attnviz.cli.output import print_path
from attnviz.cli.pager import show
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.files import require_writable

EXAMPLES = """\
attnviz trace "I ate an apple" -o apple.safetensors
attnviz plot apple.safetensors --kind cross
attnviz trace apple.safetensors"""


@expand_option_groups
def trace(
    run: Run,
    text: Text,
    target: options.Target = None,
    value_norms: Annotated[
        bool,
        options.option(
            "--value-norms",
            group=options.OUTPUT,
            help="Keep the norms of values too, which --method norm needs (Kobayashi et al. 2020).",
        ),
    ] = False,
    neurons: options.Neurons = None,
    output: Annotated[
        Path | None, options.option("--output", "-o", metavar="FILE", help="Save to this file: x.safetensors.")
    ] = None,
) -> None:
    """Run once, save the attention, draw it later.

    Of every layer and head, or those named. The file can be given wherever TEXT can, and needs no model any more.
    Without -o, list the tokens with their numbers, by which --rows and --columns choose.
    """
    if output is not None:
        from attnviz.attention.trace_file import require_name

        require_writable([output], run.reads(text))
        require_name(output)
    if value_norms and text.saved:
        raise UsageError("--value-norms cannot change a saved trace", "Trace the text again with it.")
    if neurons is not None and text.saved:
        raise UsageError("--neurons cannot change a saved trace", "Trace the text again with it.")
    saved = run.trace(text, "trace", target, value_norms=value_norms, neurons=neurons)
    notes(saved.notes)
    if output is not None:
        print_path(saved.save(output))
    else:
        from attnviz.render.terminal.token_list import TokenList

        show(TokenList(saved))
        if not text.saved:
            say("Not saved: name a file with -o x.safetensors.")
