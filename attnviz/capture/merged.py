"""One layer's matrices of one text by words: what the tokens of a word give is merged as it comes, and then kept."""

from collections.abc import Sequence

import numpy as np
import torch

from attnviz.capture.kept import Kept
from attnviz.capture.weights import Numbers


class Merged:
    """Takes the rows of tokens as `Kept` does, and gives `kept` those of words, as `attnviz/words.py` defines them.

    `rows` and `columns` hold the number of each query's and each key's word, in order from 0. `queries` are the
    tokens of the words that `kept` covers.
    """

    def __init__(self, kept: Kept, rows: Sequence[int], columns: Sequence[int]) -> None:
        covered = set(kept.queries)
        self._word = {token: word for token, word in enumerate(rows) if word in covered}
        self.queries: Numbers = range(len(rows)) if len(self._word) == len(rows) else list(self._word)
        self._kept = kept
        self._columns = torch.as_tensor(columns)
        self._sizes = torch.bincount(torch.as_tensor(rows))
        self._begun: torch.Tensor | None = None  # the row of a word that goes on in the next block

    def put(self, queries: Numbers, weights: torch.Tensor, sink: torch.Tensor | None = None) -> None:
        """Take in the rows `queries`, in order, of the weights `[head, row, key]`, and what a sink took: see `Kept`."""
        inside = [at for at, query in enumerate(queries) if query in self._word]
        if not inside:
            return
        if len(inside) < len(queries):
            weights, sink = weights[:, inside], None if sink is None else sink[:, inside]
        words, row = np.unique([self._word[queries[at]] for at in inside], return_inverse=True)
        merged = self._means(self._summed(weights, sink), words, torch.as_tensor(row, device=weights.device))
        if self._begun is not None:
            merged[:, 0, : self._begun.shape[-1]] += self._begun
        goes_on = self._word.get(queries[inside[-1]] + 1) == words[-1]
        self._begun = merged[:, -1] if goes_on else None
        if whole := words[: len(words) - goes_on].tolist():
            merged = merged[:, : len(whole)]
            self._kept.put(whole, merged[..., 1:], None if sink is None else merged[..., 0])

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
