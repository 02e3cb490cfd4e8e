"""Weights that are computed in blocks of rows and pooled at once, compared with the whole matrices."""

import numpy as np
import pytest
import tiny_models
import torch

from attnviz.attention import Attention, Token, Trace
from attnviz.capture import blockwise, capture, capture_all
from attnviz.pooling import layout
from attnviz.selection import Selection

N = 47
IDS = torch.randint(3, 320, (1, N), generator=torch.Generator().manual_seed(1))
WRITTEN = torch.randint(3, 320, (1, 29), generator=torch.Generator().manual_seed(2))
TYPES = ["bert", "modernbert", "llama", "gemma2", "mistral", "gpt_oss", "bloom", "t5", "bart"]


@pytest.fixture(autouse=True, params=[1, 6 * 4 * N, 2**21], ids=["row by row", "six rows", "at once"])
def block_size(request, monkeypatch):
    monkeypatch.setitem(blockwise._BLOCK, "cpu", request.param)
    if request.param < 2**21:
        monkeypatch.setattr(
            "attnviz.capture.eager_output._SHORT",
            0,
            # so that each layer's weights are stored as soon as it returns them
        )


def record(model_type, selection=None, ids=IDS):
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    inputs |= {"decoder_input_ids": WRITTEN} if model_type in tiny_models.PAIRS else {}
    written = WRITTEN if model_type in tiny_models.PAIRS else ids
    asked = selection or Selection()
    return capture(
        tiny_models.build(model_type).base_model, inputs, asked, layouts_of(asked, ids.shape[1], written.shape[1])
    )


def layouts_of(selection, source, written):
    """The layouts of a selection for texts of these numbers of tokens."""
    sizes = {"self": (source, source), "masked-self": (written, written), "cross": (written, source)}
    given = [Attention(kind, "decoder", *((Token(0, ""),) * n for n in size), {}, {}) for kind, size in sizes.items()]
    return selection.layouts(Trace("", "", tuple(given)))


def eager(model_type):
    """kind → layers of weights, from the eager attention of transformers."""
    model = tiny_models.build(model_type, attn_implementation="eager").base_model
    inputs = {"input_ids": IDS} | ({"decoder_input_ids": WRITTEN} if model_type in tiny_models.PAIRS else {})
    with torch.no_grad():
        outputs = model(**inputs, output_attentions=True)
    if model_type in tiny_models.PAIRS:
        fields = {"self": "encoder_attentions", "masked-self": "decoder_attentions", "cross": "cross_attentions"}
    else:
        fields = {"self" if model_type in tiny_models.ENCODERS else "masked-self": "attentions"}
    return {kind: [w[0].numpy() for w in outputs[name]] for kind, name in fields.items()}


def largest(matrices, rows, columns):
    return np.array([[[A[a:b, c:d].max() for c, d in columns] for a, b in rows] for A in matrices])


@pytest.mark.parametrize("model_type", TYPES)
def test_weights_pooled_block_by_block_equal_the_pooled_matrices(model_type):
    pooled = record(model_type, Selection(cells=8))
    for kind, layers in eager(model_type).items():
        for layer, expected in enumerate(layers):
            rows, columns = (layout(size, None, 8) for size in expected.shape[1:])
            kept = pooled.buffers[kind][layer]
            assert kept.weights.shape[1:] == (len(rows), len(columns))
            np.testing.assert_allclose(kept.weights, largest(expected, rows, columns), atol=1e-5)
            np.testing.assert_allclose(kept.sums, expected.sum(-1), atol=1e-5)
            np.testing.assert_allclose(kept.peak_weights, expected.max(-1), atol=1e-5)
            at_peak = np.take_along_axis(expected, kept.peak_keys[..., None], -1)[..., 0]
            np.testing.assert_allclose(at_peak, kept.peak_weights, atol=1e-5)  # of two equal ones either


@pytest.mark.parametrize("model_type", TYPES)
def test_chosen_rows_and_columns_are_exact(model_type):
    chosen = Selection(rows=(0, 5, 6, 20), columns=(1, 19), cells=4)
    part = record(model_type, chosen)
    for kind, layers in eager(model_type).items():
        for layer, expected in enumerate(layers):
            kept = part.buffers[kind][layer]
            np.testing.assert_allclose(kept.weights, expected[:, [0, 5, 6, 20]][:, :, [1, 19]], atol=1e-5)
            np.testing.assert_allclose(kept.sums, expected.sum(-1)[:, [0, 5, 6, 20]], atol=1e-5)


@pytest.mark.parametrize(("cells", "columns"), [(10, N), (9, 40), (4, 8)])
def test_with_few_rows_columns_are_pooled_only_beyond_cells_squared(cells, columns):
    kept = record("llama", Selection(rows=(7, 40), cells=cells)).buffers["masked-self"][1]
    expected = eager("llama")["masked-self"][1]
    wide = layout(N, None, columns)
    np.testing.assert_allclose(kept.weights, largest(expected, [(7, 8), (40, 41)], wide), atol=1e-5)


@pytest.mark.parametrize("model_type", ["llama", "gemma2", "gpt_oss", "bart"])
@pytest.mark.parametrize("asked", [{}, {"cells": 8}, {"rows": (3, 9)}, {"heads": (1,)}, {"layers": (0,)}], ids=str)
def test_the_model_s_output_is_the_same_with_capture(model_type, asked, monkeypatch):
    model = tiny_models.build(model_type).base_model
    inputs = {"input_ids": IDS} | ({"decoder_input_ids": WRITTEN} if model_type in tiny_models.PAIRS else {})
    with torch.no_grad():
        plain = model(**inputs)[0]
    seen = []
    handle = model.register_forward_hook(lambda module, given, output: seen.append(output[0]))
    capture(model, inputs, Selection(**asked), layouts_of(Selection(**asked), N, WRITTEN.shape[1]))
    handle.remove()
    torch.testing.assert_close(seen[0], plain, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("model_type", ["bert", "llama", "mistral", "bloom"])
@pytest.mark.parametrize(
    "asked", [Selection(), Selection(cells=8), Selection(rows=(2, 30))], ids=["all", "cells", "rows"]
)
def test_padding_is_in_no_matrix(model_type, asked):
    kind = "self" if model_type == "bert" else "masked-self"
    short = 31
    ids = torch.cat([IDS, IDS.flip(1)])
    real = torch.ones_like(ids)
    real[1, short:] = 0
    ids[1, short:] = 0
    both = capture_all(
        tiny_models.build(model_type).base_model,
        {"input_ids": ids, "attention_mask": real},
        asked,
        [{kind: (N, N)}, {kind: (short, short)}],
        layouts=[layouts_of(asked, n, n) for n in (N, short)],
    )
    for found, own in zip(both, (IDS, IDS.flip(1)[:, :short]), strict=True):
        alone = record(model_type, asked, own)
        for layer, kept in alone.buffers[kind].items():
            np.testing.assert_allclose(found.buffers[kind][layer].weights, kept.weights, atol=1e-5)
            np.testing.assert_allclose(found.buffers[kind][layer].sums, kept.sums, atol=1e-5)


def test_a_pooled_matrix_needs_no_matrix_of_all_tokens(monkeypatch):
    """The largest tensor of a block holds some rows, not a square of all tokens."""
    made = []
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *size, **others: made.append(size) or empty(*size, **others))
    monkeypatch.setitem(blockwise._BLOCK, "cpu", 6 * 4 * N)
    pooled = record("llama", Selection(cells=8))
    assert max(size[0] for size in made if len(size) == 1 and isinstance(size[0], int)) == 6 * 4 * N
    assert pooled.size == 3 * 4 * 8 * 8 * 4  # layers, heads, cells, bytes


def test_each_head_is_recorded_with_its_key_value_group():
    found = record("llama")
    assert found.groups["masked-self"][0] == (0, 0, 1, 1)  # four heads, two groups
    assert record("llama", Selection(heads=(1, 2))).groups["masked-self"][2] == (0, 1)
    assert record("bert").groups["self"][0] == (0, 1, 2, 3)
