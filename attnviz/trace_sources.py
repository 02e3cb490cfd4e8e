"""What an answer looked at, from Python: `attnviz.sources`."""

from collections.abc import Mapping, Sequence
from typing import Any

from attnviz.analysis.answer_sources import AnswerSources, answer_sources
from attnviz.head_names import Names
from attnviz.models import trace

QUESTION = 48
"""So many tokens before the answer keep their rows too, for what the question looked at."""


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
    count: int = 3,
    **options: Any,
) -> AnswerSources:
    """What an answer to `text` looked at: which segments of it, and for each of its tokens the `count` best sources.

    A decoder writes the answer with `generate`, so many tokens at most, or it is given as `answer`; an encoder-decoder
    has a `target`, or writes one. `contexts`, name → text, are put before `text`; else the segments are what stands
    between marks `split`, or paragraphs. The other keywords are those of `attnviz.trace`: `model`, `layers`, `heads`,
    `chat`, `tokenizer`, `device`, … Raises as that does, and SelectionError where there is no answer.
    """
    parts = [(name, content.strip()) for name, content in (contexts or {}).items()]
    traced = trace(
        put_together(text, [content for _, content in parts], answer),
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
    return answer_sources(traced, parts, split, answer, count)


def put_together(text: str, contexts: Sequence[str], answer: str | None = None) -> str:
    """The contexts, the text and the answer as one prompt, with blank lines between the first ones."""
    whole = "\n\n".join([*contexts, text])
    return whole if answer is None else f"{whole.rstrip()} {answer.strip()}"


def rows_to_keep(generate: int | None, answer: str | None) -> list[str]:
    """The rows that write an answer, and the last ones before it; no token is shorter than a character."""
    return ["answer", f"last:{(len(answer) if answer else generate or 0) + QUESTION}"]
