"""What to type where a trace pooled or dropped a token that is asked for: the command that traces the text again."""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from attnviz.attention import IN_MEMORY, Attention, Range, Trace, format_ranges
from attnviz.errors import SelectionError
from attnviz.token_names import Name, columns_named, rows_named

SOME = "last:20"
"""Which rows to keep, where no others are meant."""


class NotKeptError(SelectionError):
    """Tokens share a cell of the trace, or were left out of it.

    `hint` is the whole command that keeps them, and `added` the options that do so in a run of the model. There is no
    command where the model was in memory.
    """

    def __init__(self, message: str, command: str | None, options: str, added: str = "") -> None:
        again = f"Trace the text again: {command} {options} -o exact.safetensors"
        if command is None:
            again = f"Its model was in memory. Trace the text again in Python, with {options.replace('--', '')}"
        super().__init__(message, again)
        self.added = added or options


@dataclass(frozen=True)
class Retrace:
    """How the text of a trace is traced again: by `command`, to which options are added, or None for no command.

    `rows` are the names of its rows where each is one query and they are a part of all, or else of those that write its
    answer, or some; `keys` is how many there are.
    """

    command: str | None = "attnviz trace TEXT"
    rows: str = SOME
    keys: int = 1

    @classmethod
    def of(cls, trace: Trace, attention: Attention) -> "Retrace":
        """How `trace` is traced again so that more of this `attention` of it is kept."""
        return cls(_command(trace, attention), _rows(trace, attention), len(attention.keys))

    @property
    def all_columns(self) -> str:
        """The columns of all keys, by their numbers."""
        return f"0-{self.keys - 1}"

    def error(self, message: str, rows: str = "", columns: str = "", added: str = "") -> NotKeptError:
        """The error whose hint keeps those `rows` and `columns`; to a run it adds what is `added`, or else the same."""
        options = [f"--{name} {value}" for name, value in (("rows", rows), ("columns", columns)) if value]
        return NotKeptError(message, self.command, " ".join(options), added)


def spelled(names: Sequence[Name] | None) -> str:
    """Rows or columns as `--rows` takes them: `0-3,7,answer`; nothing for None."""
    numbers = tuple(name for name in names or () if isinstance(name, int))
    parts = [format_ranges(numbers).replace(", ", ",")] if numbers else []
    return ",".join([*parts, *(name for name in names or () if isinstance(name, str))])


def _rows(trace: Trace, a: Attention) -> str:
    answer = rows_named(["answer"], trace, a)
    own = _alone(a.rows) if len(a.covered) < len(a.queries) else ()
    return "answer" if answer and own in ((), answer) else spelled(own) or SOME


def _alone(cells: Sequence[Range]) -> tuple[int, ...]:
    """The tokens that `cells` cover, where each covers one."""
    return tuple(start for start, _ in cells) if all(stop - start == 1 for start, stop in cells) else ()


def _command(trace: Trace, a: Attention) -> str | None:
    """The command that made `trace`, as far as it tells; its text, which may be long, is left to the reader.

    None where it was made in Python, of a model that was in memory or of arrays.
    """
    told, parts = trace.provenance, ["attnviz trace TEXT"]
    if told.get("model") == IN_MEMORY:
        return None
    if trace.model != "builtin":
        parts.append(f"-m {quote(trace.model)}")
    if "tokenizer" in told:
        parts.append(f"--tokenizer {quote(told['tokenizer'])}")
    if "text pair" in told:
        parts.append(f"--text-pair {quote(told['text pair'])}")
    for language in ("source language", "target language"):
        if language in told:
            parts.append(f"--{language.replace(' ', '-')} {quote(told[language])}")
    if "chat" in told:
        parts.append("--chat")
    if "merged" in told:
        parts.append("--words")
    if "generated" in told:
        parts.append(f"--generate {len(columns_named(['answer'], trace, a))}")
    if trace.target is not None and not _wrote(trace):
        parts.append(f"--target {quote(trace.target)}")
    return " ".join(parts)


def _wrote(trace: Trace) -> bool:
    """Whether the model generated the target itself."""
    return any(token is not None and token.generated for a in trace.attentions for token in a.predicts or ())
