"""Several TEXTs of one command, each a sentence or a saved trace, and the trace of each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attnviz.cli.errors import UsageError
from attnviz.cli.run import Run, Text
from attnviz.prompt import require_text

if TYPE_CHECKING:
    from attnviz.attention import Trace

OF_SAVED = ("layer", "head", "kind", "rows", "columns", "cells", "words")
"""Options that select from a saved trace; the others are options of a model."""


def texts_given(as_text: str | None, *arguments: str | None) -> list[Text]:
    """The text after --text, if there is one, and then the arguments that are given."""
    first = [] if as_text is None else [Text(as_text=as_text)]
    return first + [Text(argument) for argument in arguments if argument is not None]


def require_one_piped(texts: Sequence[Text], names: str) -> None:
    """Raise UsageError where more than one of `texts` is standard input; `names` says which texts they are."""
    if sum(text.piped for text in texts) > 1:
        raise UsageError(
            f"{names} cannot both come from standard input", "Save one of them: attnviz trace - -o a.safetensors"
        )


def trace_each(
    runs: Sequence[Run], texts: Sequence[Text], command: str, target: str | None, neurons: int | None = None
) -> "list[Trace]":
    """The trace of each text by its run, with the `neurons` of a layer. A model that all of them have is loaded once.

    If some texts are saved traces and others not, options of the model are for the others.
    """
    model = None
    if len({run.model for run in runs}) == 1 and not any(text.saved for text in texts):
        for text in texts:
            require_text(text.read(command))
        model = runs[0].load()
    if any(text.saved for text in texts) and not all(text.saved for text in texts):
        runs = [_of_saved(run) if text.saved else run for run, text in zip(runs, texts, strict=True)]
    return [
        run.trace(text, command, None if text.saved else target, model=model, neurons=neurons)
        for run, text in zip(runs, texts, strict=True)
    ]


def _of_saved(run: Run) -> Run:
    """`run` with only the options that select from a saved trace."""
    return Run(**{name: getattr(run, name) for name in OF_SAVED})
