"""The command that draws what the page shows, up to what a reader of the page chooses."""

from shlex import quote

from attnviz.attention import Attention, Trace
from attnviz.files import has_file_ending
from attnviz.retrace import Retrace


def plot_command(trace: Trace, attention: Attention, source: str | None = None) -> str | None:
    """`attnviz plot "I ate an apple" -m NAME …`, to which options are added; of the saved trace `source` its name.

    None where the model was in memory, so that no command reaches it.
    """
    if source is not None:
        return f"attnviz plot {quote(source)}"
    command = Retrace.of(trace, attention).command
    return None if command is None else command.replace("attnviz trace TEXT", f"attnviz plot {_text(trace)}", 1)


def _text(trace: Trace) -> str:
    """The text that was given, as a shell takes it: without a pair's second text, and without what a model added."""
    told = trace.provenance
    text = told.get("chat") or trace.text.removesuffix(told.get("generated", ""))
    if "text pair" in told:
        text = text.removesuffix(f"\n{told['text pair']}")
    is_no_sentence = text.startswith("-") or (has_file_ending(text) and not any(map(str.isspace, text)))
    return f"--text={quote(text)}" if is_no_sentence else quote(text)
