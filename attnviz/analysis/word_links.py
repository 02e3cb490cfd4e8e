"""Links between different words, and how strongly heads prefer them."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.attention_mask import is_one_sequence
from attnviz.analysis.content_words import content_words, words_of_rows
from attnviz.attention import Attention, HeadValues, Token, tokens_of
from attnviz.attention.peaks import find_peaks


@dataclass(frozen=True, eq=False)
class WordLinks:
    """Links from a query to a key that count: both are words, and they are different words.

    `rows` `[query]`, for the queries of `attention.covered`, and `columns` `[key]` hold the number of each token's
    word; 0 for a token that does not count.
    """

    attention: Attention
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many keys each query can link to, `[query]`."""
        queries, last = self.attention.covered, len(self.columns) - 1
        seen: Counter[int] = Counter()
        total = next_key = 0
        counts = np.zeros(len(queries), int)
        for index, query in enumerate(queries):
            stop = (query if self.attention.kind == "masked-self" else last) + 1
            for number in self.columns[next_key:stop].tolist():
                seen[number] += 1
                total += number > 0
            next_key = max(next_key, stop)
            if number := int(self.rows[index]):
                counts[index] = total - seen[number]
        return counts

    def mean_peak(self, layer: int) -> HeadValues:
        """Mean over the queries that can link of their largest weight, taken as 0 where it is on no link, `[head]`.

        The largest is over all keys, so that a query which looks mostly at a special token or at the first key does not
        count for a head. From 0 to 1; nan where no query can link.
        """
        can_link = self.counts > 0
        peaks = find_peaks(self.attention, layer)
        if not can_link.any():
            return np.full(len(peaks.keys), np.nan)
        keys = self.columns[peaks.keys]  # a query that sees nothing has the weight 0, whatever its key
        linked = (keys > 0) & (keys != self.rows)
        mean: HeadValues = np.where(linked, peaks.weights, 0.0)[:, can_link].mean(-1, dtype=np.float64)
        return mean

    @property
    def baseline(self) -> float:
        """`mean_peak` of a head without preference: each key is as likely to be the largest, with a uniform weight."""
        can_link = self.counts > 0
        keys = len(self.columns)
        visible = np.array([q + 1 if self.attention.kind == "masked-self" else keys for q in self.attention.covered])
        return float(np.mean(self.counts[can_link] / visible[can_link] ** 2)) if can_link.any() else float("nan")


def content_links(attention: Attention) -> WordLinks:
    """Links between content words. A repeated word is the same word; in cross-attention all words differ."""
    return _links(attention, words_of_rows(attention), content_words(attention.keys))


def token_links(attention: Attention) -> WordLinks:
    """Links between different tokens that are not special."""
    return _links(attention, _positions(attention.queries), _positions(attention.keys))


def all_links(attention: Attention) -> WordLinks:
    """Every link, also from a token to itself."""
    rows, columns = ([side] * len(tokens) for side, tokens in (("query", attention.queries), ("key", attention.keys)))
    return _links(attention, rows, columns)


def content_peak(attention: Attention, layer: int) -> HeadValues:
    """How much content words look at other content words: `WordLinks.mean_peak` of these links, `[head]`.

    Our own measure, by which `choose_head` picks a head. nan where the text does not have two content words.
    """
    return judged_links(content_links(attention)).mean_peak(layer)


def judged_links(links: WordLinks) -> WordLinks:
    """`links` without those to the first key in masked self-attention, unless there are no others.

    Every query sees that key, and many heads put their unused attention there (Xiao et al. 2023, Efficient Streaming
    Language Models with Attention Sinks; Gu et al. 2024, When Attention Sink Emerges).
    """
    if links.attention.kind != "masked-self":
        return links
    columns = links.columns.copy()
    columns[0] = 0
    others = WordLinks(links.attention, links.rows, columns)
    return others if others.counts.any() else links


def _links(attention: Attention, rows: Sequence[Hashable | None], columns: Sequence[Hashable | None]) -> WordLinks:
    """Links between these words of all queries and keys; None for a token that does not count."""
    sides = ("", "") if is_one_sequence(attention) else ("query", "key")
    numbers: dict[Hashable, int] = {}

    def numbered(words: Iterable[Hashable | None], side: str) -> NDArray[np.int64]:
        values = [0 if word is None else numbers.setdefault((side, word), len(numbers) + 1) for word in words]
        return np.array(values, np.int64)

    row_numbers, column_numbers = numbered(rows, sides[0]), numbered(columns, sides[1])
    kept = np.zeros(len(column_numbers), bool)
    kept[list(tokens_of(attention.columns))] = True
    return WordLinks(attention, row_numbers[list(attention.covered)], np.where(kept, column_numbers, 0))


def _positions(tokens: Sequence[Token]) -> list[int | None]:
    return [None if token.special else index for index, token in enumerate(tokens)]
