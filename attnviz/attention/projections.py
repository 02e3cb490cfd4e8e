"""What the weights of a layer are computed from: the queries, keys and values of its heads, and all else in a score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnviz.errors import CaptureError

Vectors = NDArray[np.float32]
"""A vector for each token of each head, `[head, token, d]`."""

Scores = NDArray[np.float64]
"""The scores of one query of one head, `[key]`."""

MASK = "mask"
"""The name of the term that hides keys: 0 where a query may look, −∞ elsewhere."""

TERM = "term."
"""What the names of terms begin with among those of all arrays."""

OF_TOKENS = ("queries", "keys", "values", "unrotated_queries", "unrotated_keys", "added")
"""The arrays of `Projections` that are `[head, token, d]`."""


@dataclass(frozen=True, eq=False)
class Projections:
    """The queries, keys and values of the heads of one layer, and how scores are made of them.

    All arrays are float32. `queries` `[head, query, d_k]` and `keys` `[head, key, d_k]` are as they meet in the score;
    heads of one key-value group have the same keys. `unrotated_queries` and `unrotated_keys` are these before rotary
    positions, or None if the model has none, or does not show them. `values` is `[head, key, d_v]`. The score of a
    query and a key is

        s = cap(scale · q · k) + the terms,    cap(x) = softcap · tanh(x / softcap), or x without a soft cap

    and the weights are the softmax of a row. `scale` is mostly 1/√d_k (Vaswani et al. 2017, equation 1). Each of
    the `terms` has a name, and is `[head, query, key]`, with one head if it is the same for all; `MASK` is one of them.
    `sinks` `[head]` are learned scores that take a share of each row, if there are any.

    `read` `[query, d]` is what the queries are projected from, and `added` `[head, query, d]` what each head adds to
    the output of the layer's attention: its result times its part of W_O. Each is None if the model does not show it.
    """

    queries: Vectors
    keys: Vectors
    values: Vectors
    scale: float
    terms: Mapping[str, Vectors] = field(default_factory=dict)
    softcap: float | None = None
    sinks: NDArray[np.float32] | None = None
    unrotated_queries: Vectors | None = None
    unrotated_keys: Vectors | None = None
    read: NDArray[np.float32] | None = None
    added: Vectors | None = None

    def __post_init__(self) -> None:
        for name, array in self.arrays().items():
            frozen = array.view()
            frozen.setflags(write=False)
            if not name.startswith(TERM):
                object.__setattr__(self, name, frozen)
        heads, (n, m) = len(self.queries), (self.queries.shape[1], self.keys.shape[1])
        d_k = self.queries.shape[2]
        expected: dict[str, tuple[int | None, ...]] = {
            "queries": (heads, n, d_k),
            "keys": (heads, m, d_k),
            "values": (heads, m, None),
            "unrotated_queries": (heads, n, d_k),
            "unrotated_keys": (heads, m, d_k),
            "added": (heads, n, None),
            "read": (n, None),
            "sinks": (heads,),
        }
        for name, array in self.arrays().items():
            sizes = expected.get(name, (array.shape[0] if array.shape[:1] == (1,) else heads, n, m))
            fits = array.ndim == len(sizes) and all(s in (None, a) for s, a in zip(sizes, array.shape, strict=True))
            if not fits:
                raise CaptureError(f"{name} of shape {array.shape}, where {sizes} was expected")
            if not (np.isfinite(array) | (np.isneginf(array) & name.startswith(TERM))).all():
                raise CaptureError(f"{name}: a number is not finite", "Try --dtype float32.")

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """All arrays by their names; the name of a term begins with `TERM`."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), np.ndarray)}
        return own | {f"{TERM}{name}": term for name, term in self.terms.items()}

    def of_heads(self, heads: Sequence[int]) -> "Projections":
        """Those of some heads, by their places in the arrays."""
        chosen: dict[str, Any] = {
            name: array[list(heads)] for name, array in self.arrays().items() if name in (*OF_TOKENS, "sinks")
        }
        terms = {name: term if len(term) == 1 else term[list(heads)] for name, term in self.terms.items()}
        return replace(self, terms=terms, **chosen)

    def products(self, head: int, query: int, rotated: bool = True) -> NDArray[np.float64]:
        """The products of the dimensions of a query and of every key, `[key, d_k]`: each row sums to q · k.

        `head` is its place in the arrays. Without `rotated` of the vectors before rotary positions. Raises
        CaptureError if these are not there.
        """
        q, k = (self.queries, self.keys) if rotated else (self.unrotated_queries, self.unrotated_keys)
        if q is None or k is None:
            raise CaptureError("the queries and keys before rotary positions were not captured")
        products: NDArray[np.float64] = q[head, query].astype(np.float64) * k[head].astype(np.float64)
        return products

    def scaled(self, head: int, query: int) -> Scores:
        """The scores of a query before any term is added: cap(scale · q · k), `[key]`."""
        scores: Scores = self.scale * self.products(head, query).sum(-1)
        return scores if self.softcap is None else self.softcap * np.tanh(scores / self.softcap)

    def term(self, name: str, head: int, query: int) -> Scores:
        """What a term adds to the scores of a query, `[key]`."""
        term = self.terms[name]
        row: Scores = term[0 if len(term) == 1 else head, query].astype(np.float64)
        return row

    def scores(self, head: int, query: int) -> Scores:
        """What the softmax of a query reads, `[key]`; −∞ for a key that it may not see."""
        scores: Scores = self.scaled(head, query)
        for name in self.terms:
            scores = scores + self.term(name, head, query)
        return scores

    def weights(self, head: int, query: int) -> Scores:
        """The softmax of the scores, `[key]`: the row of the attention; zero for a query that sees nothing."""
        scores = self.scores(head, query)
        every = scores if self.sinks is None else np.append(scores, self.sinks[head])
        if not np.isfinite(every).any():
            return np.zeros_like(scores)
        exp = np.exp(every - every.max())
        weights: Scores = (exp / exp.sum())[: len(scores)]
        return weights
