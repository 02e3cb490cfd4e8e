"""The score of each head in one text, by which `head_choice.py` chooses the head that is shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.fixed_key import key_share
from attnviz.analysis.offset import offset_share
from attnviz.analysis.word_links import WordLinks, all_links, content_links, judged_links, token_links
from attnviz.attention import Attention, Trace
from attnviz.attention.peaks import has_exact_peaks
from attnviz.errors import SelectionError
from attnviz.kinds import KINDS, Kind
from attnviz.measured_roles import MeasuredRole, from_provenance

FIXED = {offset_share: "a fixed number of tokens away", key_share: "at one key"}
"""Where a head looks that looks the same way in every text, in words."""
ENOUGH_ROWS = 8
"""With fewer rows than this, a key at which most rows peak is not a sign of a sink: a short text can have one topic."""
CONTENT_WORDS = "its content words look at one another"


@dataclass(frozen=True, eq=False)
class HeadScores:
    """The scores of the `heads`, (layer, head), of one kind in one text; both arrays are `[head]`.

    `values` hold each head's mean peak weight (`WordLinks.mean_peak`) on the links that `behaviour` names, and
    `baseline` is that number for a head without preference. `fixed_shares` hold the share of rows that look most as
    `fixed` says. `without_first` says that links to the first key did not count. `is_exact` is false where the trace
    has only cells of several tokens, so that the keys of its largest weights are not known. `measured` is the first
    role that the model says one of these heads was measured to have, in the language of the text.
    """

    kind: Kind
    heads: tuple[tuple[int, int], ...]
    values: NDArray[np.float64]
    fixed_shares: NDArray[np.float64]
    baseline: float
    behaviour: str
    fixed: str
    without_first: bool
    is_exact: bool
    measured: MeasuredRole | None = None


def score_heads(trace: Trace, kind: str | None = None) -> HeadScores:
    """The scores of the heads of `kind`, or of the first kind that the trace has: self, masked-self, cross.

    Heads are judged by links between different content words; a text without two of them by links between any two
    different tokens, and a text of one token by all weights. Raises SelectionError where the trace does not have that
    kind, or has no head.
    """
    attention = trace[kind or next((k for k in KINDS if k in trace.kinds), KINDS[0])]
    heads = tuple((layer, head) for layer in attention.layers for head in attention.heads(layer))
    if not heads:
        raise SelectionError(f"no head of {attention.name} was captured", "Trace again without --layer and --head.")
    links, behaviour = _links(attention)
    judged = judged_links(links)
    measures = [offset_share] + [key_share] * (len(attention.covered) >= ENOUGH_ROWS)
    shares = [np.max([share(attention, layer) for share in measures], 0) for layer in attention.layers]
    return HeadScores(
        kind=attention.kind,
        heads=heads,
        values=np.concatenate([judged.mean_peak(layer) for layer in attention.layers]),
        fixed_shares=np.concatenate(shares),
        baseline=judged.baseline,
        behaviour=behaviour,
        fixed=" or ".join(FIXED[share] for share in measures),
        without_first=judged is not links,
        is_exact=has_exact_peaks(attention),
        measured=_measured_role(trace, attention.kind, heads),
    )


def _measured_role(trace: Trace, kind: Kind, heads: tuple[tuple[int, int], ...]) -> MeasuredRole | None:
    """The first measured role of one of these heads, of those that the trace carries."""
    roles = from_provenance(trace.provenance)
    return next((role for role in roles if role.kind == kind and (role.layer, role.index) in heads), None)


def _links(attention: Attention) -> tuple[WordLinks, str]:
    """The links that heads are judged by, and what they mean: between content words, or else tokens, or else all."""
    for links, behaviour in (
        (content_links(attention), CONTENT_WORDS),
        (token_links(attention), "its tokens look at one another"),
    ):
        if links.counts.any():
            return links, behaviour
    return all_links(attention), "its token looks"
