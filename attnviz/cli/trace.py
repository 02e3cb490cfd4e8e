"""`attnviz trace`: run once, save, draw later; or list the tokens by their numbers."""

from pathlib import Path
from typing import Annotated

from attnviz.cli import options
from attnviz.cli.inputs import Run, Text, with_run
from attnviz.cli.output import wrote
from attnviz.cli.running import notes, say
from attnviz.cli.screen import show
from attnviz.files import require_writable

EXAMPLES = """\
attnviz trace "I ate an apple" -o apple.safetensors
attnviz plot apple.safetensors --kind cross
attnviz trace apple.safetensors"""


@with_run
def trace(
    run: Run,
    text: Text,
    target: options.Target = None,
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
    saved = run.trace(text, "trace", target)
    notes(saved.notes)
    if output is not None:
        wrote(saved.save(output))
    else:
        from attnviz.render.terminal.tokens import Tokens

        show(Tokens(saved))
        if not text.saved:
            say("Not saved: name a file with -o x.safetensors.")
