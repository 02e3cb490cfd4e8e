"""One layer's matrices of one text, on the CPU, filled block by block and pooled as they come."""

from collections.abc import Sequence

import numpy as np
import torch

from attnviz.attention import Range
from attnviz.capture.weights import Numbers


class Kept:
    """The weights of some heads for these `rows` and `columns`, which are ranges of tokens in order: see `Attention`.

    `weights` is float32 `[head, row, column]`; `sums`, what each query that is covered gave to all keys together, and
    `sink`, what a learned sink took from it, are `[head, query]`. `queries` are the numbers of those queries, and
    `high` how many of them a row covers, but for the last.
    """

    def __init__(self, heads: int, rows: Sequence[Range], columns: Sequence[Range]) -> None:
        self.weights = np.zeros((heads, len(rows), len(columns)), np.float32)
        self.queries, self.keys = _covered(rows), _covered(columns)
        self.high, self.wide = (max((stop - start for start, stop in cells), default=1) for cells in (rows, columns))
        self.sums = np.zeros((heads, len(self.queries)), np.float32)
        self.sink: np.ndarray | None = None
        self._place = {query: at for at, query in enumerate(self.queries)}

    def put(self, queries: Numbers, weights: torch.Tensor, sink: torch.Tensor | None = None) -> None:
        """Take in the rows `queries` of the weights `[head, row, key]`; the keys that are missing at the end got none.

        Queries and keys that are not covered, as padding, are passed over.
        """
        inside = [at for at, query in enumerate(queries) if query in self._place]
        if not inside:
            return
        if len(inside) < len(queries):
            weights, sink = weights[:, inside], None if sink is None else sink[:, inside]
        start, stop = self._place[queries[inside[0]]], self._place[queries[inside[-1]]] + 1
        self.sums[:, start:stop] = _numpy(weights.sum(-1))
        if sink is not None:
            self.sink = np.zeros_like(self.sums) if self.sink is None else self.sink
            self.sink[:, start:stop] = _numpy(sink)
        if isinstance(self.keys, range):
            weights = weights[..., : len(self.keys)]
        else:
            weights = weights[..., [key for key in self.keys if key < weights.shape[-1]]]
        cells = _numpy(_pooled(weights, start % self.high, self.high, self.wide))
        place = self.weights[:, start // self.high : -(-stop // self.high), : cells.shape[-1]]
        np.maximum(place, cells, out=place)  # its first cell may have begun with the rows before


def _covered(cells: Sequence[Range]) -> Numbers:
    """The tokens that `cells` cover; a range where these are all, from the first on."""
    numbers = [token for start, stop in cells for token in range(start, stop)]
    return range(len(numbers)) if numbers == list(range(len(numbers))) else numbers


def _pooled(weights: torch.Tensor, above: int, high: int, wide: int) -> torch.Tensor:
    """The largest weight of each cell of `high` × `wide` weights of `[head, row, key]`.

    The first cell lacks the rows `above`, the last what does not fill it.
    """
    heads, rows, keys = weights.shape
    below, right = -(above + rows) % high, -keys % wide
    if above or below or right:
        weights = torch.nn.functional.pad(weights, (0, right, above, below))
    if high > 1:  # rows first: their maximum runs along memory
        weights = weights.reshape(heads, -1, high, keys + right).amax(-2)
    return weights.reshape(heads, -1, (keys + right) // wide, wide).amax(-1) if wide > 1 else weights


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().to("cpu", torch.float32).numpy())
