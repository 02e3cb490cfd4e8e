"""Gradient × attention from end to end: of the built-in model, of decoders, and where it is refused."""

import numpy as np
import pytest
import tiny_models
from handmade_traces import encoder_decoder

import attnviz
from attnviz.analysis.gradient import relevance as relevance_of_row
from attnviz.analysis.methods import METHOD
from attnviz.errors import InputError, ModelError, SelectionError
from attnviz.prompt import Prompt
from attnviz.scratch import attention, transformer

APPLE = "I ate an apple"
STEP = 1e-4


def test_each_row_of_a_decoder_is_for_the_token_that_it_writes_and_the_last_for_the_likeliest_one():
    model = attnviz.load(tiny_models.writer("llama"), tokenizer=tiny_models.tokenizer())
    trace = attnviz.relevance(APPLE, model)
    a = trace["masked-self"]
    assert (a.layers, a.heads(2), a.matrix(2, 0).shape) == ((2,), (0,), (len(a.queries),) * 2)
    np.testing.assert_allclose(a.weights(2).sum(-1), 1, rtol=1e-5)
    assert not np.triu(a.matrix(2, 0), 1).any()
    plain = model.trace(APPLE)["masked-self"]
    assert a.predicts[:-1] == plain.predicts[:-1]
    assert a.predicts[-1].generated
    assert trace.provenance[METHOD] == "gradient"
    gradients = model.gradients(Prompt(APPLE))
    for row in gradients.of_rows([1, 3]):
        np.testing.assert_allclose(a.matrix(2, 0)[row.query], relevance_of_row(row.weighted, row.query)["masked-self"])


def test_only_the_rows_that_are_named_are_computed():
    model, counted = attnviz.load(tiny_models.writer("gpt2"), tokenizer=tiny_models.tokenizer()), []
    whole = attnviz.relevance(APPLE, model)["masked-self"].matrix(2, 0)
    few = attnviz.relevance(APPLE, model, rows=[2, 0], progress=lambda *done: counted.append(done))["masked-self"]
    assert counted == [(1, 2), (2, 2)]
    assert few.rows == ((0, 1), (2, 3))
    np.testing.assert_allclose(few.matrix(2, 0), whole[[0, 2]], rtol=1e-5)
    ate = tuple((row, row + 1) for row, token in enumerate(few.queries) if token.word == 1)
    assert attnviz.relevance(APPLE, model, query="ate")["masked-self"].rows == ate
    with pytest.raises(SelectionError, match=r"none of these rows exists"):
        attnviz.relevance(APPLE, model, rows=99)


def test_the_gradients_of_the_built_in_model_are_small_changes_of_its_scores(monkeypatch):
    model = attnviz.load()
    (row,) = model.gradients(Prompt(APPLE)).of_rows([2])
    trace = model.trace(APPLE)
    checkpoint = model.checkpoint
    W = _doubled(checkpoint.weights)
    parts, h = checkpoint.tokenizer.parts, checkpoint.config.h
    ids, read = (parts[np.array([[t.id for t in tokens]])] for tokens in (trace["cross"].keys, trace["cross"].queries))
    plain, at = attention.scaled_dot_product_attention, {}

    def attend(Q, K, V, visible, xp):
        Z, A = plain(Q, K, V, visible, xp)
        at["calls"] += 1
        if at["calls"] == at["call"]:
            head, i, j, by = at["change"]
            Z[0, head, i] += by * V[0, head, j]
        return Z, A

    def score(call, change):
        at.update(calls=0, call=call, change=change)
        memory, _ = transformer.encode(ids, np.ones(ids.shape[:2], bool), W, h, np)
        x, _ = transformer.decode(read, memory, np.ones(ids.shape[:2], bool), W, h, np)
        stem, ending = parts[row.written.id]
        x = x[:, 2:3]
        of_ending = transformer.ending_logits(x, np.array([[stem]]), W)[0, 0, ending]
        return float(transformer.stem_logits(x, W)[0, 0, stem] + of_ending)

    monkeypatch.setattr(attention, "scaled_dot_product_attention", attend)
    encoders = checkpoint.config.encoder_layers
    for kind, layer, call, i, j in (
        ("self", 1, 2, 1, 3),
        ("masked-self", 0, encoders + 1, 2, 1),
        ("cross", 1, encoders + 4, 2, 1),
    ):
        products = []
        for head in range(h):
            up, down = (score(call, (head, i, j, by)) for by in (STEP, -STEP))
            products.append(max((up - down) / (2 * STEP) * trace[kind].matrix(layer, head)[i, j], 0))
        assert row.weighted[kind][layer][i, j] == pytest.approx(np.mean(products), rel=1e-2, abs=1e-5)


def _doubled(weights):
    if isinstance(weights, dict):
        return {name: _doubled(one) for name, one in weights.items()}
    return [_doubled(one) for one in weights] if isinstance(weights, list) else weights.astype(np.float64)


def test_a_translation_is_drawn_by_its_encoder_and_no_model_is_changed():
    trace = attnviz.relevance(APPLE)
    assert trace.kinds == ("cross", "masked-self")
    np.testing.assert_allclose(trace["cross"].weights(1).sum(-1), 1, rtol=1e-5)
    assert "gradient × attention of all layers" in attnviz.plot(trace).get_title()
    assert attnviz.trace(APPLE)["self"].weights(3).dtype == np.float32
    bart = attnviz.load(tiny_models.build("bart"), tokenizer=tiny_models.tokenizer())
    assert attnviz.relevance(APPLE, bart, target="나는").kinds == ("cross", "masked-self")


def test_what_gives_no_gradients_is_refused_by_name(minilm_folder):
    with pytest.raises(ModelError, match="BertModel gives no score"):
        attnviz.relevance(APPLE, minilm_folder)
    with pytest.raises(SelectionError, match="holds no gradients\nRun the text again: attnviz plot TEXT -m NAME"):
        attnviz.plot(encoder_decoder(), method="gradient")
    with pytest.raises(SelectionError, match="method gradient combines all heads of all layers"):
        attnviz.sources(APPLE, method="gradient", layers=1)
    with pytest.raises(InputError, match="empty"):
        attnviz.relevance("")
    module = attnviz.load(tiny_models.torch.nn.Linear(2, 2))
    with pytest.raises(ModelError, match="method gradient: Linear is not a model that writes text"):
        module.gradients(Prompt(APPLE))


def test_the_sources_of_an_answer_by_gradients_set_no_key_aside_for_being_large(smollm2_file):
    text = "Anna lives in Oslo.\n\nClara lives in Cairo.\n\nClara lives in"
    found = attnviz.sources(text, smollm2_file, answer="Cairo", method="gradient")
    trace = attnviz.relevance(f"{text} Cairo", smollm2_file, rows=[len(found.tokens) - 2])["masked-self"]
    row = trace.matrix(trace.layers[0], 0)[0].astype(float)
    last = len(row) - 2  # it reads "in" and writes " Cairo"
    left = np.where((np.arange(len(row)) > 0) & (np.arange(len(row)) <= last - 4), row, 0)
    assert [one.share for one in found.tokens] == pytest.approx(left / left.sum(), abs=1e-5)
    assert found.sinks == pytest.approx(row[0], abs=1e-5)
    assert found.sources[0].text == "Cairo"
