"""A saved trace: opening the file restores all of it, and an invalid file is refused with the wrong field."""

import json
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import safetensors
from handmade_traces import HOSTILE, encoder_decoder, hybrid, labelled, with_neurons, with_value_norms
from safetensors import safe_open
from safetensors.numpy import load, save

from attnviz.attention import Attention, Token, Trace
from attnviz.attention.schema import SUFFIXES, VERSION, AttentionFields, TokenFields, TraceFields
from attnviz.attention.trace_file import open_trace
from attnviz.errors import FileError


@pytest.mark.parametrize(
    "made",
    [hybrid, encoder_decoder, lambda: labelled(HOSTILE), lambda: with_value_norms(hybrid()), lambda: with_neurons()],
)
def test_a_saved_trace_opens_unchanged(made, tmp_path):
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
            np.testing.assert_array_equal(ours.value_norms.get(layer, 0), theirs.value_norms.get(layer, 0))
            assert (layer in ours.projections) == (layer in theirs.projections)
            if layer in ours.projections:
                assert_same_projections(ours.projections[layer], theirs.projections[layer])
    assert opened.to_bytes() == trace.to_bytes()


def assert_same_projections(ours, theirs):
    assert (ours.scale, ours.softcap) == (theirs.scale, theirs.softcap)
    assert [*ours.arrays()] == [*theirs.arrays()]
    for name, array in ours.arrays().items():
        np.testing.assert_array_equal(array, theirs.arrays()[name])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: one.update(layer=5), r"attentions\[0\]\.projections is \[5\]: expected layers with heads"),
        (lambda one: one["arrays"].append("queries"), "each array once"),
        (lambda one: one["arrays"].append("biases"), "the tensor .* is missing"),
        (lambda one: one.update(arrays=["queries", "keys"]), "belongs to no layer in the header"),
        (lambda one: one["arrays"].__setitem__(0, "biases"), "have other arrays: biases"),
        (lambda one: one.update(scale="1"), "expected `float`"),
    ],
)
def test_damaged_projections_are_refused(change, says, tmp_path):
    path = with_neurons().save(tmp_path / "t.safetensors")
    rewrite(path, lambda header: change(header["attentions"][0]["projections"][0]))
    with pytest.raises(FileError, match=says):
        open_trace(path)


def test_a_trace_of_format_5_has_no_projections(tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    rewrite(path, lambda header: [header.update(version=5), *(a.pop("projections") for a in header["attentions"])])
    assert open_trace(path)["masked-self"].projections == {}


def test_the_file_is_plain_safetensors_with_a_version_and_no_pickle(tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    assert set(load(path.read_bytes())) == {"masked-self.3", "masked-self.11", "masked-self.11.sink"}
    assert header_of(path)["version"] == VERSION


def header_of(path) -> dict:
    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["attnviz"])


def rewrite(path, change, tensors=None):
    """Apply `change` to the header of a saved trace, add `tensors`, write the file again and return the header."""
    header = header_of(path)
    change(header)
    path.write_bytes(save(load(path.read_bytes()) | (tensors or {}), metadata={"attnviz": json.dumps(header)}))
    return header


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda data: data[:-20], "is not a saved trace"),
        (lambda data: b"", "is not a saved trace"),
        (lambda data: b"I ate an apple", "is not a saved trace"),
        (lambda data: b"\x80\x04K\x01.", "is not a saved trace"),
        (lambda data: save({"E": np.zeros(2)}), "is a safetensors file, but not a saved trace"),
        (lambda data: save({"E": np.zeros(2)}, metadata={"format": "pt"}), "but not a saved trace"),
        (lambda data: save({}, metadata={"attnviz": "[" * 100_000}), "is not a saved trace"),
        (lambda data: save(load(data), metadata={"attnviz": '{"version": 7}'}), "has trace format 7; this .* reads 6"),
    ],
)
def test_a_file_that_holds_no_trace_is_refused_by_name(content, says, tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(FileError, match=says) as caught:
        open_trace(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def of_first(**fields):
    """A function that changes fields of the first attention, or of its first query if they are fields of a token."""

    def change(header) -> None:
        attention = header["attentions"][0]
        for name, value in fields.items():
            (attention if name in attention else attention["queries"][0])[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda header: header.update(text=None), "text is None: expected `str`, got `null`"),
        (lambda header: header.pop("model"), "the header: object missing required field `model`"),
        (lambda header: header.update(version="2"), "version is '2': expected `int`, got `str`"),
        (lambda header: header.update(version=0), "version is 0: expected `int` >= 1"),
        (lambda header: header.update(notes=["a", 1]), "notes[1] is 1: expected `str`, got `int`"),
        (lambda header: header.update(provenance={"a": 1}), "provenance[...] is {'a': 1}: expected `str`, got `int`"),
        (lambda header: header.update(attentions=[]), "attentions is []: expected `array` of length >= 1"),
        (of_first(kind="both"), "attentions[0].kind is 'both': invalid enum value 'both'"),
        (of_first(span=[2, 1]), "attentions[0].queries[0].span is [2, 1]: expected a part of its text of 7 characters"),
        (of_first(span=[0, 99]), "attentions[0].queries[0].span is [0, 99]: expected a part of its text"),
        (of_first(word=-1), "attentions[0].queries[0].word is -1: expected `int` >= 0"),
        (of_first(id=True), "attentions[0].queries[0].id is True: expected `int`, got `bool`"),
        (of_first(keys=[]), "attentions[0].keys is []: expected `array` of length >= 1"),
        (of_first(queries=[{"id": 0, "x": 1}]), "attentions[0].queries[0]: object contains unknown field `x`"),
        (of_first(predicts=[None]), "attentions[0].predicts is 1 tokens: expected 3"),
        (of_first(heads=[[3, ["5"]]]), "attentions[0].heads[0][1][0] is '5': expected `int`, got `str`"),
        (of_first(heads=[[3, [5]], [3, [5]]]), "attentions[0].heads is [3, 3]: expected each layer once"),
        (of_first(heads=[[3, [5]], [11, [0, 2, 2]]]), "attentions[0].heads of layer 11 is (0, 2, 2): expected each"),
        (of_first(heads=[[3, [5]]]), "the tensor 'masked-self.11' belongs to no layer in the header"),
        (of_first(heads=[[3, [5]], [11, [0, 2, 4]], [12, [0]]]), "the tensor masked-self.12 is missing"),
        (of_first(groups=[[3, [0, 1]]]), "attentions[0].groups of layer 3 is (0, 1): expected 1, one for each head"),
        (of_first(groups=[[4, [0]]]), "attentions[0].groups of layer 4 is (0,): expected 0"),
        (of_first(rows=[[0, 1, 2]]), "attentions[0].rows[0] is [0, 1, 2]: expected `array` of length 2, got 3"),
        (of_first(rows=[[0, 2], [1, 3]]), "attentions[0].rows[1] is [1, 3]: expected tokens from 2 up to 3"),
        (of_first(columns=[[0, 10**12]]), "attentions[0].columns[0] is [0, 1000000000000]: expected tokens from 0"),
        (lambda header: header["attentions"].append(header["attentions"][0]), "is ['masked-self', 'masked-self']: exp"),
    ],
)
def test_the_error_for_a_damaged_trace_names_the_field_and_its_value(change, says, tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    rewrite(path, change)
    with pytest.raises(FileError, match=re.escape(says)) as caught:
        open_trace(path)
    assert caught.value.message.startswith(f"{path} is a damaged trace: ")


@pytest.mark.parametrize(
    ("name", "tensor", "says"),
    [
        (
            "masked-self.3",
            np.eye(3, dtype=np.float16)[None],
            "the tensor masked-self.3 has type F16, not F32",
        ),
        ("masked-self.3", np.full((1, 3, 3), np.nan, np.float32), "layer 3: a weight is not finite"),
        ("masked-self.3", -np.eye(3, dtype=np.float32)[None], "layer 3: a weight is -1, and should be from 0 to 1"),
        ("masked-self.3", np.float32([[[0.5, 1.5, -1], [1, 0, 0], [1, 0, 0]]]), "a weight is -1"),
        ("masked-self.3", np.eye(3, dtype=np.float32)[None] * 0.9, "layer 3: a row sums to 1 only within 0.1"),
        ("masked-self.3", np.eye(2, dtype=np.float32)[None], "layer 3: weights of shape (1, 2, 2), where (1, 3, 3)"),
        ("masked-self.11.sink", np.zeros((3, 1), np.float32), "layer 11: sinks of shape (3, 1), where (3, 3)"),
        ("masked-self.11.sink", np.full((3, 3), -0.1, np.float32), "layer 11: a sink is -0.1, and should be from 0"),
        ("masked-self.3.sums", np.full((1, 3), np.inf, np.float32), "layer 3: a row sum is not finite"),
    ],
)
def test_the_error_for_a_damaged_tensor_names_its_layer_and_the_fault(name, tensor, says, tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    rewrite(path, lambda header: None, {name: tensor})
    with pytest.raises(FileError, match=re.escape(says)):
        open_trace(path)


def test_damaged_value_norms_are_refused(tmp_path):
    path = with_value_norms(hybrid()).save(tmp_path / "t.safetensors")
    for norms, says in (
        (np.ones((1, 2), np.float32), "layer 3: value norms of shape (1, 2), where (1, 3) [head, key] was expected"),
        (-np.ones((1, 3), np.float32), "layer 3: a value norm is -1, and should be 0 or more"),
    ):
        rewrite(path, lambda header: None, {"masked-self.3.value_norms": norms})
        with pytest.raises(FileError, match=re.escape(says)):
            open_trace(path)
    one = hybrid().save(tmp_path / "t.safetensors")
    rewrite(one, lambda header: None, {"masked-self.3.value_norms": np.ones((1, 3), np.float32)})
    with pytest.raises(
        FileError, match=r"the tensor masked-self\.11\.value_norms is missing, and other layers have one"
    ):
        open_trace(one)


def test_a_trace_of_format_4_has_no_value_norms(tmp_path):
    path = hybrid().save(tmp_path / "t.safetensors")
    rewrite(path, lambda header: header.update(version=4))
    assert open_trace(path)["masked-self"].value_norms == {}


def test_a_trace_that_could_not_be_opened_again_is_not_saved(tmp_path):
    one = hybrid()["masked-self"]
    for wrong, says in (
        (replace(hybrid(), text=3), "this trace cannot be saved: text is 3: expected `str`, got `int`"),
        (replace(hybrid(), notes=("\ud800",)), "this trace cannot be saved: .* surrogates not allowed"),
        (replace(hybrid(), attentions=(one, one)), "expected each kind once"),
        (replace(hybrid(), attentions=(replace(one, by_layer={3: -one.weights(3), 11: one.weights(11)}),)), "is -1"),
    ):
        with pytest.raises(FileError, match=says):
            wrong.save(tmp_path / "t.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_precision_are_saved_in_float32(tmp_path):
    one = encoder_decoder()["self"]
    doubles = replace(one, by_layer={layer: weights.astype(np.float64) for layer, weights in one.by_layer.items()})
    opened = open_trace(Trace("tiny", "I ate", (doubles,)).save(tmp_path / "t.safetensors"))
    np.testing.assert_array_equal(opened["self"].weights(1), one.weights(1))


def test_the_schema_has_every_field_of_the_data():
    """Opening a file refuses every field that the schema does not have."""
    stored = {field.name for field in fields(Attention)} - {*SUFFIXES, "head_numbers"}
    assert set(TokenFields.__struct_fields__) == {field.name for field in fields(Token)}
    assert set(AttentionFields.__struct_fields__) == stored | {"heads"}
    assert set(TraceFields.__struct_fields__) == {field.name for field in fields(Trace)} | {"version"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_trace_of_an_older_format_opens_with_the_fields_it_has(version, tmp_path):
    """Formats 1 and 2 do not say which tokens were generated; format 1 also has no segments, groups, rows, columns."""
    cross = encoder_decoder()["cross"]
    chosen = replace(cross, predicts=tuple(replace(token, generated=True) for token in cross.predicts))
    path = Trace("by hand", "I ate an apple", (chosen,), "나는 사과를 먹었다").save(tmp_path / "t.safetensors")

    def remove_new_fields(header) -> None:
        header["version"] = version
        for attention in header["attentions"]:
            for name in ("groups", "rows", "columns") if version == 1 else ():
                del attention[name]
            for token in (*attention["queries"], *attention["keys"], *(attention["predicts"] or ())):
                for name in ("segment", "generated") if version == 1 else ("generated",):
                    del token[name]

    rewrite(path, remove_new_fields)
    opened = open_trace(path)["cross"]
    assert (opened.queries, opened.keys, opened.predicts) == (cross.queries, cross.keys, cross.predicts)
    assert (opened.groups, opened.rows, opened.columns) == ({}, cross.rows, cross.columns)


@pytest.mark.parametrize("name", ["missing.safetensors", "x" * 5000, "a\0b", ""])
def test_a_missing_file_and_an_impossible_path_are_refused(name, tmp_path):
    with pytest.raises(FileError, match="no such file" if name else "not a file"):
        open_trace(tmp_path / name)


def test_a_file_without_read_permission_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    path = hybrid().save(tmp_path / "t.safetensors")
    monkeypatch.setattr(safetensors, "safe_open", refuse)
    with pytest.raises(FileError, match=r"cannot read .*t\.safetensors: Permission denied"):
        open_trace(path)


def test_segments_are_saved_and_are_0_in_an_older_file(tmp_path):
    read = (Token(1, "a"), Token(2, "b", segment=1))
    one = Attention("self", "encoder", read, read, {0: np.eye(2, dtype=np.float32)[None]}, {0: (0,)})
    path = Trace("tiny", "a\nb", (one,)).save(tmp_path / "pair.safetensors")
    assert open_trace(path)["self"].keys == read
    header = rewrite(path, lambda header: [t.pop("segment") for a in header["attentions"] for t in a["keys"]])
    assert "segment" not in header["attentions"][0]["keys"][0]
    assert open_trace(path)["self"].keys == (Token(1, "a"), Token(2, "b"))
    assert open_trace(path)["self"].queries == read
