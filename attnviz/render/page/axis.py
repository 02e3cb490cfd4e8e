"""One axis of a matrix as the page shows it: a label for each cell, and its piece of the running text."""

from collections.abc import Sequence
from typing import Any

from attnviz.attention import Attention, Range, Token, Trace, count_virtual_tokens
from attnviz.labels import visible
from attnviz.render.scene import Scene
from attnviz.render.text_layout import follows_without_space, line_ends, running
from attnviz.words import merged_predicts, merged_tokens, word_numbers

Axis = dict[str, Any]
"""`labels`, `ranges`, `texts`, `spaced`, `lines`, `special`, `words` and `written`: a list each, one entry a cell."""


def axes(trace: Trace, attention: Attention) -> tuple[Axis, Axis]:
    """The rows and the columns of `attention`, labelled as `plot` labels them.

    A cell's entry in `texts` is its piece of the text that is read, in cross-attention, whose rows are named by what
    they write, of what is written. `spaced` says whether a space stands before it, `lines` how many lines end there.
    `words` numbers the words that the cells belong to; it is empty where cells are not the tokens, all of them.
    `written` says of rows whether they write a token of an answer: one that was generated, or that a decoder beside an
    encoder writes.
    """
    a, scene = attention, Scene(attention, ())
    reads = trace.read_by(a.part)
    follows = a.predicts or (None,) * len(a.queries)
    names = [written or read if a.kind == "cross" else read for read, written in zip(a.queries, follows, strict=True)]
    rows = _axis(scene.rows, names, a.rows, reads)
    columns = _axis(scene.columns, a.keys, a.columns, trace.text if a.kind == "cross" else reads)
    answers = [bool(token and (token.generated or trace.target is not None)) for token in follows]
    rows["written"] = [stop - start == 1 and answers[start] for start, stop in a.rows]
    rows["special"] = [_writes_none(a, cell) for cell in a.rows]
    rows["words"], columns["words"] = (word_numbers(tokens) if a.is_whole else [] for tokens in (a.queries, a.keys))
    return rows, columns


def of_words(trace: Trace, attention: Attention) -> Attention | None:
    """`attention` without weights, with the tokens of each word merged; None where it is no other, or not known."""
    a = attention
    if not a.is_whole or all(len(set(word_numbers(tokens))) == len(tokens) for tokens in (a.queries, a.keys) if tokens):
        return None
    reads = trace.read_by(a.part)
    queries = merged_tokens(a.queries, reads)
    keys = merged_tokens(a.keys, trace.text if a.kind == "cross" else reads)
    predicts = a.predicts and merged_predicts(a.queries, queries, a.predicts)
    return Attention(a.kind, a.part, queries, keys, {}, {}, predicts=predicts)


def _axis(labels: Sequence[str], tokens: Sequence[Token], cells: Sequence[Range], text: str) -> Axis:
    joined, ends, virtual = follows_without_space(tokens), line_ends(tokens, text), count_virtual_tokens(tokens)
    return {
        "labels": list(labels),
        "ranges": [list(cell) for cell in cells],
        "texts": [_piece(tokens[start:stop], text) for start, stop in cells],
        "spaced": [not joined[start] for start, _ in cells],
        "lines": [ends[start] for start, _ in cells],
        "special": [start >= virtual and all(token.special for token in tokens[start:stop]) for start, stop in cells],
        "written": [],
        "words": [],
    }


def _piece(tokens: Sequence[Token], text: str) -> str:
    return visible(tokens[0].text) if len(tokens) == 1 else running(tokens, text)


def _writes_none(a: Attention, row: Range) -> bool:
    """Whether every query of a row is special and writes no ordinary token, as `render.exclusion` has it."""
    written = a.predicts or (None,) * len(a.queries)
    return all(
        a.queries[index].special and ((token := written[index]) is None or token.special) for index in range(*row)
    )
