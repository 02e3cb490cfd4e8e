"""The base class of models: a model reads prompts and gives a trace of each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypedDict, Unpack

from attnviz.attention import Trace
from attnviz.errors import ModelError, SelectionError
from attnviz.head_names import Names
from attnviz.models.cut_runs import CutRuns
from attnviz.models.gradients import Gradients
from attnviz.prompt import Prompt, PromptOptions, TextOrWords, prompts
from attnviz.selection import Selection

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted (bytes, tokens read), the number done, and the total, or None if it is not known."""


class SelectionOptions(TypedDict, total=False):
    """The keywords of `Selection.of`."""

    layers: Names | None
    heads: Names | None
    kinds: Sequence[str] | str | None
    rows: Sequence[int | str] | int | str | None
    columns: Sequence[int | str] | int | str | None
    cells: int | None
    words: bool
    value_norms: bool
    neurons: int | None


class TraceOptions(PromptOptions, SelectionOptions, total=False):
    """The keywords of `attnviz.trace` for the text and for the selection of attention."""


class Model(ABC):
    """A model that can be traced."""

    name: str
    """The name that its traces carry."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def trace(
        self, text: Prompt | TextOrWords, selection: Selection | None = None, **options: Unpack[TraceOptions]
    ) -> Trace:
        """Run once on `text` and return its attention: all of it, or the selected part.

        The `options` are keywords of `attnviz.trace`: those of a `Prompt`, unless the text is one, and those of a
        `Selection`, unless one is given. Raises InputError for an option that the model cannot use, SelectionError for
        a kind, layer, head, row or column that does not exist, and ModelError if it has no softmax attention.
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
        """The trace of each text, in order; if possible, several texts run at once. The `options` apply to all texts.

        `progress` is called as `Progress` says, for tokens written and tokens read. Raises the errors of `trace`.
        """
        prompt_options: Any = {name: value for name, value in options.items() if name in PromptOptions.__annotations__}
        rest: Any = {name: value for name, value in options.items() if name not in prompt_options}
        if selection is not None and rest:
            raise SelectionError(f"a selection and {next(iter(rest))} are both given", "Leave one of them out.")
        return self._trace_all(prompts(texts, prompt_options), selection or Selection.of(**rest), progress)

    def gradients(self, prompt: Prompt, progress: Progress | None = None) -> Gradients:
        """Run once on `prompt`, so that gradients of what it writes can be taken, for `attnviz.relevance`.

        `progress` is called for tokens written. Raises ModelError for a model that gives none, and the errors of
        `trace`.
        """
        raise ModelError(
            f"method gradient: {self.name} is not a model that writes text",
            "Name a translator, a decoder or a masked language model: -m NAME.",
        )

    def cut_runs(self, prompt: Prompt) -> CutRuns:
        """Runs on `prompt` from which heads or links can be taken out, for `attnviz.ablate`.

        Raises ModelError for a model whose heads cannot be taken out, and the errors of `trace`.
        """
        raise ModelError(
            f"the heads of {self.name} cannot be taken out",
            "Name a model of transformers, or the built-in one: -m NAME.",
        )

    @abstractmethod
    def _trace_all(self, given: Iterator[Prompt], selection: Selection, progress: Progress | None) -> Iterator[Trace]:
        """The trace of each prompt, in order."""
