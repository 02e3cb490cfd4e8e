"""`attnviz trace`: run once, save, draw later."""

from pathlib import Path
from typing import Annotated

from attnviz.cli import options
from attnviz.cli.inputs import Run, given_text, with_run
from attnviz.cli.output import wrote
from attnviz.cli.running import UsageError, notes
from attnviz.files import is_stream, require_no_input

EXAMPLES = """\
attnviz trace "I ate an apple" -o apple.safetensors
attnviz plot apple.safetensors --kind cross"""


@with_run
def trace(
    run: Run,
    output: Annotated[Path, options.option("--output", "-o", metavar="FILE", help="Save to this file: x.safetensors.")],
    text: options.Text = None,
    target: options.Target = None,
) -> None:
    """Run once, save the attention, draw it later.

    Of every layer and head, or those named. The file stands wherever TEXT does, and needs no model any more.
    """
    if output.suffix != ".safetensors" and not is_stream(output):
        raise UsageError(f"a trace is not saved as {output.name}", "Name it x.safetensors.")
    require_no_input([output], run.reads(text))
    saved = run.trace(given_text(text), target)
    notes(saved.notes)
    wrote(saved.save(output))
