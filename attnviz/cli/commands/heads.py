"""`attnviz heads`: every head of the model, with what it does."""

from attnviz.cli import options
from attnviz.cli.console import notes
from attnviz.cli.output import Output, check_writable, ending, write
from attnviz.cli.pager import show
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.render import check

EXAMPLES = """\
attnviz heads
attnviz heads --layer 3
attnviz heads "그녀는 사과를 먹고 학교에 갔다." -o heads.png
attnviz heads "The cat sat on the mat." -m path/to/model --kind self"""

DEFAULT_TEXT = "I ate an apple"


@expand_option_groups
def heads(
    run: Run,
    plot_options: PlotOptionGroup,
    text: Text,
    target: options.Target = None,
    output: Output = None,
) -> None:
    """List every head: where its attention goes, and its strongest pair of words.

    With -o, a grid of small heatmaps, or the numbers. Without TEXT the sentence is "I ate an apple".
    """
    text = text if text.is_given else Text(as_text=DEFAULT_TEXT)
    check_writable(output, run.reads(text))
    check(plot_options, None if output is None else ending(output), is_drawn=False)
    trace = run.trace(text, "heads", target, plot_options.query)
    notes(trace.notes)
    if left_out := trace.provenance.get("left out"):
        notes(left_out.split("; "))
    if without := trace.provenance.get("layers without attention"):
        notes([f"layers without attention: {without}"])
    if output is not None:
        from attnviz.render.plan import head_scenes

        write(output, trace, head_scenes(trace, plot_options), plot_options)
    else:
        from attnviz.render.terminal.table import table

        show(table(trace))
