"""Which head is shown where the user names none: one rule for every model and every sentence."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attnviz.analysis.head_scores import CONTENT_WORDS, ENOUGH_ROWS, HeadScores, score_heads
from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.head_names import head_name
from attnviz.kinds import KIND_NAMES, Kind
from attnviz.measured_roles import MeasuredRole

FIXED_ABOVE = 0.5
"""A head that looks most at one fixed offset, or at one fixed key, in more than this share of its rows is left out."""
STANDS_OUT = 0.1
"""A head stands out if its number is more than this part of the way from the baseline to 1."""


RULE = (
    "The rule: where a model says what its heads were measured to do, the head of its first role for the language is"
    " drawn, whatever the text. Otherwise, the first kind that the model has, of self, masked-self and cross. Heads"
    " that look most at one fixed"
    f" offset, or in a text of {ENOUGH_ROWS} rows and more at one fixed key, in more than half their rows are left out."
    " For the rest, take each content word's largest weight, as 0 where it is not on another content word, and the mean"
    " of these numbers; the head with the largest mean is drawn. A decoder's first key does not count as a word. A head"
    " is named by --layer and --head."
)
"""How `choose_head` chooses, for a reader."""


@dataclass(frozen=True)
class HeadChoice:
    """The head that was chosen, and why.

    `behaviour` says what was measured: `its content words look at one another`. `value` is the head's mean peak weight
    on such links (`WordLinks.mean_peak`), and `baseline` is that number for a head without preference. Of all `heads`,
    `left_out` look mostly as `fixed` says and were not considered; if that is true of all heads, all were considered.
    The numbers are means over `texts` texts. `measured` is the role that the model says this head has: then the text
    did not choose it, and `value` and `baseline` are those of the role.
    `without_first` says that links to the first key did not count. `is_exact` is false where the trace has only cells
    of several tokens, so that the keys of its largest weights are not known.
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
    is_exact: bool
    texts: int = 1
    measured: MeasuredRole | None = None

    @property
    def is_sure(self) -> bool:
        """Whether the head clearly does what the rule looks for: it stands out, and not all heads were left out."""
        if self.measured:
            return True
        stands_out = self.value - self.baseline > STANDS_OUT * (1 - self.baseline)
        return self.is_exact and self.left_out < self.heads and stands_out

    @property
    def summary(self) -> str:
        """The head and its number in at most ten words."""
        if self.measured:
            return f"{self.measured.summary} (--why)"
        said = self.behaviour if self.is_sure else f"not sure, {self._doubt}"
        return f"{head_name(self.layer, self.head)}: {said}, {self.value:.2f} (--why)"

    @property
    def reason(self) -> str:
        """A sentence for a reader: what was measured, the number, its baseline, and the number of heads."""
        name = f"{head_name(self.layer, self.head)} of {KIND_NAMES[self.kind]}"
        if self.measured:
            return f"{self.measured.sentence}, in {KIND_NAMES[self.kind]}: measured on other texts, not on this one"
        first = ", the first key left out" if self.without_first else ""
        first += f", over {self.texts} texts" if self.texts > 1 else ""
        number = f"mean peak weight {self.value:.2f}{first}, where a head without preference has {self.baseline:.2f}"
        doubt = "" if self.is_sure else f". Not sure: {self._doubt}"
        return f"{name}: {self.behaviour}, {number}; the most {self._among}{doubt}"

    @property
    def _doubt(self) -> str:
        """Why the choice is not sure."""
        return "no head stands out" if self.is_exact else "this trace has only cells"

    @property
    def _among(self) -> str:
        """Of how many heads it is the best, and how many were left out."""
        of = f"of {self.heads} head{'s' * (self.heads != 1)}"
        if self.left_out == self.heads:
            return f"{of}, all of which look mostly {self.fixed}"
        return of + (f", {self.left_out} left out that look mostly {self.fixed}" if self.left_out else "")


def choose_head(trace: Trace, kind: str | None = None) -> HeadChoice:
    """The head of the first role that the model was measured to have, or whose content words look most at one another.

    It is a head of `kind`, or of the first kind that the trace has: self, masked-self, cross. A head is left out if
    more than half of its rows look most at one fixed offset, or, in a text of `ENOUGH_ROWS` rows or more, at one fixed
    key. If that leaves no head, none is left out. Of the rest, the head with the largest `content_peak` is chosen, the
    first of several equal ones. Texts with fewer than two content words are judged as `score_heads` says.

    Raises SelectionError where the trace does not have that kind, or has no head.
    """
    return choose_common_head([score_heads(trace, kind)])


def choose_common_head(scores: Sequence[HeadScores]) -> HeadChoice:
    """The head that `choose_head` would take by the means of its numbers over several texts of one model.

    Texts without two content words do not count, unless no text has two. Raises SelectionError where there is no text,
    and where texts have different kinds or heads.
    """
    if measured := Counter(one.measured for one in scores if one.measured):
        return _of_role(scores[0], measured.most_common(1)[0][0])
    counted = [one for one in scores if one.behaviour == CONTENT_WORDS] or list(scores)
    if len({(one.kind, one.heads) for one in counted}) != 1:
        raise SelectionError("these texts have no heads in common", "Choose a head for each.")
    first = counted[0]
    values = np.mean([one.values for one in counted], 0)
    fixed = np.mean([one.fixed_shares for one in counted], 0) > FIXED_ABOVE
    best = int(np.where(fixed & ~fixed.all(), -1.0, values).argmax())
    layer, head = first.heads[best]
    return HeadChoice(
        kind=first.kind,
        layer=layer,
        head=head,
        value=float(values[best]),
        baseline=float(np.mean([one.baseline for one in counted])),
        behaviour=first.behaviour,
        heads=len(first.heads),
        left_out=int(fixed.sum()),
        fixed=max((one.fixed for one in counted), key=len),
        without_first=any(one.without_first for one in counted),
        is_exact=all(one.is_exact for one in counted),
        texts=len(counted),
    )


def _of_role(scores: HeadScores, role: MeasuredRole) -> HeadChoice:
    """The head of a measured role."""
    return HeadChoice(
        kind=scores.kind,
        layer=role.layer,
        head=role.index,
        value=role.rate,
        baseline=role.baseline,
        behaviour=role.role,
        heads=len(scores.heads),
        left_out=0,
        fixed="",
        without_first=False,
        is_exact=True,
        measured=role,
    )
