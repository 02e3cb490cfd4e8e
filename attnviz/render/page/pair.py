"""Two traces on one page: which of their tokens are the same, so that weights of one can be taken from the other's."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from attnviz.analysis.common_cells import CommonCells, common_cells
from attnviz.attention import Attention, Token
from attnviz.labels import visible
from attnviz.render.page.axis import of_words
from attnviz.render.page.command import Side, compare_command
from attnviz.render.scene import Scene
from attnviz.words import word_numbers


def pair_of(a: Side, b: Side) -> dict[str, Any]:
    """What the page is told of two attentions of one kind, for A − B and for B − A.

    `tokens` are the common `rows` and `columns`, each as the numbers of a token of A and of the same token of B, with
    the `labels` of the rows; and `alone` is what only A and only B has. `words` are the same of words, which their
    first tokens stand for. `tokens` are None where several tokens share a cell, `words` also where neither side merges
    tokens to words. `commands` draw the two differences; None where no command does.
    """
    one, other = a.attention, b.attention
    is_comparable = not (one.is_pooled or other.is_pooled)
    merged = of_words(a.trace, one), of_words(b.trace, other)
    return {
        "tokens": _common((one, other), (None, None)) if is_comparable else None,
        "words": _common((one, other), merged) if is_comparable and any(merged) else None,
        "commands": [compare_command(a, b), compare_command(b, a)],
    }


def _common(
    tokens: tuple[Attention, Attention], words: tuple[Attention | None, Attention | None]
) -> dict[str, list[Any]]:
    """What two attentions have in common, by the tokens of both; of a side with `words`, by these."""
    both = list(zip(tokens, words, strict=True))
    found = common_cells(*(merged or whole for whole, merged in both))
    rows, other_rows = (_first_tokens(whole.queries, merged) for whole, merged in both)
    columns, other_columns = (_first_tokens(whole.keys, merged) for whole, merged in both)
    a, b = found.a, found.b
    return {
        "rows": [[rows[a.rows[i][0]], other_rows[b.rows[j][0]]] for i, j in zip(*found.rows, strict=True)],
        "columns": [
            [columns[a.columns[i][0]], other_columns[b.columns[j][0]]] for i, j in zip(*found.columns, strict=True)
        ],
        "labels": list(_row_labels(found)),
        "alone": [list(dict.fromkeys(visible(token.text) for token in some)) for some in (found.only_a, found.only_b)],
    }


def _row_labels(found: CommonCells) -> tuple[str, ...]:
    """The labels of the common rows, which name what a row writes only where both write the same."""
    blank = np.zeros((len(found.row_tokens), len(found.column_tokens)), np.float32)
    return Scene(found.attention(blank), ()).rows


def _first_tokens(tokens: Sequence[Token], merged: Attention | None) -> list[int]:
    """The first token of each word; each token itself where they are not merged."""
    numbers = word_numbers(tokens) if merged else list(range(len(tokens)))
    return [numbers.index(number) for number in dict.fromkeys(numbers)]
