"""The commands that draw what the page shows, up to what a reader of the page chooses."""

from dataclasses import dataclass
from shlex import quote

from attnviz.attention import Attention, Trace
from attnviz.files import has_file_ending
from attnviz.retrace import Retrace


@dataclass(frozen=True, eq=False)
class Side:
    """One kind of attention of one of the page's traces, which is its `number`, and the file where that is saved."""

    trace: Trace
    attention: Attention
    number: int = 0
    source: str | None = None


def plot_command(side: Side) -> str | None:
    """`attnviz plot "I ate an apple" -m NAME …`, to which options are added; of a saved trace its file.

    None where the model was in memory, so that no command reaches it.
    """
    if side.source is not None:
        return f"attnviz plot {quote(side.source)}"
    command = Retrace.of(side.trace, side.attention).command
    return None if command is None else command.replace("attnviz trace TEXT", f"attnviz plot {_text(side.trace)}", 1)


def neurons_command(side: Side) -> str | None:
    """`attnviz view "I ate an apple" -m NAME … --neurons`, without the number of the layer; None where none does it."""
    command = Retrace.of(side.trace, side.attention).command
    if command is None:
        return None
    of_tokens = command.replace(" --words", "")
    return f"{of_tokens.replace('attnviz trace TEXT', f'attnviz view {_text(side.trace)}', 1)} -o view.html --neurons"


def compare_command(a: Side, b: Side) -> str | None:
    """`attnviz compare A B …`, of two saved traces or two texts that one model read; None where no command does it."""
    if a.source is not None and b.source is not None:
        return f"attnviz compare {quote(a.source)} {quote(b.source)}"
    command, other = (Retrace.of(side.trace, side.attention).command for side in (a, b))
    texts = [_text(side.trace) for side in (a, b)]
    if a.source or b.source or command is None or command != other or any(text.startswith("--") for text in texts):
        return None
    return command.replace("attnviz trace TEXT", f"attnviz compare {' '.join(texts)}", 1)


def _text(trace: Trace) -> str:
    """The text that was given, as a shell takes it: without a pair's second text, and without what a model added."""
    told = trace.provenance
    text = told.get("chat") or trace.text.removesuffix(told.get("generated", ""))
    if "text pair" in told:
        text = text.removesuffix(f"\n{told['text pair']}")
    is_no_sentence = text.startswith("-") or (has_file_ending(text) and not any(map(str.isspace, text)))
    return f"--text={quote(text)}" if is_no_sentence else quote(text)
