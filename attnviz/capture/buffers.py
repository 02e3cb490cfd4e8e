"""The matrices of one layer and one text on the CPU: filled block by block, and merged to words and pooled at once."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch

from attnviz.attention import Range, tokens_of
from attnviz.attention.projections import Projections
from attnviz.capture.blockwise import Block, Numbers


class CellBuffer:
    """The weights of some heads for these `rows` and `columns`, ordered ranges of tokens as in `Attention`.

    `weights` is float32 `[head, row, column]`. `sums` is what each covered query gave to all keys, and `sink` what a
    learned sink took from it, both `[head, query]`. `queries` are the numbers of the covered queries.
    If a cell covers several tokens, `peak_keys` and `peak_weights` hold where each query looks most, before pooling.
    `value_norms` `[head, key]`, of the covered `keys`, is set by `attnviz.capture.value_norms`, and `projections` by
    `attnviz.capture.projections`, if they were asked for.
    """

    def __init__(self, heads: int, rows: Sequence[Range], columns: Sequence[Range]) -> None:
        self.weights = np.zeros((heads, len(rows), len(columns)), np.float32)
        self.queries, self.keys = _covered(rows), _covered(columns)
        self.sums = np.zeros((heads, len(self.queries)), np.float32)
        self.sink: np.ndarray | None = None
        self.value_norms: np.ndarray | None = None
        self.projections: Projections | None = None
        self.is_pooled = any(stop - start > 1 for start, stop in (*rows, *columns))
        self.peak_keys = np.full(self.sums.shape if self.is_pooled else (0, 0), -1, np.int32)
        self.peak_weights = np.zeros(self.peak_keys.shape, np.float32)
        self._index = {query: index for index, query in enumerate(self.queries)}
        self._row, self._column = _cell_of(rows), _cell_of(columns)

    def put(self, queries: Numbers, weights: torch.Tensor, sink: torch.Tensor | None = None) -> None:
        """Store the rows `queries` of the weights `[head, row, key]`; keys that are missing at the end have weight 0.

        Queries and keys that are not covered, such as padding, are skipped.
        """
        inside = [index for index, query in enumerate(queries) if query in self._index]
        if not inside:
            return
        if len(inside) < len(queries):
            weights, sink = weights[:, inside], None if sink is None else sink[:, inside]
        start, stop = self._index[queries[inside[0]]], self._index[queries[inside[-1]]] + 1
        self.sums[:, start:stop] = _numpy(weights.sum(-1))
        if sink is not None:
            self.sink = np.zeros_like(self.sums) if self.sink is None else self.sink
            self.sink[:, start:stop] = _numpy(sink)
        if isinstance(self.keys, range):
            weights = weights[..., : len(self.keys)]
        else:
            weights = weights[..., [key for key in self.keys if key < weights.shape[-1]]]
        rows, columns = self._row[start:stop], self._column[: weights.shape[-1]]
        if not columns:  # no covered key is seen by these queries
            return
        if self.is_pooled:
            self._put_peaks(start, stop, weights)
        cells = _numpy(_largest(_largest(weights, rows, 1), columns, 2))  # rows first, which is contiguous in memory
        target = self.weights[:, rows[0] : rows[-1] + 1, : cells.shape[-1]]
        np.maximum(target, cells, out=target)  # an earlier block can already have rows of the first cell

    def _put_peaks(self, start: int, stop: int, weights: torch.Tensor) -> None:
        """Store where the covered queries `start` to `stop` look most; `weights` are `[head, query, covered key]`."""
        largest, keys = weights.max(-1)
        self.peak_weights[:, start:stop] = _numpy(largest)
        numbers = np.asarray(self.keys, np.int32)[keys.cpu().numpy()]
        self.peak_keys[:, start:stop] = np.where(self.peak_weights[:, start:stop] > 0, numbers, -1)


class WordBuffer:
    """Takes rows of tokens like `CellBuffer`, merges them as `attnviz.words` does, and puts rows of words into `cells`.

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
        self._partial_row: torch.Tensor | None = None  # the row of a word that continues in the next block

    def put(self, queries: Numbers, weights: torch.Tensor, sink: torch.Tensor | None = None) -> None:
        """Take the rows `queries`, in order, of the weights `[head, row, key]`, and what a sink took."""
        inside = [index for index, query in enumerate(queries) if query in self._word]
        if not inside:
            return
        if len(inside) < len(queries):
            weights, sink = weights[:, inside], None if sink is None else sink[:, inside]
        words, row = np.unique([self._word[queries[index]] for index in inside], return_inverse=True)
        merged = self._means(self._summed(weights, sink), words, torch.as_tensor(row, device=weights.device))
        if self._partial_row is not None:
            merged[:, 0, : self._partial_row.shape[-1]] += self._partial_row
        continues = self._word.get(queries[inside[-1]] + 1) == words[-1]
        self._partial_row = merged[:, -1] if continues else None
        if complete := words[: len(words) - continues].tolist():
            merged = merged[:, : len(complete)]
            self._cells.put(complete, merged[..., 1:], None if sink is None else merged[..., 0])

    def _summed(self, weights: torch.Tensor, sink: torch.Tensor | None) -> torch.Tensor:
        """What each row gives to the sink and to each word, `[head, row, 1 + word]`."""
        weights = weights[..., : len(self._columns)]  # padding has no word
        word = self._columns[: weights.shape[-1]].to(weights.device) + 1
        summed = weights.new_zeros(*weights.shape[:-1], int(word[-1]) + 1)
        summed.scatter_add_(-1, word.expand_as(weights), weights)
        if sink is not None:
            summed[..., 0] = sink
        return summed

    def _means(self, rows: torch.Tensor, words: np.ndarray, row: torch.Tensor) -> torch.Tensor:
        """The part of each word's mean row that these `rows` contribute, `[head, word, …]`."""
        sizes = self._sizes[torch.as_tensor(words)].to(rows.device)
        sums = rows.new_zeros(len(rows), len(words), rows.shape[-1]).index_add_(1, row, rows)
        return sums / sizes[:, None]


def store_block(block: Block, buffers: Sequence[CellBuffer | WordBuffer]) -> None:
    """Store the rows of `block` in the buffer of each text."""
    for text, buffer in enumerate(buffers):
        buffer.put(block.queries, block.weights[text], None if block.sink is None else block.sink[text])


def _covered(cells: Sequence[Range]) -> Numbers:
    """The tokens that `cells` cover; a range if they are all tokens from the first on."""
    numbers = tokens_of(cells)
    return range(len(numbers)) if numbers == tuple(range(len(numbers))) else list(numbers)


def _cell_of(cells: Sequence[Range]) -> list[int]:
    """The number of the cell of each covered token."""
    return [number for number, (start, stop) in enumerate(cells) for _ in range(start, stop)]


def _largest(weights: torch.Tensor, cells: Sequence[int], axis: int) -> torch.Tensor:
    """The largest weight of each cell along `axis`; `cells` holds the number of each token's cell, in order.

    Consecutive cells of the same size are computed together.
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
