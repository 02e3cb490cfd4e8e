"""The command that traces a text again, for a token that a trace has pooled with others or left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from attnviz.attention import IN_MEMORY, Attention, Range, Trace, format_ranges
from attnviz.errors import SelectionError
from attnviz.token_names import Name, columns_named, rows_named

DEFAULT_ROWS = "last:20"
"""The rows that the command keeps if nothing names others."""


class NotKeptError(SelectionError):
    """A token that the trace does not keep in a cell of its own: it was pooled with others or left out.

    `hint` has the whole command that keeps it, unless the model was in memory. `added` are the options that keep it
    when the model runs.
    """

    def __init__(self, message: str, command: str | None, options: str, added: str = "") -> None:
        again = f"Trace the text again: {command} {options} -o exact.safetensors"
        if command is None:
            again = f"Its model was in memory. Trace the text again in Python, with {options.replace('--', '')}"
        super().__init__(message, again)
        self.added = added or options


@dataclass(frozen=True)
class Retrace:
    """How to trace the text of a trace again: the `command` without the options to add, or None if there is none.

    `rows` names the trace's rows if each is one query and they are not all. Otherwise it is `answer` if there is an
    answer, and `DEFAULT_ROWS` if not. `keys` is the number of keys.
    """

    command: str | None = "attnviz trace TEXT"
    rows: str = DEFAULT_ROWS
    keys: int = 1

    @classmethod
    def of(cls, trace: Trace, attention: Attention) -> "Retrace":
        """How to trace the text of `trace` again, so that it keeps more of this `attention`."""
        return cls(_command(trace, attention), _rows(trace, attention), len(attention.keys))

    @property
    def all_columns(self) -> str:
        """The numbers of all keys, for `--columns`."""
        return f"0-{self.keys - 1}"

    def error(self, message: str, rows: str = "", columns: str = "", added: str = "") -> NotKeptError:
        """The error with a hint that keeps these `rows` and `columns`; `added` replaces the same options for a run."""
        options = [f"--{name} {value}" for name, value in (("rows", rows), ("columns", columns)) if value]
        return NotKeptError(message, self.command, " ".join(options), added)


def format_names(names: Sequence[Name] | None) -> str:
    """Rows or columns as `--rows` reads them: `0-3,7,answer`; an empty string for None."""
    numbers = tuple(name for name in names or () if isinstance(name, int))
    parts = [format_ranges(numbers).replace(", ", ",")] if numbers else []
    return ",".join([*parts, *(name for name in names or () if isinstance(name, str))])


def _rows(trace: Trace, a: Attention) -> str:
    answer = rows_named(["answer"], trace, a)
    rows = _single_tokens(a.rows) if len(a.covered) < len(a.queries) else ()
    return "answer" if answer and rows in ((), answer) else format_names(rows) or DEFAULT_ROWS


def _single_tokens(cells: Sequence[Range]) -> tuple[int, ...]:
    """The tokens of `cells` if each cell covers one token, otherwise nothing."""
    return tuple(start for start, _ in cells) if all(stop - start == 1 for start, stop in cells) else ()


def _command(trace: Trace, a: Attention) -> str | None:
    """The command that made `trace`, as far as the provenance says; TEXT stands for its text, which can be long.

    None if it was made in Python, from a model in memory or from arrays.
    """
    known, parts = trace.provenance, ["attnviz trace TEXT"]
    if known.get("model") == IN_MEMORY:
        return None
    if trace.model != "builtin":
        parts.append(f"-m {quote(trace.model)}")
    if "tokenizer" in known:
        parts.append(f"--tokenizer {quote(known['tokenizer'])}")
    if "text pair" in known:
        parts.append(f"--text-pair {quote(known['text pair'])}")
    for language in ("source language", "target language"):
        if language in known:
            parts.append(f"--{language.replace(' ', '-')} {quote(known[language])}")
    if "chat" in known:
        parts.append("--chat")
    if "merged" in known:
        parts.append("--words")
    if "generated" in known:
        parts.append(f"--generate {len(columns_named(['answer'], trace, a))}")
    if trace.target is not None and not _wrote(trace):
        parts.append(f"--target {quote(trace.target)}")
    return " ".join(parts)


def _wrote(trace: Trace) -> bool:
    """Whether the model generated the target itself."""
    return any(token is not None and token.generated for a in trace.attentions for token in a.predicts or ())
