"""A link that a user names by two words: its rows and columns in each kind of attention."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches

from attnviz.analysis.link_rank import RankedHead, rank_heads
from attnviz.attention import Attention, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import Kind
from attnviz.labels import visible
from attnviz.render.scene import scene
from attnviz.retrace import NotKeptError, Retrace, format_names
from attnviz.row_names import RowNames
from attnviz.words_in_text import NUMBERED, Tokens, find_parts

Find = Callable[[Trace, Attention, str], Sequence[Tokens]]
"""Finds the tokens of each row, or column, of a name."""

LISTED = 40
"""The most rows or columns that an error lists."""


@dataclass(frozen=True)
class NamedLink:
    """The link from `rows` to `columns` in one kind of attention; `query` and `key` are their labels.

    `heads` are all heads, ranked by their weight on the link; empty if a mask hides it.
    """

    kind: Kind
    query: str
    key: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    heads: tuple[RankedHead, ...]

    @property
    def is_hidden(self) -> bool:
        """Whether a mask hides it, because the key comes after the query."""
        return not self.heads


def named_links(trace: Trace, query: str, key: str) -> list[NamedLink]:
    """The link from the word `query` to the word `key` in each kind that has both; within one text, also the link back.

    A row is named as in `find_query`, and a column by a word or token of the text that is looked at; both also by
    several words, by the number of a token, or as `chars:3-12`. Raises SelectionError if no kind has both, if a name
    fits several words, or if the tokens have no rows or columns of their own.
    """
    links: list[NamedLink] = []
    errors: list[SelectionError] = []
    for attention in trace.attentions:
        try:
            links.append(_link(trace, attention, query, key))
        except SelectionError as error:
            errors.append(error)
        else:
            with suppress(SelectionError):  # the row may be pooled, or named by the token that it writes
                back = _link(trace, attention, key, query)
                links += [back] * (attention.kind != "cross" and back != links[-1])
    if not links:
        raise next((error for error in errors if isinstance(error, NotKeptError)), errors[0])
    return links


def find_link(trace: Trace, attention: Attention, query: str, key: str) -> tuple[Tokens, Tokens]:
    """The tokens of the row `query` and of the column `key`. Raises SelectionError if a name fits none, or several."""
    row = _require_one(trace, attention, query, _rows_named, "row")
    return row, _require_one(trace, attention, key, _columns_named, "column")


def _link(trace: Trace, attention: Attention, query: str, key: str) -> NamedLink:
    rows, columns = find_link(trace, attention, query, key)
    cells = []
    for name, tokens, ranges in ((query, rows, attention.rows), (key, columns, attention.columns)):
        of_token = {start: cell for cell, (start, stop) in enumerate(ranges) if stop - start == 1}
        if not of_token.keys() >= {*tokens}:
            retrace = Retrace.of(trace, attention)
            message = f"{visible(name)!r} shares a cell with others, or was left out"
            raise retrace.error(message, format_names(rows), retrace.all_columns)
        cells.append(tuple(of_token[token] for token in tokens))
    shown = scene(trace, attention.kind, ())
    rows, columns = cells
    from_, to = (" ".join(of[cell] for cell in some) for of, some in ((shown.rows, rows), (shown.columns, columns)))
    return NamedLink(attention.kind, from_, to, rows, columns, tuple(rank_heads(attention, rows, columns)))


def _rows_named(trace: Trace, attention: Attention, name: str) -> list[Tokens]:
    names = RowNames(trace, attention)
    tokens = attention.predicts if names.verb == "write" and attention.predicts else attention.queries
    return names.matching(name) or find_parts(tokens, trace.read_by(attention.part), name)


def _columns_named(trace: Trace, attention: Attention, name: str) -> list[Tokens]:
    return find_parts(attention.keys, trace.read_by("encoder" if attention.kind == "cross" else attention.part), name)


def _require_one(trace: Trace, attention: Attention, name: str, find: Find, what: str) -> Tokens:
    """The only tokens that `find` finds by `name`. Raises SelectionError if there are none, or several."""
    found = find(trace, attention, name)
    if len(found) == 1:
        return found[0]
    if found:
        ways = ", ".join(f"{name}#{number}" for number in range(1, len(found) + 1))
        message = f"{len(found)} {what}s of {attention.name} are called {visible(name)!r}"
        raise SelectionError(message, f"Name one: {ways}.")
    shown = scene(trace, attention.kind, ())
    labels, cells = (shown.rows, attention.rows) if what == "row" else (shown.columns, attention.columns)
    known = [f"{start} {label}" for label, (start, _) in zip(labels, cells, strict=True)]
    listed = ", ".join(known[:LISTED]) + (f", … {len(known)} in all" if len(known) > LISTED else "")
    few = _too_few(name, lambda word: find(trace, attention, word), what)
    near = get_close_matches(name, {word for label in labels for word in label.split()}, 1)
    hint = few or (f"Did you mean {near[0]}? " if near else "")
    raise SelectionError(f"no {what} of {attention.name} is called {visible(name)!r}", f"{hint}There are: {listed}.")


def _too_few(name: str, find: Callable[[str], Sequence[Tokens]], what: str) -> str:
    """A sentence for a number that is too high, as in `an#3`: how many have the name; empty if none has."""
    numbered = NUMBERED.fullmatch(name)
    if not numbered or not (count := len(find(numbered[1]))):
        return ""
    have = f"one {what} is" if count == 1 else f"{count} {what}s are"
    return f"Only {have} called {visible(numbered[1])!r}. "
