"""What an answer looked at, from Python: `attnviz.sources`."""

from collections.abc import Mapping, Sequence
from typing import Any

from attnviz.analysis.answer_rows import BEFORE
from attnviz.analysis.answer_sources import AnswerSources, answer_sources
from attnviz.analysis.source_segments import RESERVED
from attnviz.errors import InputError
from attnviz.head_names import Names
from attnviz.labels import visible
from attnviz.models import trace


def sources(
    text: str,
    model: Any,
    *,
    contexts: Mapping[str, str] | None = None,
    split: str | None = None,
    generate: int | None = None,
    answer: str | None = None,
    target: str | None = None,
    chat: bool = False,
    layers: Names | None = None,
    heads: Names | None = None,
    top: int = 3,
    token: str | None = None,
    segment: str | None = None,
    **options: Any,
) -> AnswerSources:
    """What an answer to `text` looked at: which segments of it, and for each of its tokens the `top` best sources.

    A decoder writes the answer with `generate`, so many tokens at most, or it is given as `answer`; an encoder-decoder
    has a `target`, or writes one. `contexts`, name → text, are put before `text`; else the segments are what stands
    between marks `split`, the roles of a `chat`, or paragraphs. With `token`, a word of the answer or the number of a
    token of it, all is what that looked at; with `segment` the best sources are tokens of that segment. The other
    keywords are those of `attnviz.trace`: `model`, `layers`, `heads`, `tokenizer`, `device`, … Raises as that does, and
    SelectionError where there is no answer, and for a token or a segment that there is not.
    """
    parts = [(name, content.strip()) for name, content in (contexts or {}).items()]
    traced = trace(
        put_together(text, parts, answer),
        model,
        target=target,
        chat=chat,
        generate=generate,
        layers=layers,
        heads=heads,
        rows=rows_to_keep(generate, answer),
        columns=["prompt", "answer"],
        **options,
    )
    return answer_sources(traced, parts, split, answer, top, token, segment)


def put_together(text: str, contexts: Sequence[tuple[str, str]], answer: str | None = None) -> str:
    """The contexts, each a name and its content, the text and the answer as one prompt, with blank lines between.

    Raises InputError for a context without content, and for one with a name that another segment has.
    """
    for name, content in contexts:
        if not content:
            raise InputError(f"{visible(name)} holds no text", "Leave it out.")
        if name in RESERVED:
            raise InputError(f"a context cannot be called {name!r}: another segment is", "Give it another name.")
    whole = "\n\n".join([*(content for _, content in contexts), text])
    return whole if answer is None else f"{whole.rstrip()} {answer.strip()}"


def rows_to_keep(generate: int | None, answer: str | None) -> list[str]:
    """The rows that write an answer, and the last ones before it; no token is shorter than a byte."""
    return ["answer", f"last:{(len(answer.encode()) if answer else generate or 0) + BEFORE}"]
