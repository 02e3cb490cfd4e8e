"""The rows that write an answer, and the keys that are tokens of the answer."""

from collections.abc import Sequence

from attnviz.attention import Attention, Token, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import Kind
from attnviz.token_names import columns_named, rows_named
from attnviz.words_in_text import find_parts

BEFORE = 48
"""The number of rows before the answer that are used too: to find sinks, and for what the question looked at."""


def find_answer(trace: Trace, answer: str | None = None) -> tuple[Attention, list[int]]:
    """The attention from the answer to its sources, and the rows that write the answer, in order.

    The answer is what the model generated, the target of an encoder-decoder, or `answer`, if the text ends with it.
    Raises SelectionError if there is no answer, if none of its rows or not the attention to its sources was captured,
    and if an `answer` is given for an encoder-decoder.
    """
    kind: Kind = "masked-self" if trace.target is None else "cross"
    if kind not in trace.kinds:
        raise SelectionError(
            "only a decoder writes an answer, and nothing of one was kept",
            "Leave out --kind and --rows, or name a model that has a decoder: -m NAME --generate 20.",
        )
    attention = trace[kind]
    queries: Sequence[int] = rows_named(["answer"], trace, attention)
    if answer is not None:
        if trace.target is not None:
            raise SelectionError(f"the answer of {trace.model} is the target of its decoder", "Give it: --target TEXT.")
        queries = _from(attention.predicts or (), trace.text, answer)
    if not queries:
        raise SelectionError(
            f"there is no answer in this text of {trace.model}",
            "Let a decoder write one: --generate 20. Or give it: --answer TEXT.",
        )
    of_query = single_rows(attention)
    rows = [of_query[query] for query in queries if query in of_query]
    if not rows:
        raise SelectionError("no row that writes the answer was kept", "Leave out --rows, or name them: --rows answer.")
    return attention, rows


def rows_before(attention: Attention, answer: Sequence[int]) -> list[int]:
    """The captured rows just before those that write the `answer`, at most BEFORE."""
    first = attention.rows[answer[0]][0]
    return [row for query, row in single_rows(attention).items() if first - BEFORE <= query < first]


def own_keys(trace: Trace, attention: Attention, answer: str | None = None) -> list[int]:
    """The keys that are tokens of the answer; none in cross-attention."""
    if attention.kind == "cross":
        return []
    if answer is not None:
        return _from(attention.keys, trace.text, answer)
    return list(columns_named(["answer"], trace, attention))


def rows_writing(attention: Attention, rows: Sequence[int], name: str, text: str) -> list[int]:
    """The positions in `rows` of the rows that write `name`: a word of the answer, or the number of a token in it.

    `text` is the text that contains the answer. Raises SelectionError if no row writes it.
    """
    tokens = written_tokens(attention, rows)
    found = [(int(name),)] if name.isdecimal() and int(name) < len(rows) else find_parts(tokens, text, name)
    if not found:
        known = ", ".join(f"{number} {token.text}" for number, token in enumerate(tokens) if token)
        raise SelectionError(f"no token of the answer is called {name!r}", f"There are: {known}.")
    return sorted({row for rows in found for row in rows})


def written_tokens(attention: Attention, rows: Sequence[int]) -> list[Token | None]:
    """The token that each of `rows` writes."""
    return [attention.predicts[attention.rows[row][0]] if attention.predicts else None for row in rows]


def single_rows(attention: Attention) -> dict[int, int]:
    """Query → row, for each row that covers one query."""
    return {start: row for row, (start, stop) in enumerate(attention.rows) if stop - start == 1}


def _from(tokens: Sequence[Token | None], text: str, answer: str) -> list[int]:
    """The tokens from the last place where `text` has the `answer`."""
    start = text.rfind(answer.strip())
    return [i for i, token in enumerate(tokens) if token and token.span and token.span[1] > start >= 0]
