"""What every model is: something that reads prompts, and gives the trace of each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypedDict, Unpack

from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.head_names import Names
from attnviz.prompt import Prompt, PromptOptions, TextOrWords, prompts
from attnviz.selection import Selection

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted (bytes, tokens read), how many, and of how many, or None where that is not known."""


class SelectionOptions(TypedDict, total=False):
    """What of the attention is asked for, as `Selection.of` takes it."""

    layers: Names | None
    heads: Names | None
    kinds: Sequence[str] | str | None
    rows: Sequence[int | str] | int | str | None
    columns: Sequence[int | str] | int | str | None
    cells: int | None
    words: bool


class TraceOptions(PromptOptions, SelectionOptions, total=False):
    """The keywords of `attnviz.trace` that say what is read, and what of its attention is asked for."""


class Model(ABC):
    """What can be traced."""

    name: str
    """The name that its traces carry."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def trace(
        self, text: Prompt | TextOrWords, selection: Selection | None = None, **options: Unpack[TraceOptions]
    ) -> Trace:
        """Run once on `text` and return its attention: all of it, or what is asked for.

        The `options` are the keywords of `attnviz.trace`: those of a `Prompt`, unless the text is one, and those of a
        `Selection`, unless that is given. Raises InputError for what the model has no place for, SelectionError for a
        kind, layer, head, row or column that there is not, and ModelError where it has no softmax attention.
        """
        return next(self.trace_all([text], selection, **options))

    def trace_all(
        self,
        texts: Iterable[Prompt | TextOrWords],
        selection: Selection | None = None,
        *,
        progress: Progress | None = None,
        **options: Unpack[TraceOptions],
    ) -> Iterator[Trace]:
        """The trace of each text, in order; several run at once where they can. The `options` go with all of them.

        `progress` is called with what is counted (tokens written, tokens read), how many, and of how many, where that
        is known. Raises what `trace` does.
        """
        read: Any = {name: value for name, value in options.items() if name in PromptOptions.__annotations__}
        asked: Any = {name: value for name, value in options.items() if name not in read}
        if selection is not None and asked:
            raise SelectionError(f"a selection is given, and {next(iter(asked))} beside it", "Leave one of them out.")
        return self._trace_all(prompts(texts, read), selection or Selection.of(**asked), progress)

    @abstractmethod
    def _trace_all(self, given: Iterator[Prompt], selection: Selection, progress: Progress | None) -> Iterator[Trace]:
        """The trace of each prompt, in order."""
