"""Gradient × attention from Python, `attnviz.relevance`: which tokens each written token rests on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attnviz.analysis.answer_rows import find_answer
from attnviz.analysis.gradient import relevance as relevance_of_row
from attnviz.analysis.method import Progress
from attnviz.analysis.methods import GRADIENT, METHOD
from attnviz.attention import Attention, Row, Token, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import Kind
from attnviz.models import BUILTIN, load
from attnviz.models.base import Model
from attnviz.models.gradients import Gradients
from attnviz.prompt import Prompt, PromptOptions
from attnviz.row_names import RowNames
from attnviz.token_names import Name, names, rows_named


def relevance(
    text: Any,
    model: Any = BUILTIN,
    *,
    rows: Sequence[Name] | Name | None = None,
    query: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Trace:
    """How much the score of each written token rests on each token that was read (Chefer et al. 2021).

    Row `i` of the trace is for the token that row `i` writes: that of the text, or where it has none, and in a masked
    language model, the likeliest. A number is the share of a key in the row of R − I, or of R_qe in cross-attention
    (`attnviz.analysis.gradient`); it stands in the last layer, as head 0, for all layers and heads. The row of a token
    that no weight speaks for is zero. `rows` and `query` name rows as in `attnviz.trace` and `attnviz.plot`; each needs
    a step back through the model. The other `options` are keywords of `attnviz.trace` for a prompt, and of
    `attnviz.load`. `progress` is called with the number of rows done, and of all.

    Raises what these raise, and ModelError for a model that writes nothing or does not hand over its attention.
    """
    of_prompt: Any = {name: value for name, value in options.items() if name in PromptOptions.__annotations__}
    rest = {name: value for name, value in options.items() if name not in of_prompt}
    loaded = model if isinstance(model, Model) else load(model, with_head=True, **rest)
    prompt = text if isinstance(text, Prompt) else Prompt(text, **of_prompt)
    gradients = loaded.gradients(prompt)
    return relevance_of(gradients, rows_to_take(gradients.trace, names("rows", rows), query), progress)


def relevance_of(gradients: Gradients, rows: Sequence[int], progress: Progress | None = None) -> Trace:
    """The trace that `relevance` gives, of the queries `rows`."""
    trace, written, shares = gradients.trace, _written(gradients.trace), list[dict[Kind, Row]]()
    layers: dict[Kind, int] = {}
    for done, of_row in enumerate(gradients.of_rows(rows), 1):
        shares.append(relevance_of_row(of_row.weighted, of_row.query))
        written[of_row.query] = of_row.written
        layers = {kind: len(weighted) for kind, weighted in of_row.weighted.items()}
        if progress is not None:
            progress(done, len(rows))
    attentions = tuple(
        _of_rows(trace[kind], rows, np.stack([one[kind] for one in shares]), layers[kind] - 1, written)
        for kind in shares[0]
    )
    return replace(trace, attentions=attentions, provenance={**trace.provenance, METHOD: GRADIENT})


def relevance_of_answer(gradients: Gradients, answer: str | None = None, progress: Progress | None = None) -> Trace:
    """The same for the rows that write an answer, as `attnviz.analysis.answer_rows.find_answer` finds them."""
    attention, rows = find_answer(gradients.trace, answer)
    return relevance_of(gradients, [attention.rows[row][0] for row in rows], progress)


def rows_to_take(trace: Trace, rows: Sequence[Name] | None = None, query: str | None = None) -> list[int]:
    """The queries that `rows` or `query` name, or all. Raises SelectionError if there are none."""
    attention = trace.attentions[-1]  # of the decoder, if there is one
    found: set[int] = set(range(len(attention.queries)))
    if rows is not None:
        found = set(rows_named(rows, trace, attention)) & found
    elif query is not None:
        found = {token for tokens in RowNames(trace, attention).matching(query.strip()) for token in tokens} or found
    if not found:
        count = len(attention.queries)
        raise SelectionError("none of these rows exists", f"Rows (queries): 0-{count - 1}.")
    return sorted(found)


def _written(trace: Trace) -> list[Token | None]:
    attention = trace.attentions[-1]
    return list(attention.predicts or (None,) * len(attention.queries))


def _of_rows(
    attention: Attention, rows: Sequence[int], shares: np.ndarray, layer: int, written: Sequence[Token | None]
) -> Attention:
    """`attention` with one matrix of these `shares`, `[row, key]`, and with the tokens that its rows write."""
    return replace(
        attention,
        by_layer={layer: shares[None]},
        head_numbers={layer: (0,)},
        rows=tuple((row, row + 1) for row in rows),
        predicts=tuple(written),
    )
