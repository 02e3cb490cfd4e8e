"""Trace, Attention and Token: what they hold, what they refuse, and that a file brings all of it back."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load, save
from traces import HOSTILE, attention, encoder_decoder, labelled, tokens

from attnviz.attention import FORMAT_VERSION, Attention, Token, Trace, borders, open_trace, ranges
from attnviz.errors import CaptureError, FileError, SelectionError


def hybrid() -> Trace:
    """Layers 3 and 11 of a hybrid decoder: other heads in each, a sink in one, a last row that predicts nothing."""
    read = (Token(7, "사과", (0, 2), 0), Token(8, "를", (2, 3), 0), Token(2, "</s>", special=True))
    weights = np.tril(np.full((3, 3, 3), 0.25, np.float32))
    weights[:, range(3), range(3)] += np.float32([0.25, 0.0, 0.0])
    one = Attention(
        kind="masked-self",
        part="decoder",
        queries=read,
        keys=read,
        by_layer={3: np.tril(np.full((1, 3, 3), 1 / np.arange(1, 4)[:, None], np.float32)), 11: weights},
        head_numbers={3: (5,), 11: (0, 2, 4)},
        sink_mass={11: np.tile(np.float32([0.5, 0.5, 0.25]), (3, 1))},
        predicts=(*read[1:], None),
    )
    return Trace(
        model="hybrid",
        revision="abc123",
        text="사과를\x1b \u202e😀",
        target=None,
        attentions=(one,),
        provenance={"torch": "2.6", "capture": "attention interface"},
        notes=("first", "둘째"),
    )


def test_a_trace_gives_its_attention_by_kind_layer_and_head():
    trace = encoder_decoder()
    assert trace.kinds == ("self", "masked-self", "cross")
    assert [trace[kind].name for kind in trace.kinds] == [
        "self-attention",
        "masked self-attention",
        "cross-attention",
    ]
    own = trace["self"]
    assert (own.layers, own.heads(1), own.weights(1).shape) == ((0, 1), (0, 1), (2, 4, 4))
    assert own.matrix(1, 1)[1].tolist() == pytest.approx([0, 0.02, 0.02, 0.96])
    assert [t.text for t in trace["cross"].keys] == ["I", "ate", "an", "apple"]
    assert [t.text for t in trace["cross"].predicts] == ["나는", "사과를", "먹었다", "</s>"]


def test_a_head_goes_by_its_true_number():
    own = hybrid()["masked-self"]
    assert own.layers == (3, 11)
    assert own.heads(11) == (0, 2, 4)
    np.testing.assert_array_equal(own.matrix(11, 4), own.weights(11)[2])
    assert own.matrix(3, 5).shape == (3, 3)


@pytest.mark.parametrize(
    ("ask", "says", "hint"),
    [
        (lambda t: t["cross"], "has no cross-attention", "masked-self"),
        (lambda t: t["nonsense"], "has no nonsense", "masked-self"),
        (lambda t: t["masked-self"].weights(4), "layer 4 of masked self-attention was not captured", "3, 11"),
        (lambda t: t["masked-self"].heads(0), "layer 0", "3, 11"),
        (lambda t: t["masked-self"].matrix(11, 1), "head 1 of layer 11 was not captured", "0, 2, 4"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_is(ask, says, hint):
    with pytest.raises(SelectionError, match=says) as caught:
        ask(hybrid())
    assert hint in caught.value.hint


def test_weights_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        encoder_decoder()["self"].weights(0)[0, 0, 0] = 1


@pytest.mark.parametrize("shape", [(2, 4, 4), (1, 3, 4), (1, 4, 3), (4, 4)])
def test_weights_of_a_wrong_shape_are_refused(shape):
    four = tokens("abcd")
    with pytest.raises(CaptureError, match=r"self-attention, layer 0: weights of shape .* where \(1, 4, 4\)"):
        Attention("self", "encoder", four, four, {0: np.zeros(shape, np.float32)}, {0: (0,)})


@pytest.mark.parametrize(("field", "says"), [("sink_mass", "sinks"), ("row_sums", "row sums")])
def test_a_row_s_number_has_a_place_for_each_query(field, says):
    whole = attention([np.eye(3)])
    with pytest.raises(CaptureError, match=rf"layer 0: {says} of shape \(1, 2\), where \(1, 3\) \[head, query\]"):
        Attention(**{**vars(whole), field: {0: np.zeros((1, 2), np.float32)}})
    kept = Attention(**{**vars(whole), field: {0: np.zeros((1, 3), np.float32)}})
    with pytest.raises(ValueError, match="read-only"):
        getattr(kept, field)[0][0, 0] = 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([0.5, np.nan], "not finite"),
        ([np.inf, 0.5], "not finite"),
        ([0.5, 0.4], "sums to 1 only within 0.1"),
        ([0.9, 0.2], "0.1"),
    ],
)
def test_check_refuses_what_is_not_attention(row, says):
    with pytest.raises(CaptureError, match=says):
        attention([[[0.5, 0.5], row]]).check()


def test_check_takes_rows_that_sum_to_1_that_see_nothing_or_that_a_sink_takes_from():
    attention([[[0.3, 0.7], [0.0, 0.0]]]).check()
    attention([[[0.3, 0.7], [0.5, 0.495]]]).check(tolerance=0.01)
    hybrid()["masked-self"].check()


def test_check_holds_a_sink_against_what_is_missing():
    own = hybrid()["masked-self"]
    without = Attention(own.kind, own.part, own.queries, own.keys, own.by_layer, own.head_numbers)
    with pytest.raises(CaptureError, match="layer 11"):
        without.check()


@pytest.mark.parametrize("made", [hybrid, encoder_decoder, lambda: labelled(HOSTILE)])
def test_a_saved_trace_opens_as_it_was(made, tmp_path):
    trace = made()
    opened = open_trace(trace.save(tmp_path / "new" / "trace.safetensors"))
    for field in ("model", "revision", "text", "target", "notes", "kinds"):
        assert getattr(opened, field) == getattr(trace, field)
    assert dict(opened.provenance) == dict(trace.provenance)
    for kind in trace.kinds:
        ours, theirs = trace[kind], opened[kind]
        assert (ours.part, ours.queries, ours.keys, ours.predicts) == (
            theirs.part,
            theirs.queries,
            theirs.keys,
            theirs.predicts,
        )
        assert dict(ours.head_numbers) == dict(theirs.head_numbers)
        assert set(ours.sink_mass) == set(theirs.sink_mass)
        for layer in ours.layers:
            assert theirs.weights(layer).dtype == np.float32
            np.testing.assert_array_equal(ours.weights(layer), theirs.weights(layer))
            np.testing.assert_array_equal(ours.sink_mass.get(layer, 0), theirs.sink_mass.get(layer, 0))
    assert opened.to_bytes() == trace.to_bytes()


def test_the_file_is_plain_safetensors_with_a_version_and_no_pickle(tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    assert set(load(path.read_bytes())) == {"masked-self.3", "masked-self.11", "masked-self.11.sink"}
    assert header_of(path)["version"] == FORMAT_VERSION


def header_of(path) -> dict:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["attnviz"])


def changed(path, **changes):
    """The trace at `path`, its header changed."""
    header = header_of(path) | changes
    path.write_bytes(save(load(path.read_bytes()), metadata={"attnviz": json.dumps(header)}))


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_an_older_format_does_not_say_what_the_model_chose_and_opens(version, tmp_path):
    trace = encoder_decoder()
    path = trace.save(tmp_path / "old.safetensors")
    described = header_of(path)["attentions"]
    for a in described:
        for token in (*a["queries"], *a["keys"], *(a["predicts"] or ())):
            del token["generated"]
        for newer in ("groups", "rows", "columns") if version == 1 else ():
            del a[newer]
    changed(path, version=version, attentions=described)
    opened = open_trace(path)
    assert opened["cross"].predicts == trace["cross"].predicts
    assert not any(token.generated for token in opened["cross"].predicts)


DAMAGE = {
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:-20]), "is not a saved trace"),
    "empty": (lambda path: path.write_bytes(b""), "is not a saved trace"),
    "text": (lambda path: path.write_text("I ate an apple"), "is not a saved trace"),
    "pickle": (lambda path: path.write_bytes(b"\x80\x04K\x01."), "is not a saved trace"),
    "weights of a model": (lambda path: path.write_bytes(save({"E": np.zeros(2)})), "but not a saved trace"),
    "foreign metadata": (
        lambda path: path.write_bytes(save({"E": np.zeros(2)}, metadata={"format": "pt"})),
        "but not a saved trace",
    ),
    "newer": (lambda path: changed(path, version=FORMAT_VERSION + 1), "Upgrade attnviz"),
    "no text": (lambda path: changed(path, text=None, attentions=[{}]), "damaged"),
    "a tensor is gone": (
        lambda path: path.write_bytes(save({}, metadata={"attnviz": json.dumps(header_of(path))})),
        "damaged",
    ),
    "an unknown field": (
        lambda path: changed(path, attentions=[header_of(path)["attentions"][0] | {"queries": [{"id": 0, "x": 1}]}]),
        "damaged",
    ),
    "rows that are no ranges": (
        lambda path: changed(path, attentions=[header_of(path)["attentions"][0] | {"rows": [[0, 1, 2]]}]),
        "damaged",
    ),
    "a sink of another shape": (
        lambda path: path.write_bytes(
            save(
                load(path.read_bytes()) | {"masked-self.11.sink": np.zeros((3, 1), np.float32)},
                metadata={"attnviz": json.dumps(header_of(path))},
            )
        ),
        "damaged",
    ),
    "too few tokens": (
        lambda path: changed(path, attentions=[header_of(path)["attentions"][0] | {"keys": []}]),
        "damaged",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_no_trace_is_refused_by_name(damage, tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    do, says = DAMAGE[damage]
    do(path)
    with pytest.raises(FileError, match=says) as caught:
        open_trace(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", ["missing.safetensors", ""])
def test_a_file_that_is_not_there(name, tmp_path):
    with pytest.raises(FileError, match="no such file"):
        open_trace(tmp_path / name)


def test_a_repr_is_one_short_line():
    assert repr(encoder_decoder()) == (
        "<Trace of 'I ate an apple' by by hand; self: layers 0-1, 4×4 tokens;"
        " masked-self: layers 0-1, 4×4 tokens; cross: layers 0-1, 4×4 tokens>"
    )
    long = repr(labelled(["word\n"] * 500))
    assert len(long) < 150
    assert "\n" not in long
    assert "…" in long


@pytest.mark.parametrize(
    ("numbers", "written"),
    [((), ""), ((3,), "3"), ((0, 1, 2, 3, 7), "0-3, 7"), ((9, 4, 5), "4-5, 9"), ((1, 3, 5), "1, 3, 5")],
)
def test_ranges(numbers, written):
    assert ranges(numbers) == written


@pytest.mark.parametrize(
    ("segments", "at"), [("", ()), ("0", ()), ("000", ()), ("0011", (2,)), ("0112", (1, 3)), ("010", (1, 2))]
)
def test_a_border_is_where_another_segment_begins(segments, at):
    assert borders([Token(0, "a", segment=int(segment)) for segment in segments]) == at


def test_segments_are_kept_in_the_file_and_are_none_in_an_older_one(tmp_path):
    read = (Token(1, "a"), Token(2, "b", segment=1))
    one = Attention("self", "encoder", read, read, {0: np.eye(2, dtype=np.float32)[None]}, {0: (0,)})
    path = Trace("tiny", "a\nb", (one,)).save(tmp_path / "pair.safetensors")
    assert open_trace(path)["self"].keys == read
    header = rewritten(path, lambda header: [t.pop("segment") for a in header["attentions"] for t in a["keys"]])
    assert "segment" not in header["attentions"][0]["keys"][0]
    assert open_trace(path)["self"].keys == (Token(1, "a"), Token(2, "b"))
    assert open_trace(path)["self"].queries == read


def rewritten(path, change):
    """The header of a saved trace after `change`, which is written back."""
    tensors = load(path.read_bytes())
    with safe_open(path, "np") as file:
        header = json.loads(file.metadata()["attnviz"])
    change(header)
    path.write_bytes(save(tensors, metadata={"attnviz": json.dumps(header)}))
    return header
