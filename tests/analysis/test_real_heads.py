"""Measures of a real model's heads, computed again by loops that share no code with them."""

import pytest

import attnviz
from attnviz.analysis import MEASURES

TEXT = "The cat sat on the mat because the cat was tired and the mat was warm."


@pytest.fixture(scope="module")
def attention(minilm_folder):
    return attnviz.trace(TEXT, minilm_folder)["self"]


def test_duplicate_induction_and_confidence_agree_with_plain_loops(attention):
    ids = [token.id for token in attention.keys]
    keys = [index for index, token in enumerate(attention.keys) if not token.special]
    for layer in (0, 3, 5):
        for index, head in enumerate(attention.heads(layer)):
            A = attention.matrix(layer, head).tolist()
            total = sum(map(sum, A))
            same = sum(A[i][j] for i in range(len(ids)) for j in range(i) if ids[j] == ids[i])
            after = sum(A[i][j] for i in range(len(ids)) for j in range(1, i + 1) if ids[j - 1] == ids[i])
            peak = sum(max(row[key] for key in keys) for row in A) / len(A)
            for name, expected in (("duplicate", same / total), ("induction", after / total), ("confidence", peak)):
                assert MEASURES[name](attention, layer)[index] == pytest.approx(expected, abs=1e-6)
