"""Whose look is shown by the style that shows one query's: by its word, its token, its number, or by a rule."""

from collections.abc import Sequence

import numpy as np

from attnviz.analysis import strongest
from attnviz.attention import Attention, Trace
from attnviz.errors import SelectionError
from attnviz.render.flow import running
from attnviz.render.scene import Scene, row_label
from attnviz.row_names import RowNames

LISTED = 60
"""So many rows are listed where one was not found."""


def asked(trace: Trace, attention: Attention, query: str) -> tuple[int, ...]:
    """The rows of `attention` that `query` names: by a word or token as it is written, or else by their number.

    That is the token that a row reads; in cross-attention the one that it writes, since alignment is of what is
    written. `is→` names the row that reads "is", `→Paris` the one that writes "Paris", `is→Paris` the one that does
    both; `an#2` is the second that is called "an". A word of several tokens has several rows. Capital letters make a
    difference only where both are there. Raises SelectionError where nothing, or more than one thing, is called that,
    or its rows are not kept by themselves; the hint lists what there is.
    """
    names, query = RowNames(trace, attention), query.strip()
    row_of = {start: row for row, (start, stop) in enumerate(attention.rows) if stop - start == 1}
    found = names.matching(query)
    if len(found) == 1 and all(token in row_of for token in found[0]):
        return tuple(row_of[token] for token in found[0])
    if found and not any(token in row_of for tokens in found for token in tokens):
        numbers = ",".join(str(token) for tokens in found for token in tokens)
        hint = f"Trace the text again, with --rows {numbers}."
        raise SelectionError(f"the row that {names.verb}s {query!r} is not kept by itself", hint)
    if found:
        one_by_one = [f"{query}#{at + 1} ({_row(attention, tokens[0])})" for at, tokens in enumerate(found)]
        raise SelectionError(f"{len(found)} rows {names.verb} {query!r}", f"Name one: {_listed(one_by_one)}.")
    other = names.find(f"{query}→") or names.find(f"→{query}")
    elsewhere = f"One {names.other_verb}s it: {names.other(query)}. " if other else ""
    rows = _listed([_row(attention, token) for token in row_of])
    raise SelectionError(f"no row {names.verb}s {query!r}", f"{elsewhere}Rows: {rows}.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f", … {len(names)} in all" if len(names) > LISTED else "")


def _row(attention: Attention, query: int) -> str:
    """The row of a query by its number and its label."""
    return f"{query} {row_label(attention.queries[query], attention.predicts[query] if attention.predicts else None)}"


def looking(scene: Scene) -> tuple[int, ...]:
    """The rows that are shown: those asked for, or the query of the strongest link between two content words.

    That link is sought in all heads of the scene; a text without one shows the row of the largest weight to another
    token.
    """
    if scene.queries:
        return scene.queries
    pairs = [pair for head in scene.heads if (pair := strongest(scene.attention, *head))]
    if pairs:
        return (max(pairs, key=lambda pair: pair.weight).query,)
    weights = scene.matrices.max(0)
    if scene.attention.kind != "cross":
        weights = np.where(np.array(scene.attention.rows)[:, :1] == np.array(scene.attention.columns)[:, 0], 0, weights)
    return (int(weights.max(-1).argmax()),)


def query_label(scene: Scene, rows: tuple[int, ...]) -> str:
    """Those rows in words: `ate`; in a decoder `reads "ate" · writes "an"`; in cross-attention what it writes first."""
    a, tokens = scene.attention, [scene.attention.rows[row][0] for row in rows]
    read = running([a.queries[at] for at in tokens])
    written = [token for at in tokens if a.predicts and (token := a.predicts[at])]
    if not written:
        return read if a.predicts is None else f'reads "{read}"'
    writes = "generates" if all(token.generated for token in written) else "writes"
    both = f'reads "{read}"', f'{writes} "{running(written)}"'
    return " · ".join(reversed(both) if a.kind == "cross" else both)


def gaze(scene: Scene, at: int, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """How much those rows of head `at` look at each key, on average, and bool which keys any of them may look at."""
    return scene.matrices[at, list(rows)].mean(0), np.any(scene.reachable[list(rows)], 0)
