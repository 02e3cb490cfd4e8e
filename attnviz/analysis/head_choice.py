"""Which head to show to someone who named none: one rule for every model, no model or sentence favoured."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs, without_first_key
from attnviz.analysis.content_words import content_pairs, mean_peak
from attnviz.analysis.fixed_key import key_share
from attnviz.analysis.offset import apart, beside_share, offset_share
from attnviz.attention import Attention, CellFlags, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import KIND_NAMES, KINDS, Kind

FIXED_ABOVE = 0.5
"""A head that peaks at one fixed offset, or at one fixed key, in more than this share of its rows is left out."""
FIXED = {
    offset_share: "a fixed number of tokens away",
    beside_share: "into their own or the next cell",
    key_share: "at one key",
}
"""What such a head does."""
ENOUGH_ROWS = 8
"""In fewer rows than this, most of them at one key are no sign of a sink: a sentence may be about one word."""
STANDS_OUT = 0.1
"""A head stands out whose number is so far from the baseline, as a part of the way from there to 1."""


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
    """The head that was chosen, and by what.

    `links` says what was measured: `content words look at one another`. `value` is the head's mean peak weight on such
    links, `baseline` what that would be if each row looked at all that it may look at alike. Of `heads` heads,
    `left_out` were passed over, since they look a fixed number of tokens away; where all do, none was. `without_first`
    says that links to the first key did not count, `in_cells` that the number is of cells of several tokens.
    """

    kind: Kind
    layer: int
    head: int
    value: float
    baseline: float
    links: str
    heads: int
    left_out: int
    fixed: str
    without_first: bool
    in_cells: bool

    @property
    def is_sure(self) -> bool:
        """Whether the head does what the rule looks for: it stands out, and other heads were left to choose from."""
        stands_out = self.value - self.baseline > STANDS_OUT * (1 - self.baseline)
        return self.left_out < self.heads and stands_out

    @property
    def summary(self) -> str:
        """The head and its number in at most ten words."""
        name = f"L{self.layer}H{self.head}"
        if not self.is_sure:
            return f"{name}: not sure, no head stands out, {self.value:.2f} (--why)"
        return f"{name}: {self.links.replace(' with content words', '')}, {self.value:.2f} (--why)"

    @property
    def reason(self) -> str:
        """A sentence for a reader: what was measured, the number, what it is compared with, and of how many heads."""
        name = f"L{self.layer}H{self.head} of {KIND_NAMES[self.kind]}"
        first = ", the first key left out" if self.without_first else ""
        number = f"mean peak weight {self.value:.2f}{first}, where equal attention gives {self.baseline:.2f}"
        doubt = "" if self.is_sure else ". Not sure: no head stands out"
        return f"{name}: {self.links}, {number}; the most {self._among}{doubt}"

    @property
    def _among(self) -> str:
        """Which heads it was the best of, given which were left out."""
        of = f"of {self.heads} head{'s' * (self.heads != 1)}"
        if self.left_out == self.heads:
            return f"{of}, all of which look mostly {self.fixed}"
        return of + (f", {self.left_out} left out that look mostly {self.fixed}" if self.left_out else "")


def choose_head(trace: Trace, kind: str | None = None) -> HeadChoice:
    """The head whose content words look most strongly at other content words.

    Of `kind`, or else of the first kind that the trace has: self, masked-self, cross. Heads that peak at one fixed
    offset in more than half their rows are left out, and so are, of pooled cells, those that peak in their own cell or
    beside it, and in a text of `ENOUGH_ROWS` or more, those that peak at one fixed key, unless that leaves none. Of the
    rest the one with the largest `content_peak` is chosen, and where several have it the first of them. A text without
    two content words is judged by the links between any two different tokens instead, and a text of one token by all
    weights.

    In masked self-attention every query sees the first key, and many heads park there what they have no use for
    (Xiao et al. 2023): peaks and links there do not count, unless the text has no others.

    Raises SelectionError where there is no such kind, or no head.
    """
    attention = trace[kind or next((k for k in KINDS if k in trace.kinds), KINDS[0])]
    heads = [(layer, head) for layer in attention.layers for head in attention.heads(layer)]
    if not heads:
        raise SelectionError(f"no head of {attention.name} was captured", "Trace again without --layer and --head.")
    pairs, links, first_left_out = _links(attention)
    measures = [offset_share]
    measures += [beside_share] * attention.is_pooled + [key_share] * (len(attention.covered) >= ENOUGH_ROWS)
    shares = [np.max([share(attention, layer) for share in measures], 0) for layer in attention.layers]
    values = np.concatenate([mean_peak(attention, layer, pairs) for layer in attention.layers])
    fixed = np.concatenate(shares) > FIXED_ABOVE
    best = int(np.where(fixed & ~fixed.all(), -1.0, values).argmax())
    (layer, head), value = heads[best], float(values[best])
    return HeadChoice(
        kind=attention.kind,
        layer=layer,
        head=head,
        value=value,
        baseline=_equal_attention(attention, pairs),
        links=links,
        heads=len(heads),
        left_out=int(fixed.sum()),
        fixed=" or ".join(FIXED[share] for share in measures),
        without_first=first_left_out,
        in_cells=attention.is_pooled,
    )


def _links(attention: Attention) -> tuple[CellFlags, str, bool]:
    """The links to judge by, bool `[row, column]`, what they do, and whether the first key had to be left out.

    The first of three sorts that the text has.
    """
    may = allowed_pairs(attention)
    different = may & (np.array(attention.rows)[:, None] != np.array(attention.columns)).any(-1) & apart(attention)
    words = "cells with content words" if attention.is_pooled else "content words"
    tokens = "cells" if attention.is_pooled else "tokens"
    for links, what in (
        (content_pairs(attention), f"its {words} look at one another"),
        (different, f"its {tokens} look at one another"),
    ):
        others = links & without_first_key(attention)
        if others.any():
            return others, what, bool((links & ~others).any())
        if links.any():
            return links, what, False
    return may, "its cells look" if attention.is_pooled else "its token looks", False


def _equal_attention(attention: Attention, links: CellFlags) -> float:
    """The mean peak weight of the rows of `links`, if each query looked alike at all keys that it may look at."""
    queries = np.array([start for start, _ in attention.rows])[links.any(-1)]  # of a cell the one that sees the least
    seen = queries + 1 if attention.kind == "masked-self" else np.full(len(queries), len(attention.keys))
    return float(np.mean(1.0 / seen))
