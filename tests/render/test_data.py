"""JSON and NPZ: what other programs read."""

import io
import json
from dataclasses import replace

import numpy as np
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, labelled

from attnviz.attention import Trace
from attnviz.render.data import as_json, as_npz
from attnviz.selection import Selection


def test_json_holds_everything() -> None:
    trace = encoder_decoder()
    content = json.loads(as_json(trace))
    assert (content["model"], content["text"], content["target"]) == ("by hand", "I ate an apple", "나는 사과를 먹었다")
    assert "rows are queries" in content["convention"]
    assert [a["kind"] for a in content["attentions"]] == ["self", "masked-self", "cross"]
    cross = content["attentions"][2]
    assert cross["queries"] == ["<s>", "나는", "사과를", "먹었다"]
    assert cross["keys"] == ["I", "ate", "an", "apple"]
    assert cross["predicts"] == ["나는", "사과를", "먹었다", "</s>"]
    assert cross["predicts_generated"] == [False, False, False, False]
    assert content["attentions"][0]["predicts"] is content["attentions"][0]["predicts_generated"] is None
    for layer in cross["layers"]:
        assert layer["heads"] == [0, 1]
        np.testing.assert_array_equal(np.array(layer["weights"], np.float32), trace["cross"].weights(layer["layer"]))


def test_json_writes_no_more_digits_than_there_are() -> None:
    assert json.loads(as_json(encoder_decoder()))["attentions"][0]["layers"][1]["weights"][1][0] == [0.9, 0.1, 0.0, 0.0]


def test_npz_opens_without_pickle() -> None:
    trace = encoder_decoder()
    with np.load(io.BytesIO(as_npz(trace)), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["masked_self_L1"], trace["masked-self"].weights(1))
        assert archive["self_L0_heads"].tolist() == [0, 1]
        assert archive["self_keys"].tolist() == ["I", "ate", "an", "apple"]
        assert archive["cross_predicts"].tolist() == ["나는", "사과를", "먹었다", "</s>"]
        assert str(archive["text"]) == "I ate an apple"


def test_generated_tokens_are_distinguished_from_given_ones():
    (a,) = decoder_only(("The", "cat", "sat")).attentions
    marked = (*a.queries[:2], replace(a.queries[2], generated=True))
    trace = Trace("by hand", "The cat sat", (replace(a, queries=marked, keys=marked, predicts=(*marked[1:], None)),))
    written = json.loads(as_json(trace))["attentions"][0]
    assert (written["queries"], written["predicts"]) == (["The", "cat", "sat"], ["cat", "sat", None])
    assert written["predicts_generated"] == [False, True, False]
    assert "generated" not in written
    arrays = np.load(io.BytesIO(as_npz(trace)))
    assert arrays["masked_self_predicts"].tolist() == ["cat", "sat", ""]
    assert arrays["masked_self_predicts_generated"].tolist() == [False, True, False]


def test_any_token_survives_and_bytes_repeat() -> None:
    trace = labelled(HOSTILE)
    assert tuple(json.loads(as_json(trace))["attentions"][0]["keys"]) == HOSTILE
    with np.load(io.BytesIO(as_npz(trace)), allow_pickle=False) as archive:
        assert tuple(archive["self_keys"].tolist()) == HOSTILE
    assert as_npz(trace) == as_npz(labelled(HOSTILE))
    assert as_json(trace) == as_json(labelled(HOSTILE))


def test_a_pooled_trace_says_which_tokens_a_cell_covers():
    trace = Selection(cells=2).apply(encoder_decoder())
    a = trace["cross"]
    written = json.loads(as_json(trace))["attentions"][2]
    assert written["rows"] == written["columns"] == [[0, 1], [1, 4]]
    assert np.array(written["layers"][1]["weights"]).shape == (2, 2, 2)
    np.testing.assert_allclose(written["layers"][1]["row_sums"], a.row_sums[1], rtol=1e-7)
    arrays = np.load(io.BytesIO(as_npz(trace)))
    np.testing.assert_array_equal(arrays["cross_rows"], a.rows)
    np.testing.assert_array_equal(arrays["cross_L1_sums"], a.row_sums[1])
    assert "rows" not in json.loads(as_json(encoder_decoder()))["attentions"][0]


def test_the_mass_of_a_learned_sink_is_in_the_data():
    (a,) = labelled(["a", "b"]).attentions
    half = replace(a, by_layer={0: a.weights(0) / 2}, sink_mass={0: np.full((1, 2), 0.5, np.float32)})
    trace = Trace("by hand", "a b", (half,))
    assert json.loads(as_json(trace))["attentions"][0]["layers"][0]["sink_mass"] == [[0.5, 0.5]]
    np.testing.assert_array_equal(np.load(io.BytesIO(as_npz(trace)))["self_L0_sink"], [[0.5, 0.5]])
