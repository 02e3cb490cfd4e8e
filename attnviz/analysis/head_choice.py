"""Which head is shown where the user names none: one rule for every model and every sentence."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs, without_first_key
from attnviz.analysis.content_words import content_pairs, mean_peak
from attnviz.analysis.fixed_key import key_share
from attnviz.analysis.offset import neighbour_share, offset_share, separate_cells
from attnviz.attention import Attention, CellFlags, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import KIND_NAMES, KINDS, Kind

FIXED_ABOVE = 0.5
"""A head that peaks at one fixed offset, or at one fixed key, in more than this share of its rows is left out."""
FIXED = {
    offset_share: "a fixed number of tokens away",
    neighbour_share: "into their own or the next cell",
    key_share: "at one key",
}
"""How such a head looks, in words."""
ENOUGH_ROWS = 8
"""With fewer rows than this, a key at which most rows peak is not a sign of a sink: a short text can have one topic."""
STANDS_OUT = 0.1
"""A head stands out if its number is more than this part of the way from the baseline to 1."""


RULE = (
    "The rule: the first kind that the model has, of self, masked-self and cross. Heads that peak at one fixed offset,"
    f" of pooled cells in their own or the next cell, or in a text of {ENOUGH_ROWS} rows and more at one fixed key, in"
    " more than half their rows are left out. Of the"
    " rest, the one with the largest mean peak weight from one content word to another. A decoder's first key does not"
    " count. A head is named by --layer and --head."
)
"""How `choose_head` chooses, for a reader."""


@dataclass(frozen=True)
class HeadChoice:
    """The head that was chosen, and why.

    `behaviour` says what was measured: `its content words look at one another`. `value` is the head's mean peak weight
    on such links, and `baseline` is that number for uniform attention. Of all `heads`, `left_out` look mostly as
    `fixed` says and were not considered; if that is true of all heads, all were considered. `without_first` says that
    links to the first key did not count, and `in_cells` that a cell covers several tokens.
    """

    kind: Kind
    layer: int
    head: int
    value: float
    baseline: float
    behaviour: str
    heads: int
    left_out: int
    fixed: str
    without_first: bool
    in_cells: bool

    @property
    def is_sure(self) -> bool:
        """Whether the head clearly does what the rule looks for: it stands out, and not all heads were left out."""
        stands_out = self.value - self.baseline > STANDS_OUT * (1 - self.baseline)
        return self.left_out < self.heads and stands_out

    @property
    def summary(self) -> str:
        """The head and its number in at most ten words."""
        name = f"L{self.layer}H{self.head}"
        if not self.is_sure:
            return f"{name}: not sure, no head stands out, {self.value:.2f} (--why)"
        return f"{name}: {self.behaviour.replace(' with content words', '')}, {self.value:.2f} (--why)"

    @property
    def reason(self) -> str:
        """A sentence for a reader: what was measured, the number, its baseline, and the number of heads."""
        name = f"L{self.layer}H{self.head} of {KIND_NAMES[self.kind]}"
        first = ", the first key left out" if self.without_first else ""
        number = f"mean peak weight {self.value:.2f}{first}, where equal attention gives {self.baseline:.2f}"
        doubt = "" if self.is_sure else ". Not sure: no head stands out"
        return f"{name}: {self.behaviour}, {number}; the most {self._among}{doubt}"

    @property
    def _among(self) -> str:
        """Of how many heads it is the best, and how many were left out."""
        of = f"of {self.heads} head{'s' * (self.heads != 1)}"
        if self.left_out == self.heads:
            return f"{of}, all of which look mostly {self.fixed}"
        return of + (f", {self.left_out} left out that look mostly {self.fixed}" if self.left_out else "")


def choose_head(trace: Trace, kind: str | None = None) -> HeadChoice:
    """The head whose content words look most strongly at other content words.

    It is a head of `kind`, or of the first kind that the trace has: self, masked-self, cross. A head is left out if
    more than half of its rows peak at one fixed offset; in pooled cells, in their own cell or beside it; in a text of
    `ENOUGH_ROWS` rows or more, at one fixed key. If that leaves no head, none is left out. Of the rest, the head with
    the largest `content_peak` is chosen, the first of several equal ones. A text without two content words is judged
    by the links between any two different tokens, and a text of one token by all weights.

    In masked self-attention every query sees the first key, and many heads put their unused attention there
    (Xiao et al. 2023): peaks and links there do not count, unless the text has no others.

    Raises SelectionError where the trace does not have that kind, or has no head.
    """
    attention = trace[kind or next((k for k in KINDS if k in trace.kinds), KINDS[0])]
    heads = [(layer, head) for layer in attention.layers for head in attention.heads(layer)]
    if not heads:
        raise SelectionError(f"no head of {attention.name} was captured", "Trace again without --layer and --head.")
    links, behaviour, without_first = _links(attention)
    measures = [offset_share]
    measures += [neighbour_share] * attention.is_pooled + [key_share] * (len(attention.covered) >= ENOUGH_ROWS)
    shares = [np.max([share(attention, layer) for share in measures], 0) for layer in attention.layers]
    values = np.concatenate([mean_peak(attention, layer, links) for layer in attention.layers])
    fixed = np.concatenate(shares) > FIXED_ABOVE
    best = int(np.where(fixed & ~fixed.all(), -1.0, values).argmax())
    (layer, head), value = heads[best], float(values[best])
    return HeadChoice(
        kind=attention.kind,
        layer=layer,
        head=head,
        value=value,
        baseline=_baseline(attention, links),
        behaviour=behaviour,
        heads=len(heads),
        left_out=int(fixed.sum()),
        fixed=" or ".join(FIXED[share] for share in measures),
        without_first=without_first,
        in_cells=attention.is_pooled,
    )


def _links(attention: Attention) -> tuple[CellFlags, str, bool]:
    """The links that heads are judged by, bool `[row, column]`; what they mean; and whether the first key is left out.

    These are links between content words, or else between different tokens, or else all links.
    """
    allowed = allowed_pairs(attention)
    differs = (np.array(attention.rows)[:, None] != np.array(attention.columns)).any(-1)
    different = allowed & differs & separate_cells(attention)
    words = "cells with content words" if attention.is_pooled else "content words"
    tokens = "cells" if attention.is_pooled else "tokens"
    for links, behaviour in (
        (content_pairs(attention), f"its {words} look at one another"),
        (different, f"its {tokens} look at one another"),
    ):
        others = links & without_first_key(attention)
        if others.any():
            return others, behaviour, bool((links & ~others).any())
        if links.any():
            return links, behaviour, False
    return allowed, "its cells look" if attention.is_pooled else "its token looks", False


def _baseline(attention: Attention, links: CellFlags) -> float:
    """The mean peak weight of the rows of `links` for uniform attention."""
    queries = np.array([start for start, _ in attention.rows])[links.any(-1)]  # the query of a cell that sees the least
    visible = queries + 1 if attention.kind == "masked-self" else np.full(len(queries), len(attention.keys))
    return float(np.mean(1.0 / visible))
