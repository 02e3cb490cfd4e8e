"""What a model gives for gradient × attention: its tokens, and for each row the gradients of the token it writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from attnviz.attention import Matrix, Token, Trace
from attnviz.kinds import Kind


@dataclass(frozen=True)
class RowGradients:
    """For row `query`, and y, the score of the token `written` there: mean over heads of (∂y/∂A ⊙ A)⁺ of each layer.

    `weighted` holds a matrix `[query, key]` for each layer of each kind, from the first on.
    """

    query: int
    written: Token
    weighted: Mapping[Kind, Sequence[Matrix]]


@dataclass(frozen=True)
class Gradients:
    """A text that a model has read, from which gradients can be taken.

    `trace` has its tokens but no weights, and only the kinds that the model has. `of_rows` takes the numbers of queries
    of the model, or of its decoder, and gives the gradients of each.
    """

    trace: Trace
    of_rows: Callable[[Sequence[int]], Iterator[RowGradients]]
