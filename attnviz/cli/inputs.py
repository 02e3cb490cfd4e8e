"""What the commands that run a model share: its options, and the way from TEXT to a trace."""

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from attnviz.cli import options
from attnviz.cli.running import working
from attnviz.files import decoded

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.models import Model
    from attnviz.selection import Selection


@dataclass(frozen=True)
class Run:
    """Which model is run, and what of its attention is asked for: each field is an option of the command line."""

    model: options.Model = "builtin"
    layer: options.Layers = None
    head: options.Heads = None
    kind: options.Kind = None
    words: options.Words = False
    device: options.Device = None
    dtype: options.Dtype = None
    revision: options.Revision = None
    trust_remote_code: options.TrustRemoteCode = False

    @cached_property
    def selection(self) -> "Selection":
        """The kinds, layers and heads that were asked for. Raises SelectionError for a kind that is none."""
        from attnviz.selection import Selection

        layers, heads = options.numbers(self.layer, "--layer"), options.numbers(self.head, "--head")
        return Selection.of(layers, heads, self.kind)

    def load(self) -> "Model":
        """Load the model. Raises ModelError."""
        from attnviz.models import BUILTIN, load

        if self.model == BUILTIN:  # it is there in a blink: nothing to wait for
            return load(BUILTIN)
        with working(f"Loading {self.model}"):
            return load(
                self.model,
                device=self.device,
                dtype=self.dtype,
                revision=self.revision,
                trust_remote_code=self.trust_remote_code,
            )

    def trace(self, text: str, target: str | None) -> "Trace":
        """The saved trace that `text` names, narrowed; or else the model's trace of `text`. Raises AttnvizError."""
        selection = self.selection
        if text.endswith(".safetensors"):
            if target is not None:
                raise typer.BadParameter("a saved trace has its target already", param_hint="--target")
            from attnviz.attention import open_trace

            return self._merged(selection.narrow(open_trace(text)))
        from attnviz.models.text import require_text

        require_text(text)  # before a model is loaded in vain
        if target is not None:
            require_text(target, "target")
        return self.by(self.load(), text, target)

    def by(self, model: "Model", text: str, target: str | None) -> "Trace":
        """What was asked for of a model's trace of `text`. Raises AttnvizError."""
        return self._merged(model.trace(text, target=target, selection=self.selection))

    def _merged(self, trace: "Trace") -> "Trace":
        from attnviz.words import by_words

        return by_words(trace) if self.words else trace


def with_run(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, whose first parameter is a `Run`, as Typer shall see it: with the fields of `Run` as options."""
    _, *own = inspect.signature(command).parameters.values()
    shared = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(Run)
    ]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        command(Run(**{option.name: values.pop(option.name) for option in shared}), **values)

    ordered = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *shared]
    run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    return run


def given_text(text: str | None) -> str:
    """TEXT, or standard input where it is `-`, or absent and piped; a usage error where there is nothing at all."""
    if text is None and sys.stdin.isatty():
        raise typer.BadParameter('no text: try attnviz plot "I ate an apple"', param_hint="TEXT")
    return standard_input() if text in (None, "-") else str(text)


def standard_input() -> str:
    """All of standard input, as UTF-8. Raises InputError where it is not."""
    return decoded(sys.stdin.buffer.read(), "standard input").rstrip("\r\n")
