"""What an answer looked at, from Python: `attnviz.sources`."""

from collections.abc import Mapping, Sequence
from typing import Any

from attnviz.analysis.answer_rows import BEFORE
from attnviz.analysis.answer_sources import AnswerSources, answer_sources
from attnviz.analysis.methods import METHODS, RAW, last_layer
from attnviz.analysis.source_segments import RESERVED
from attnviz.errors import InputError
from attnviz.head_names import Names
from attnviz.labels import visible
from attnviz.models import BUILTIN, load, trace
from attnviz.models.base import Model
from attnviz.prompt import Prompt
from attnviz.selection import Selection
from attnviz.token_relevance import relevance_of_answer


def sources(
    text: str,
    model: Any = BUILTIN,
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
    method: str = RAW,
    **options: Any,
) -> AnswerSources:
    """What an answer to `text` looked at: the share of each segment of it, and the `top` best sources of each token.

    A decoder writes the answer, at most `generate` tokens, or it is given as `answer`; an encoder-decoder reads a
    `target` or writes one. The segments are the `contexts`, name → text, which are put before `text`; or the parts
    between marks `split`; or the roles of a `chat`; or paragraphs. With `token`, a word of the answer or the number of
    a token in it, only what that part looked at counts; with `segment`, only tokens of that segment are listed as
    sources. With `method="norm"` a weight counts by the norm of what the head adds for the key (value-weighted
    attention, Kobayashi et al. 2020), so that heads do not count alike; `rollout` and `flow` (Abnar & Zuidema 2020)
    combine all layers, or those up to one of `layers`, and `gradient` asks what the score of each written token rests
    on (Chefer et al. 2021). The other keywords are those of `attnviz.trace`: `model`, `layers`, `heads`, `tokenizer`,
    `device`, …
    Raises what that raises, and SelectionError if there is no answer, and for an unknown token, segment or method.
    """
    selection = Selection.of(layers, heads)
    layer = last_layer(method, selection.layers, selection.heads or selection.layer_heads)
    combines = METHODS[method].combines
    if not isinstance(text, str):
        raise InputError(f"the text is of type {type(text).__name__}, not a string", "Give what the model reads.")
    parts = [(name, content.strip()) for name, content in (contexts or {}).items()]
    whole = put_together(text, parts, answer)
    if METHODS[method].needs == "gradients":
        loaded = model if isinstance(model, Model) else load(model, with_head=True, **options)
        gradients = loaded.gradients(Prompt(whole, target, chat=chat, generate=generate))
        traced = relevance_of_answer(gradients, answer)
        return answer_sources(traced, parts, split, answer, top, token, segment, method)
    traced = trace(
        whole,
        model,
        target=target,
        chat=chat,
        generate=generate,
        layers=None if combines else layers,
        heads=heads,
        rows=None if combines else rows_to_keep(generate, answer),
        columns=None if combines else ["prompt", "answer"],
        value_norms=METHODS[method].needs == "value norms",
        **options,
    )
    return answer_sources(traced, parts, split, answer, top, token, segment, method, layer)


def put_together(text: str, contexts: Sequence[tuple[str, str]], answer: str | None = None) -> str:
    """One prompt of the `contexts`, (name, content), and the text, with blank lines between, and then the answer.

    Raises InputError for a context without content, and for one with the name of another segment.
    """
    for name, content in contexts:
        if not content:
            raise InputError(f"{visible(name)} holds no text", "Leave it out.")
        if name in RESERVED:
            raise InputError(f"a context cannot be called {name!r}: another segment is", "Give it another name.")
    whole = "\n\n".join([*(content for _, content in contexts), text])
    return whole if answer is None else f"{whole.rstrip()} {answer.strip()}"


def rows_to_keep(generate: int | None, answer: str | None) -> list[str]:
    """The names of the rows to capture: those that write the answer, and BEFORE rows before it.

    The number of tokens of a given answer is not known yet; it is at most the number of its bytes.
    """
    return ["answer", f"last:{(len(answer.encode()) if answer else generate or 0) + BEFORE}"]
