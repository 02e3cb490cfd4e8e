"""One layer's matrices of one text, on the CPU: filled block by block, and merged to words and pooled as they come."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch

from attnviz.attention import Range
from attnviz.capture.blockwise import Numbers


class CellBuffer:
    """The weights of some heads for these `rows` and `columns`, which are ranges of tokens in order: see `Attention`.

    `weights` is float32 `[head, row, column]`; `sums`, what each query that is covered gave to all keys together, and
    `sink`, what a learned sink took from it, are `[head, query]`. `queries` are the numbers of those queries.
    """

    def __init__(self, heads: int, rows: Sequence[Range], columns: Sequence[Range]) -> None:
        self.weights = np.zeros((heads, len(rows), len(columns)), np.float32)
        self.queries, self.keys = _covered(rows), _covered(columns)
        self.sums = np.zeros((heads, len(self.queries)), np.float32)
        self.sink: np.ndarray | None = None
        self._place = {query: index for index, query in enumerate(self.queries)}
        self._row, self._column = _cell_of(rows), _cell_of(columns)

    def put(self, queries: Numbers, weights: torch.Tensor, sink: torch.Tensor | None = None) -> None:
        """Take in the rows `queries` of the weights `[head, row, key]`; the keys that are missing at the end got none.

        Queries and keys that are not covered, as padding, are passed over.
        """
        inside = [index for index, query in enumerate(queries) if query in self._place]
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
        rows, columns = self._row[start:stop], self._column[: weights.shape[-1]]
        if not columns:  # keys that these queries do not see
            return
        cells = _numpy(_largest(_largest(weights, rows, 1), columns, 2))  # rows first: their maximum runs along memory
        place = self.weights[:, rows[0] : rows[-1] + 1, : cells.shape[-1]]
        np.maximum(place, cells, out=place)  # its first cell may have begun with the rows before


class WordBuffer:
    """Takes the rows of tokens as `CellBuffer` does, and gives `cells` those of words: see `attnviz.words`.

    `rows` and `columns` hold the number of each query's and each key's word, in order from 0. `queries` are the
    tokens of the words that `cells` covers.
    """

    def __init__(self, cells: CellBuffer, rows: Sequence[int], columns: Sequence[int]) -> None:
        covered = set(cells.queries)
        self._word = {token: word for token, word in enumerate(rows) if word in covered}
        self.queries: Numbers = range(len(rows)) if len(self._word) == len(rows) else list(self._word)
        self._cells = cells
        self._columns = torch.as_tensor(columns)
        self._sizes = torch.bincount(torch.as_tensor(rows))
        self._begun: torch.Tensor | None = None  # the row of a word that goes on in the next block

    def put(self, queries: Numbers, weights: torch.Tensor, sink: torch.Tensor | None = None) -> None:
        """Take in the rows `queries`, in order, of the weights `[head, row, key]`, and what a sink took."""
        inside = [index for index, query in enumerate(queries) if query in self._word]
        if not inside:
            return
        if len(inside) < len(queries):
            weights, sink = weights[:, inside], None if sink is None else sink[:, inside]
        words, row = np.unique([self._word[queries[index]] for index in inside], return_inverse=True)
        merged = self._means(self._summed(weights, sink), words, torch.as_tensor(row, device=weights.device))
        if self._begun is not None:
            merged[:, 0, : self._begun.shape[-1]] += self._begun
        goes_on = self._word.get(queries[inside[-1]] + 1) == words[-1]
        self._begun = merged[:, -1] if goes_on else None
        if whole := words[: len(words) - goes_on].tolist():
            merged = merged[:, : len(whole)]
            self._cells.put(whole, merged[..., 1:], None if sink is None else merged[..., 0])

    def _summed(self, weights: torch.Tensor, sink: torch.Tensor | None) -> torch.Tensor:
        """What each row gives to each word, `[head, row, 1 + word]`; to the sink first."""
        weights = weights[..., : len(self._columns)]  # padding has no word
        word = self._columns[: weights.shape[-1]].to(weights.device) + 1
        summed = weights.new_zeros(*weights.shape[:-1], int(word[-1]) + 1)
        summed.scatter_add_(-1, word.expand_as(weights), weights)
        if sink is not None:
            summed[..., 0] = sink
        return summed

    def _means(self, rows: torch.Tensor, words: np.ndarray, row: torch.Tensor) -> torch.Tensor:
        """What the `rows` here are of the mean over all rows of their words, `[head, word, …]`."""
        sizes = self._sizes[torch.as_tensor(words)].to(rows.device)
        sums = rows.new_zeros(len(rows), len(words), rows.shape[-1]).index_add_(1, row, rows)
        return sums / sizes[:, None]


def _covered(cells: Sequence[Range]) -> Numbers:
    """The tokens that `cells` cover; a range where these are all, from the first on."""
    numbers = [token for start, stop in cells for token in range(start, stop)]
    return range(len(numbers)) if numbers == list(range(len(numbers))) else numbers


def _cell_of(cells: Sequence[Range]) -> list[int]:
    """For each token that `cells` cover the number of its cell."""
    return [number for number, (start, stop) in enumerate(cells) for _ in range(start, stop)]


def _largest(weights: torch.Tensor, cells: Sequence[int], axis: int) -> torch.Tensor:
    """The largest weight of each cell along `axis`, where `cells` are the numbers of the tokens' cells, in order.

    Cells of one size that follow each other are taken at once.
    """
    sizes = [len(list(tokens)) for _, tokens in groupby(cells)]
    parts, start = [], 0
    for size, run in groupby(sizes):
        count = len(list(run))
        part = weights.narrow(axis, start, count * size)
        parts.append(part if size == 1 else torch.unflatten(part, axis, (count, size)).amax(axis + 1))
        start += count * size
    return parts[0] if len(parts) == 1 else torch.cat(parts, axis)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().to("cpu", torch.float32).numpy())
