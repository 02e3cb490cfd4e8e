"""Heads and links taken out of a model, from Python: `attnviz.ablate` and `attnviz.head_effects`."""

from typing import Any

import numpy as np

from attnviz.analysis.ablation import (
    AblationResult,
    HeadEffect,
    Prediction,
    PredictionChange,
    attention_changes,
    divergence,
    likeliest,
)
from attnviz.attention import Attention, Token, Trace
from attnviz.cuts import ZERO, Cut
from attnviz.errors import SelectionError
from attnviz.head_names import Names
from attnviz.kinds import Kind
from attnviz.models import BUILTIN, load
from attnviz.models.base import Model
from attnviz.models.cut_runs import CutRuns, Done, Probabilities
from attnviz.prompt import Prompt, PromptOptions
from attnviz.render.named_link import NamedLink, named_links
from attnviz.render.query import find_query
from attnviz.render.scene import row_label
from attnviz.row_names import RowNames
from attnviz.selection import Selection

Link = tuple[str, str]
"""The word that looks, and the word that is looked at."""


def ablate(
    text: Any,
    model: Any = BUILTIN,
    *,
    layers: Names | None = None,
    heads: Names | None = None,
    kind: str | None = None,
    link: Link | None = None,
    how: str = ZERO,
    query: str | None = None,
    **options: Any,
) -> AblationResult:
    """What changes in the predictions and in the later attention of a model without some heads.

    `layers` and `heads` name the heads, of one `kind`, by default of the first kind that has them. What they give is
    set to zero, or, if `how` is `mean`, to its mean over the positions of the text. With a `link`, two words, these
    heads, or all, only do not look from the first word to the second, and the rest of the row is scaled.

    The prediction is that of the row `query`. By default it is the next token of a decoder, the one mask of a masked
    language model, and, of a translation, the row that changes most; the decoder reads the same words in both runs. The
    other `options` are keywords of `attnviz.trace` for a prompt, and of `attnviz.load`.

    Raises what these raise, SelectionError if no heads or no such words are there, and ModelError for a model whose
    heads cannot be taken out.
    """
    if layers is None and heads is None and link is None:
        raise SelectionError("no heads were named", "Name some: --head L3H2, or a link: --link ate→apple.")
    selection = Selection.of(layers, heads, kind)
    return ablate_in(cut_runs(text, model, options), selection, link, how, query)


def head_effects(
    text: Any,
    word: str,
    model: Any = BUILTIN,
    *,
    kind: str | None = None,
    link: Link | None = None,
    how: str = ZERO,
    query: str | None = None,
    progress: Done | None = None,
    **options: Any,
) -> list[HeadEffect]:
    """How much the probability of `word` changes without each head, one at a time, the largest change first.

    The row is the one that writes `word`, the last of several; if the text does not have it, the row is chosen as in
    `ablate`. Of a word of several tokens it is the first. With a `link`, each head also has its weight on it. The other
    arguments are those of `ablate`. Raises what it raises, and SelectionError for a word that the model cannot write.
    """
    return effects_in(cut_runs(text, model, options), word, Selection.of(kinds=kind), link, how, query, progress)


def cut_runs(text: Any, model: Any, options: dict[str, Any]) -> CutRuns:
    """The runs of a model, loaded or not, on a text."""
    of_prompt: Any = {name: value for name, value in options.items() if name in PromptOptions.__annotations__}
    rest = {name: value for name, value in options.items() if name not in of_prompt}
    loaded = model if isinstance(model, Model) else load(model, with_head=True, **rest)
    return loaded.cut_runs(text if isinstance(text, Prompt) else Prompt(text, **of_prompt))


def ablate_in(runs: CutRuns, selection: Selection, link: Link | None, how: str, query: str | None) -> AblationResult:
    """What `ablate` gives, for runs of a model on a text."""
    cut, what = _cut(runs.trace, selection, link, how)
    trace, after = runs.run(cut)
    prediction = None
    if runs.probabilities is not None and after is not None:
        row = _row(runs, query, after)
        prediction = _change(runs, row, runs.probabilities[row], after[row])
    elif query is not None:
        raise SelectionError(f"{runs.trace.model} writes nothing that --query could name", "Leave it out.")
    new, old = runs.translation(cut), runs.trace.target
    changed = tuple(attention_changes(runs.trace, trace, cut.kind, cut.heads))
    translations = (old, new) if new is not None and old is not None else None
    return AblationResult(runs.trace.model, runs.trace.text, what, prediction, changed, translations)


def effects_in(
    runs: CutRuns,
    word: str,
    selection: Selection,
    link: Link | None,
    how: str,
    query: str | None,
    progress: Done | None = None,
) -> list[HeadEffect]:
    """What `head_effects` gives, for runs of a model on a text."""
    if runs.probabilities is None:
        raise SelectionError(f"{runs.trace.model} writes nothing", "Name a model that does: -m NAME.")
    available = {a.kind: a.head_numbers for a in runs.trace.attentions}
    chosen = selection.resolve(available)
    row, token = _row_and_token(runs, word, query)
    every = [
        (kind, layer, head) for kind, layers in chosen.items() for layer, heads in layers.items() for head in heads
    ]
    weights = _weights(runs.trace, link)
    cuts = [Cut(kind, ((layer, head),), how=how) for kind, layer, head in every]
    after = runs.without_each(cuts, row, token, progress)
    before = float(runs.probabilities[row, token])
    effects = [
        HeadEffect(*one, before, float(probability), weights.get(one, float("nan")))
        for one, probability in zip(every, after, strict=True)
    ]
    return sorted(effects, key=lambda one: -abs(one.effect))


def _cut(trace: Trace, selection: Selection, link: Link | None, how: str) -> tuple[Cut, str]:
    """The cut, and what it is in words."""
    chosen = selection.resolve({a.kind: a.head_numbers for a in trace.attentions})
    found: NamedLink | None = None
    if link is not None:
        links = [one for one in named_links(trace, *link) if one.kind in chosen and not one.is_hidden]
        if not links:
            raise SelectionError(
                f"no head looks from {link[0]!r} to {link[1]!r}", "Name other words, or another --kind."
            )
        found = links[0]
    kind: Kind = found.kind if found else next(iter(chosen))
    heads = tuple((layer, head) for layer, some in chosen[kind].items() for head in some)
    a = trace[kind]
    if found is None:
        cut = Cut(kind, heads, how=how)
        return cut, f"{cut.name}, {'set to zero' if how == ZERO else 'set to its mean over positions'}"
    queries, keys = (
        [cells[index][0] for index in some] for cells, some in ((a.rows, found.rows), (a.columns, found.columns))
    )
    cut = Cut(kind, heads, tuple(queries), tuple(keys), how)
    return cut, f"the link from {found.query} to {found.key} in {cut.name}"


def _writer(trace: Trace) -> Attention:
    """The attention whose rows write."""
    return trace.attentions[-1]


def _row(runs: CutRuns, query: str | None, after: Probabilities | None = None) -> int:
    """The row whose prediction is compared."""
    trace, before = runs.trace, runs.probabilities
    a = _writer(trace)
    if query is not None:
        return a.rows[find_query(trace, a, query)[-1]][0]
    if a.kind == "self":
        if len(runs.masked) != 1:
            masks = f"{len(runs.masked)} masks" if runs.masked else "no mask"
            raise SelectionError(
                f"{trace.model} fills in masks, and there are {masks} in this text"
                if runs.masked
                else f"{trace.model} fills in masks, and there is no mask in this text",
                "Write its mask, such as [MASK], in place of one word, or name a token: --query WORD.",
            )
        return runs.masked[0]
    if a.kind == "cross" and before is not None and after is not None:
        return int(np.argmax([divergence(*rows) for rows in zip(before, after, strict=True)]))
    return len(a.queries) - 1


def _row_and_token(runs: CutRuns, word: str, query: str | None) -> tuple[int, int]:
    """The row that writes `word`, and the token with which it does."""
    assert runs.probabilities is not None
    a = _writer(runs.trace)
    if query is None and a.predicts and (rows := RowNames(runs.trace, a).matching(f"→{word}")):
        row = rows[-1][0]
        token = a.predicts[row]
        assert token is not None
        return row, runs.as_written(token.id)
    if query is None and a.kind == "cross":
        written = ", ".join(token.text for token in a.predicts or () if token)
        raise SelectionError(f"the translation has no {word!r}", f"Its words: {written}.")
    row = _row(runs, query)
    found = runs.tokens_of(word)
    if not found:
        raise SelectionError(f"{runs.trace.model} cannot write {word!r}", "Name a word that it knows.")
    return row, max(found, key=lambda token: runs.probabilities[row, token] if runs.probabilities is not None else 0)


def _weights(trace: Trace, link: Link | None) -> dict[tuple[Kind, int, int], float]:
    """The weight of each head on a link, of each kind that has it."""
    if link is None:
        return {}
    return {
        (one.kind, head.layer, head.head): head.weight
        for one in reversed(named_links(trace, *link))  # of a link back in the same kind, the first counts
        for head in one.heads
    }


def _change(runs: CutRuns, row: int, before: np.ndarray, after: np.ndarray) -> PredictionChange:
    a = _writer(runs.trace)
    written: Token | None = a.predicts[row] if a.predicts else None
    tokens = likeliest(before, after)
    return PredictionChange(
        row_label(a.queries[row], written),
        divergence(before, after),
        tuple(Prediction(runs.word(token), float(before[token]), float(after[token])) for token in tokens),
    )
