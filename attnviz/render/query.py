"""Which query the text style shows: the one that the user names by word, token or number, or one chosen by a rule."""

from collections.abc import Sequence

import numpy as np

from attnviz.analysis import find_strongest_link
from attnviz.attention import Attention, Flags, Row, Trace
from attnviz.errors import SelectionError
from attnviz.labels import visible
from attnviz.pooling import reduce_attention
from attnviz.render.scene import Scene, row_label
from attnviz.render.text_layout import running
from attnviz.retrace import Retrace, format_names
from attnviz.row_names import RowNames

LISTED, FEW = 60, 8
"""An error lists at most LISTED rows, and its hint traces at most FEW rows of one name."""


def find_query(trace: Trace, attention: Attention, query: str) -> tuple[int, ...]:
    """The rows of `attention` that `query` names, by a word or token of the text, or else by their number.

    The name is that of the token that a row reads; in cross-attention that of the token it writes, since the alignment
    is with what is written. `is→` is the row that reads "is", `→Paris` the one that writes "Paris", and `is→Paris` the
    one that does both; `an#2` is the second row named "an". A word of several tokens has several rows. Upper and lower
    case differ only where the text has both. Rows that were pooled are ignored where another row has that name.

    Raises SelectionError where no row or more than one has that name, or where all such rows are pooled; the hint lists
    the rows that there are.
    """
    names, query = RowNames(trace, attention), query.strip()
    row_of = {start: row for row, (start, stop) in enumerate(attention.rows) if stop - start == 1}
    found, kept = _matching(names, query)
    if len(kept) == 1:
        return tuple(row_of[token] for token in kept[0])
    if kept:
        listed = [
            f"{query}#{index + 1} ({_row(attention, tokens[0])})"
            for index, tokens in enumerate(found)
            if tokens in kept
        ]
        raise SelectionError(f"{len(kept)} rows {names.verb_of(query)} {query!r}", f"Name one: {_listed(listed)}.")
    if found:
        retrace = Retrace.of(trace, attention)
        rows = format_names(sorted({token for tokens in found[:FEW] for token in tokens}))
        message = f"the row that {names.verb_of(query)}s {query!r} shares a cell with others, or was left out"
        raise retrace.error(message, rows, retrace.all_columns)
    other = names.find(f"{query}→") or names.find(f"→{query}")
    elsewhere = f"One {names.other_verb}s it: {names.other(query)}. " if other else names.too_few(query)
    rows = _listed([_row(attention, token) for token in row_of])
    raise SelectionError(f"no row {names.verb_of(query)}s {query!r}", f"{elsewhere}Rows: {rows}.")


def other_rows_note(trace: Trace, attention: Attention, query: str) -> str:
    """A note on the rows named `query` that were pooled with others; "" where there are none."""
    names, query = RowNames(trace, attention), query.strip()
    found, kept = _matching(names, query)
    if len(found) == len(kept):
        return ""
    return f"{len(kept)} of {len(found)} rows that {names.verb_of(query)} {visible(query)!r} has its own cell: this one"


def _matching(names: RowNames, query: str) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """The queries of each word named `query`, and those of them whose rows are single tokens."""
    alone = {start for start, stop in names.attention.rows if stop - start == 1}
    found = names.matching(query)
    return found, [tokens for tokens in found if alone.issuperset(tokens)]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f", … {len(names)} in all" if len(names) > LISTED else "")


def _row(attention: Attention, query: int) -> str:
    """A row as it is listed: its number and its label."""
    return f"{query} {row_label(attention.queries[query], attention.predicts[query] if attention.predicts else None)}"


def query_rows(scene: Scene) -> tuple[int, ...]:
    """The rows that are shown: those of `scene.queries`, or the row of the strongest link between two content words.

    The strongest link is that of all heads of the scene, among rows of one token if there are any. Without such a link
    it is the row with the largest weight to another token.
    """
    if scene.queries:
        return scene.queries
    a = scene.attention
    alone = [row for row, (start, stop) in enumerate(a.rows) if stop - start == 1] or list(range(len(a.rows)))
    exact = reduce_attention(a, [a.rows[row] for row in alone], a.columns)
    links = [link for head in scene.heads if (link := find_strongest_link(exact, *head))]
    if links:
        return (alone[max(links, key=lambda link: link.weight).row],)
    weights = scene.matrices.max(0)[alone]
    if a.kind != "cross":
        weights = np.where(np.array(exact.rows)[:, :1] == np.array(a.columns)[:, 0], 0, weights)
    return (alone[int(weights.max(-1).argmax())],)


def query_label(scene: Scene, rows: tuple[int, ...]) -> str:
    """These rows in words: `ate`; in a decoder `reads "ate" · writes "an"`; in cross-attention the other way round."""
    a, tokens = scene.attention, [scene.attention.rows[row][0] for row in rows]
    read = running([a.queries[index] for index in tokens])
    written = [token for index in tokens if a.predicts and (token := a.predicts[index])]
    if not written:
        return read if a.predicts is None else f'reads "{read}"'
    writes = "generates" if all(token.generated for token in written) else "writes"
    both = f'reads "{read}"', f'{writes} "{running(written)}"'
    return " · ".join(reversed(both) if a.kind == "cross" else both)


def query_weights(scene: Scene, index: int, rows: tuple[int, ...]) -> tuple[Row, Flags]:
    """The mean weights of these rows of head `index`, `[column]`; and which keys any of the rows may look at, bool."""
    return scene.matrices[index, list(rows)].mean(0), np.any(scene.reachable[list(rows)], 0)
