"""Tokens merged to words while weights are computed, compared with whole matrices that are merged afterwards."""

import numpy as np
import pytest
import tiny_models
import torch

from attnviz.capture import blockwise, capture_all
from attnviz.capture.buffers import CellBuffer, WordBuffer
from attnviz.models.huggingface.model import HuggingFaceModel
from attnviz.pooling import layout
from attnviz.selection import Selection

TEXT = "She unbelievably ate 사과를, an apple, 그리고 went to 도서관에서."


@pytest.fixture(autouse=True, params=[1, 500, 2**21], ids=["row by row", "some rows", "at once"])
def block_size(request, monkeypatch):
    monkeypatch.setitem(blockwise._BLOCK, "cpu", request.param)


@pytest.mark.parametrize("model_type", ["bert", "llama", "gpt_oss", "bloom", "bart"])
@pytest.mark.parametrize(
    "asked",
    [{}, {"cells": 5}, {"rows": (0, 2, 3)}, {"rows": (3, 4), "columns": (1, 5)}, {"columns": (0, 2), "cells": 4}],
    ids=str,
)
def test_merging_at_once_gives_the_same_as_merging_the_whole_trace(model_type, asked):
    model = HuggingFaceModel.load(tiny_models.build(model_type), tokenizer=tiny_models.tokenizer())
    target = "나는 사과를 unbelievably 먹었다." if model_type == "bart" else None
    afterwards = Selection(words=True, **asked).reduce(model.trace(TEXT, target=target))
    streamed = model.trace(TEXT, target=target, selection=Selection(words=True, **asked))
    assert streamed.provenance == afterwards.provenance
    assert streamed.kinds == afterwards.kinds
    for one, other in zip(streamed.attentions, afterwards.attentions, strict=True):
        assert (one.queries, one.keys, one.predicts) == (other.queries, other.keys, other.predicts)
        assert (one.rows, one.columns) == (other.rows, other.columns)
        assert len(one.queries) < len(model.trace(TEXT, target=target)[one.kind].queries)
        assert one.sink_mass.keys() == other.sink_mass.keys()
        assert one.row_sums.keys() == other.row_sums.keys()
        for arrays in ("by_layer", "sink_mass", "row_sums", "peak_weights"):
            assert getattr(one, arrays).keys() == getattr(other, arrays).keys()
            for layer, expected in getattr(other, arrays).items():
                np.testing.assert_allclose(getattr(one, arrays)[layer], expected, atol=1e-6)


@pytest.mark.parametrize("steps", [[9], [1] * 9, [4, 5], [5, 1, 3]], ids=str)
def test_a_word_can_be_split_over_several_blocks(steps):
    words = [0, 1, 1, 1, 1, 2, 3, 3, 4]
    A = torch.tril(torch.rand(2, 9, 9, generator=torch.Generator().manual_seed(0)))
    by_word = np.array([[A[:, i, [j for j in range(9) if words[j] == w]].sum(-1) for w in range(5)] for i in range(9)])
    expected = np.array([by_word[[i for i in range(9) if words[i] == w]].mean(0) for w in range(5)]).transpose(2, 0, 1)
    kept = CellBuffer(2, layout(5), layout(5))
    merged, index = WordBuffer(kept, words, words), 0
    for step in steps:
        merged.put(range(index, index + step), A[:, index : index + step, : index + step])  # up to the diagonal
        index += step
    np.testing.assert_allclose(kept.weights, expected, atol=1e-6)
    np.testing.assert_allclose(kept.sums, expected.sum(-1), atol=1e-6)


def test_no_buffer_has_the_size_of_all_tokens():
    ids = torch.arange(5, 25)[None]
    words = [index // 2 for index in range(20)]
    kinds = {"masked-self": (words, words)}
    layouts = {"masked-self": (layout(10, None, 4),) * 2}
    asked = Selection(words=True, cells=4)
    [record] = capture_all(tiny_models.build("llama"), {"input_ids": ids}, asked, [{}], [kinds], [layouts])
    assert record.size == 3 * 4 * 4 * 4 * 4  # layers, heads, cells, bytes
    assert record.weights["masked-self"][0].shape == (4, 4, 4)
