"""Which query the text style shows: by its word, its token, its number, or by a rule."""

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
"""So many rows are listed where one was not found, and so many of one name are kept, where none is."""


def find_query(trace: Trace, attention: Attention, query: str) -> tuple[int, ...]:
    """The rows of `attention` that `query` names: by a word or token as it is written, or else by their number.

    That is the token that a row reads; in cross-attention the one that it writes, since alignment is of what is
    written. `is→` names the row that reads "is", `→Paris` the one that writes "Paris", `is→Paris` the one that does
    both; `an#2` is the second that is called "an". A word of several tokens has several rows. Capital letters make a
    difference only where both are there. What is not kept by itself is passed over where something else of that name
    is. Raises SelectionError where nothing, or more than one thing, is called that, or none of it is kept by itself;
    the hint lists what there is.
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
        message = f"the row that {names.verb_of(query)}s {query!r} is not kept by itself"
        raise retrace.error(message, rows, retrace.all_columns)
    other = names.find(f"{query}→") or names.find(f"→{query}")
    elsewhere = f"One {names.other_verb}s it: {names.other(query)}. " if other else names.too_few(query)
    rows = _listed([_row(attention, token) for token in row_of])
    raise SelectionError(f"no row {names.verb_of(query)}s {query!r}", f"{elsewhere}Rows: {rows}.")


def other_rows_note(trace: Trace, attention: Attention, query: str) -> str:
    """What else is called `query` and is not kept by itself, in words; nothing where that is nothing."""
    names, query = RowNames(trace, attention), query.strip()
    found, kept = _matching(names, query)
    if len(found) == len(kept):
        return ""
    return (
        f"{len(kept)} of {len(found)} rows that {names.verb_of(query)} {visible(query)!r} is kept by itself: this one"
    )


def _matching(names: RowNames, query: str) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """The queries of each thing that is called `query`, and those of them that have rows of their own."""
    alone = {start for start, stop in names.attention.rows if stop - start == 1}
    found = names.matching(query)
    return found, [tokens for tokens in found if alone.issuperset(tokens)]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f", … {len(names)} in all" if len(names) > LISTED else "")


def _row(attention: Attention, query: int) -> str:
    """The row of a query by its number and its label."""
    return f"{query} {row_label(attention.queries[query], attention.predicts[query] if attention.predicts else None)}"


def query_rows(scene: Scene) -> tuple[int, ...]:
    """The rows that are shown: those asked for, or the query of the strongest link between two content words.

    That link is sought in all heads of the scene, and among rows of one token where there are any; a text without one
    shows the row of the largest weight to another token.
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
    """Those rows in words: `ate`; in a decoder `reads "ate" · writes "an"`; in cross-attention what it writes first."""
    a, tokens = scene.attention, [scene.attention.rows[row][0] for row in rows]
    read = running([a.queries[index] for index in tokens])
    written = [token for index in tokens if a.predicts and (token := a.predicts[index])]
    if not written:
        return read if a.predicts is None else f'reads "{read}"'
    writes = "generates" if all(token.generated for token in written) else "writes"
    both = f'reads "{read}"', f'{writes} "{running(written)}"'
    return " · ".join(reversed(both) if a.kind == "cross" else both)


def query_weights(scene: Scene, index: int, rows: tuple[int, ...]) -> tuple[Row, Flags]:
    """How much those rows of head `index` look at each key, on average, and bool which keys any of them may look at."""
    return scene.matrices[index, list(rows)].mean(0), np.any(scene.reachable[list(rows)], 0)
