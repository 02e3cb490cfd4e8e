"""What is taken out of a run of a model, to see what changes without it."""

from dataclasses import dataclass

from attnviz.errors import SelectionError
from attnviz.head_names import LayerHead, describe_heads
from attnviz.kinds import KIND_NAMES, Kind

ZERO, MEAN = HOW = ("zero", "mean")
"""What stands in place of what a head gives: nothing, or its mean over the positions of the text."""


@dataclass(frozen=True)
class Cut:
    """Some `heads` of one `kind` of attention that give nothing, or that do not look from `queries` to `keys`.

    Without `queries`, what each head gives, which is its slice of the input of the output projection, is set to zero,
    or, if `how` is `mean`, to its mean over the positions of the text. With `queries`, the weights of these queries on
    these `keys` are set to zero, and the rest of each row is scaled so that its sum stays as it was.
    """

    kind: Kind
    heads: tuple[LayerHead, ...]
    queries: tuple[int, ...] = ()
    keys: tuple[int, ...] = ()
    how: str = ZERO

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise SelectionError(f"a head cannot be replaced by {self.how!r}", f"Choose one of: {', '.join(HOW)}.")
        if self.is_of_link and self.how != ZERO:
            raise SelectionError("a link is set to zero, and its row scaled", "Leave out --with.")

    @property
    def is_of_link(self) -> bool:
        """Whether single weights are cut, and not what heads give."""
        return bool(self.queries)

    @property
    def name(self) -> str:
        """The heads, by kind: `self-attention L3H2`."""
        return f"{KIND_NAMES[self.kind]} {describe_heads(self.heads)}"
