"""Whose look is shown by the style that shows one query's: by its word, its token, its number, or by a rule."""

from itertools import groupby

import numpy as np

from attnviz.analysis import strongest
from attnviz.attention import Attention, Trace
from attnviz.errors import SelectionError
from attnviz.labels import visible
from attnviz.render.flow import glued
from attnviz.render.scene import Scene

LISTED = 60
"""So many tokens are listed where one was not found."""


def asked(trace: Trace, attention: Attention, query: str) -> tuple[int, ...]:
    """The rows of `attention` whose query is `query`: a word or token as it is written, or else a token's number.

    A word of several tokens has several rows. Queries of cross-attention are in the decoder. Raises SelectionError
    where nothing, or more than one thing, is called that; the hint lists the tokens with their numbers.
    """
    a = attention
    row_of = {start: row for row, (start, stop) in enumerate(a.rows) if stop - start == 1}
    found = [at for at in _called(trace, a, query.strip()) if all(token in row_of for token in at)]
    if len(found) == 1:
        return tuple(row_of[token] for token in found[0])
    tokens = [f"{token} {visible(a.queries[token].text)}" for token in row_of]
    listed = ", ".join(tokens[:LISTED]) + (f", … {len(tokens)} in all" if len(tokens) > LISTED else "")
    if not found:
        side = f"the {a.part}'s tokens" if a.kind != "self" else "the tokens"
        raise SelectionError(f"there is no query {query!r} among {side}", f"Queries: {listed}.")
    numbers = " or ".join(str(at[0]) for at in found)
    raise SelectionError(f"{query!r} stands there {len(found)} times: name it by number, {numbers}", f"{listed}.")


def _called(trace: Trace, a: Attention, query: str) -> list[tuple[int, ...]]:
    """The tokens of each word of that name, or else of each token, or else the token of that number."""
    written = trace.text if trace.target is None or a.part == "encoder" else trace.target
    by_word = groupby(range(len(a.queries)), key=lambda at: a.queries[at].word)
    words = [tuple(group) for word, group in by_word if word is not None]
    named = [word for word in words if _word(a, word, written) == query]
    named += [(at,) for at, token in enumerate(a.queries) if query in (token.text, visible(token.text))]
    found = [at for at in dict.fromkeys(named) if not any(set(at) < set(other) for other in named)]
    if not found and query.isdecimal() and int(query) < len(a.queries):
        found = [(int(query),)]
    return found


def _word(a: Attention, word: tuple[int, ...], written: str) -> str | None:
    first, last = a.queries[word[0]].span, a.queries[word[-1]].span
    return written[first[0] : last[1]].strip() if first and last else None


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
    """The label of those rows: `ate`, with what it writes where rows say that; or the word of several tokens."""
    if len(rows) == 1:
        return scene.rows[rows[0]]
    tokens = [scene.attention.queries[scene.attention.rows[row][0]] for row in rows]
    spaces = ["" if joins else " " for joins in glued(tokens)]
    return "".join(space + visible(token.text) for space, token in zip(spaces, tokens, strict=True)).lstrip()


def gaze(scene: Scene, at: int, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """How much those rows of head `at` look at each key, on average, and bool which keys any of them may look at."""
    return scene.matrices[at, list(rows)].mean(0), np.any(scene.reachable[list(rows)], 0)
