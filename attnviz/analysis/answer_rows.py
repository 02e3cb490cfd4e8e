"""Which rows write an answer, and which keys are of the answer itself."""

from collections.abc import Sequence

from attnviz.attention import Attention, Token, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import Kind
from attnviz.token_names import columns_named, rows_named
from attnviz.words_in_text import find_parts

BEFORE = 48
"""So many rows before the answer are looked at too: for what the question looked at, and which keys are sinks."""


def find_answer(trace: Trace, answer: str | None = None) -> tuple[Attention, list[int]]:
    """The attention by which the answer looks at its sources, and the rows that write it, in order.

    The answer is what the model generated, a target that a decoder reads beside an encoder, or the end of the text,
    where that is `answer`. Raises SelectionError where there is none, where none of its rows was kept, or not the
    attention by which it looks, and for an `answer` of an encoder-decoder.
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
    """The rows just before those that write the `answer`, BEFORE at most, as far as they were kept."""
    first = attention.rows[answer[0]][0]
    return [row for query, row in single_rows(attention).items() if first - BEFORE <= query < first]


def own_keys(trace: Trace, attention: Attention, answer: str | None = None) -> list[int]:
    """The keys that are of the answer itself; none in cross-attention."""
    if attention.kind == "cross":
        return []
    if answer is not None:
        return _from(attention.keys, trace.text, answer)
    return list(columns_named(["answer"], trace, attention))


def rows_writing(attention: Attention, rows: Sequence[int], name: str, text: str) -> list[int]:
    """Those of `rows`, as their places in it, that write what is called `name`: a word, or the number of a token.

    `text` is the one that the answer is in. Raises SelectionError where no row does.
    """
    tokens = written_tokens(attention, rows)
    found = [(int(name),)] if name.isdecimal() and int(name) < len(rows) else find_parts(tokens, text, name)
    if not found:
        said = ", ".join(f"{number} {token.text}" for number, token in enumerate(tokens) if token)
        raise SelectionError(f"no token of the answer is called {name!r}", f"There are: {said}.")
    return sorted({row for rows in found for row in rows})


def written_tokens(attention: Attention, rows: Sequence[int]) -> list[Token | None]:
    """The token that each of `rows` writes."""
    return [attention.predicts[attention.rows[row][0]] if attention.predicts else None for row in rows]


def single_rows(attention: Attention) -> dict[int, int]:
    """The row of each query that has one to itself."""
    return {start: row for row, (start, stop) in enumerate(attention.rows) if stop - start == 1}


def _from(tokens: Sequence[Token | None], text: str, answer: str) -> list[int]:
    """The tokens from where `answer` begins, as the end of `text`."""
    start = text.rfind(answer.strip())
    return [i for i, token in enumerate(tokens) if token and token.span and token.span[1] > start >= 0]
