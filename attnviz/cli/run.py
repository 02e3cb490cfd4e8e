"""What the commands that run a model share: the model's options, and how TEXT becomes a trace."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from os.path import exists, isdir, isfile
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from attnviz.cli import options
from attnviz.cli.errors import UsageError
from attnviz.cli.progress import counting, loading, reading
from attnviz.errors import InputError, SelectionError
from attnviz.files import PICTURE_ENDINGS, decode_utf8, has_file_ending
from attnviz.retrace import NotKeptError

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.models.base import Model, Progress
    from attnviz.models.cut_runs import CutRuns
    from attnviz.models.gradients import Gradients
    from attnviz.prompt import Prompt
    from attnviz.selection import Selection


CELLS = 512
"""By default a model's matrices are pooled to this many rows and columns; those of a saved trace are not."""


@dataclass(frozen=True)
class Text:
    """TEXT of a command: a sentence, the name of a saved trace, or `-` for standard input.

    After --text it is always a sentence.
    """

    text: options.Text = None
    as_text: options.AsText = None

    @property
    def is_given(self) -> bool:
        """Whether there is a TEXT."""
        return self.text is not None or self.as_text is not None

    @property
    def saved(self) -> str | None:
        """The file of a saved trace, if TEXT or standard input is its name."""
        name = None if self.as_text is not None else self._from_stdin if self.piped else self.text
        return name if name and name.endswith(".safetensors") else None

    @property
    def piped(self) -> bool:
        """Whether TEXT is read from standard input: it is `-`, or missing."""
        return self.as_text is None and self.text in (None, "-")

    @cached_property
    def _from_stdin(self) -> str | None:
        """The content of standard input; None if TEXT is missing and a user would have to type it."""
        if self.text is None and sys.stdin.isatty():
            return None
        return decode_utf8(sys.stdin.buffer.read(), "standard input").rstrip("\r\n")

    def read(self, command: str) -> str:
        """The sentence for `command`.

        Raises UsageError where there is none or more than one. Raises InputError where standard input is not UTF-8, and
        where TEXT is the name of a file that is not a saved trace, or one word that looks like a file name.
        """
        if self.as_text is not None:
            if self.text is not None:
                raise UsageError("there are two texts, one of them after --text", "Leave one of them out.")
            return self.as_text
        if self.text is None or self.text == "-":
            if self._from_stdin is None:
                raise UsageError("there is no text", f'For example: attnviz {command} "I ate an apple"')
            return self._from_stdin
        as_text = f"If it is the sentence itself: attnviz {command} --text {quote(self.text)}"
        _require_no_file(self.text, f"{_commands_for(self.text, command)}\n{as_text}")
        if has_file_ending(self.text) and not any(map(str.isspace, self.text)):
            raise InputError(f"no such file: {self.text}", as_text)
        return self.text


@dataclass(frozen=True)
class Run:
    """Which model runs, and which part of its attention is selected; each field is an option of the command line."""

    model: options.Model = "builtin"
    text_pair: options.TextPair = None
    source_language: options.SourceLanguage = None
    target_language: options.TargetLanguage = None
    chat: options.Chat = False
    generate: options.Generate = None
    layer: options.Layers = None
    head: options.Heads = None
    kind: options.Kind = None
    rows: options.Rows = None
    columns: options.Columns = None
    cells: options.Cells = None
    words: options.Words = False
    tokenizer: options.Tokenizer = None
    device: options.Device = None
    dtype: options.Dtype = None
    revision: options.Revision = None
    trust_remote_code: options.TrustRemoteCode = False

    @cached_property
    def selection(self) -> "Selection":
        """The selected part of the attention. Raises SelectionError for an unknown kind, UsageError for a wrong row."""
        from attnviz.selection import Selection

        rows, columns = options.tokens(self.rows, "--rows"), options.tokens(self.columns, "--columns")
        return Selection.of(self.layer, self.head, self.kind, rows, columns, self.cells, self.words)

    def load(self, with_head: bool = False) -> "Model":
        """Load the model, `with_head` if it has to write. Raises ModelError."""
        from attnviz.models import BUILTIN, load

        options: dict[str, Any] = {"device": self.device, "dtype": self.dtype, "revision": self.revision}
        options |= {"tokenizer": self.tokenizer, "trust_remote_code": self.trust_remote_code}
        if self.model == BUILTIN:  # it loads at once, without progress
            return load(BUILTIN, **options)
        with loading(self.model) as progress:
            return load(self.model, **options, with_head=with_head or self.generate is not None, progress=progress)

    def reads(self, text: "Text | None" = None) -> Iterator[Path]:
        """The files that are read: a saved trace, or those of the model, and standard input for `text`."""
        if text is not None and (text.saved or text.piped):
            yield Path(text.saved or "/dev/stdin")
        if text is None or not text.saved:
            from attnviz.models import model_files

            yield from model_files(self.model, self.tokenizer)

    def trace(
        self,
        text: "Text",
        command: str,
        target: str | None,
        query: str | None = None,
        model: "Model | None" = None,
        value_norms: bool = False,
        neurons: int | None = None,
    ) -> "Trace":
        """The selected part of the saved trace that TEXT names, or of the model's trace of TEXT. Raises AttnvizError.

        `model` can be given if it is already loaded. Where the trace is pooled, the rows of `query` are kept as single
        tokens: a word, or `answer`. `value_norms` and `neurons` have the model show them; a saved trace has
        them or not.
        """
        if text.saved:
            fixed = {
                "target": target,
                "text-pair": self.text_pair,
                "chat": self.chat or None,
                "generate": self.generate,
            }
            fixed |= {"device": self.device, "dtype": self.dtype, "revision": self.revision}
            fixed |= {"tokenizer": self.tokenizer, "model": None if self.model == Run.model else self.model}
            fixed |= {"source-language": self.source_language, "target-language": self.target_language}
            for option in (option for option, value in fixed.items() if value is not None):
                raise UsageError(
                    f"--{option} cannot change a saved trace", f"Leave it out, or trace the text again with --{option}."
                )
            from attnviz.attention.trace_file import open_trace

            return replace(self.selection, query=query).apply(open_trace(text.saved))
        sentence = self._sentence(text, command, target)
        from attnviz.models import BUILTIN

        model = model or self.load()
        with nullcontext() if self.model == BUILTIN else reading() as progress:  # the built-in model needs no progress
            found = self.trace_all_with(
                model, [sentence], [target], query, progress, value_norms=value_norms, neurons=neurons
            )
            return next(found)

    def _sentence(self, text: "Text", command: str, target: str | None) -> str:
        """The sentence of `text`, checked with its target and its pair before a model loads. Raises AttnvizError."""
        from attnviz.prompt import require_text

        sentence = text.read(command)
        require_text(sentence)
        for option, what, given in (("--target", "target", target), ("--text-pair", "second text", self.text_pair)):
            if given is not None:
                require_text(given, what)
                _require_no_file(given, f'Its content: {option} "$(cat {quote(given)})"')
        return sentence

    def trace_by(
        self, method: str, text: "Text", command: str, target: str | None, query: str | None = None
    ) -> "tuple[Trace, Trace]":
        """The trace by weights and the one by `method`, of one run. Raises AttnvizError.

        Words are merged, and rows, columns and cells are chosen, after the method was applied.
        """
        from attnviz.analysis.methods import METHODS, apply_method

        layer, exact = self.last_layer(method), replace(self, rows=None, columns=None, words=False, cells=sys.maxsize)
        if METHODS[method].needs == "gradients":
            made = self._relevance(text, command, target, query)
            return made, replace(self.selection, query=query, cells=self.cells or CELLS).reduce(made)
        if METHODS[method].combines:
            exact = replace(exact, layer=None, head=None)
        whole = exact.trace(text, command, target, value_norms=METHODS[method].needs == "value norms")
        cells = self.cells or (None if text.saved else CELLS)
        selection = replace(self.selection, query=query, cells=cells)
        with counting(f"{METHODS[method].title}: rows") as progress:
            made = apply_method(method, whole, layer, progress)
        return selection.reduce(whole), selection.reduce(made)

    def gradients(self, text: "Text", command: str, target: str | None) -> "Gradients":
        """A run of the model on TEXT from which gradients can be taken. Raises AttnvizError."""
        prompt = self._prompt(self._sentence(text, command, target), target, self.text_pair)
        model = self.load(with_head=True)
        with reading() as progress:
            return model.gradients(prompt, progress)

    def cut_runs(self, text: "Text", command: str, target: str | None) -> "CutRuns":
        """The model and TEXT, from which heads or links can be taken out. Raises AttnvizError."""
        prompt = self._prompt(self._sentence(text, command, target), target, self.text_pair)
        return self.load(with_head=True).cut_runs(prompt)

    def _relevance(self, text: "Text", command: str, target: str | None, query: str | None) -> "Trace":
        """Gradient × attention of the rows that are shown. Raises AttnvizError."""
        from attnviz.analysis.methods import apply_method
        from attnviz.token_relevance import relevance_of, rows_to_take

        if text.saved:
            return apply_method("gradient", self.trace(text, command, target))
        gradients = self.gradients(text, command, target)
        kinds = [kind for kind in gradients.trace.kinds if kind != "self" or len(gradients.trace.kinds) == 1]
        if self.kind not in (None, *kinds):
            message = (
                f"method gradient is for what a token that is written rests on, which is not in --kind {self.kind}"
            )
            raise UsageError(message, f"Kinds: {', '.join(kinds)}.")
        rows = rows_to_take(gradients.trace, None if self.words else self.selection.rows, None if self.words else query)
        with counting("gradient × attention: rows") as advance:
            made = relevance_of(gradients, rows, advance)
        return made if self.kind is None else replace(made, attentions=(made[self.kind],))

    def last_layer(self, method: str) -> int | None:
        """The layer up to which a `method` that combines layers takes them. Raises SelectionError."""
        from attnviz.analysis.methods import last_layer

        return last_layer(method, self.selection.layers, self.selection.heads or self.selection.layer_heads)

    def trace_all_with(
        self,
        model: "Model",
        texts: Sequence[str],
        targets: Sequence[str | None],
        query: str | None = None,
        progress: "Progress | None" = None,
        text_pairs: Sequence[str | None] | None = None,
        value_norms: bool = False,
        neurons: int | None = None,
    ) -> "Iterator[Trace]":
        """The selected parts of the model's traces of many texts, each with its target and its pair.

        Raises AttnvizError.
        """
        cells = self.cells or CELLS
        selection = replace(self.selection, cells=cells, query=query, value_norms=value_norms, neurons=neurons)
        pairs = text_pairs or [self.text_pair] * len(texts)
        prompts = [self._prompt(*given) for given in zip(texts, targets, pairs, strict=True)]
        return model.trace_all(prompts, selection, progress=progress)

    def _prompt(self, text: str, target: str | None, pair: str | None) -> "Prompt":
        """What a model reads: these texts, and the options for them."""
        from attnviz.prompt import Prompt

        return Prompt(text, target, pair, self.source_language, self.target_language, self.chat, self.generate)


def expand_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """`command` for Typer: each parameter that is a dataclass, such as `Run`, becomes options, one for each field."""
    parameters = inspect.signature(command).parameters
    own = [parameter for parameter in parameters.values() if not is_dataclass(parameter.annotation)]
    groups: dict[str, Any] = {name: p.annotation for name, p in parameters.items() if is_dataclass(p.annotation)}
    shared = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for group in groups.values()
        for field in fields(group)
    ]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        try:
            command(**values)
        except NotKeptError as error:
            if isinstance(text := values.get("text"), Text) and text.saved:
                raise
            raise SelectionError(error.message, f"Add {error.added}") from error  # the text can be traced again

    ordered = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *shared]
    run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    return run


def _require_no_file(text: str, hint: str) -> None:
    """Raise InputError for the name of a file or folder: the user means its content, not its name."""
    if exists(text):
        what = "folder" if isdir(text) else "picture" if _is_picture(text) else "file"
        raise InputError(f"{text} is a {what}, not a sentence", hint)


def _is_picture(path: str) -> bool:
    return Path(path).suffix.lower() in PICTURE_ENDINGS


def _commands_for(path: str, command: str) -> str:
    """The commands for the content of a file or folder: texts, or a model."""
    from attnviz.models.huggingface.gguf import is_gguf

    if (isfile(path) and is_gguf(Path(path))) or isfile(f"{path}/config.json"):
        return f"If it is the model: attnviz {command} TEXT -m {quote(path)}"
    if _is_picture(path):
        return f'attnviz reads texts, such as: attnviz {command} "I ate an apple"'
    hints = []
    if isdir(path) or path.lower().endswith((".txt", ".tsv")):
        hints.append(f"A picture of each line: attnviz batch {quote(path)} -o pictures")
    if not isdir(path):
        hints.append(f"All of it as one text: cat {quote(path)} | attnviz {command} -")
    return "\n".join(hints)
