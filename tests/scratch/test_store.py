"""The file that the model is kept in."""

import json
from dataclasses import asdict, replace
from importlib.resources import files

import numpy as np
import pytest
from safetensors.numpy import load, save

from attnviz.scratch import transformer
from attnviz.scratch.confidence import Threshold
from attnviz.scratch.store import Checkpoint, map_tree, named, read, shipped, to_bytes
from attnviz.scratch.tokenizer import ENGLISH, KOREAN, SPECIALS, Tokenizer
from attnviz.scratch.transformer import Config

SHIPPED = files("attnviz.scratch") / "weights" / "builtin.safetensors"


def checkpoint() -> Checkpoint:
    stems = [*SPECIALS, "I", "eat", "사과"]
    words = [("I", 6, 0), ("eat", 7, 0), ("ate", 7, 1), ("사과를", 8, 2)]
    tokenizer = Tokenizer(stems, ["", "-ed", "를"], [*((name, i, 0) for i, name in enumerate(SPECIALS)), *words])
    config = Config(len(stems), 3, d=8, h=2, ff=12, encoder_layers=2, decoder_layers=1)
    random = np.random.default_rng(0)
    weights = map_tree(lambda _, shape: random.normal(size=shape).astype(np.float32), transformer.shapes(config))
    return Checkpoint(config, weights, tokenizer)


def test_a_model_comes_back_rounded_to_float16_and_ready_in_float32(tmp_path):
    made = checkpoint()
    (tmp_path / "m.safetensors").write_bytes(to_bytes(made))
    back = read(tmp_path / "m.safetensors")
    assert back.config == made.config
    assert back.tokenizer.vocabulary == made.tokenizer.vocabulary
    assert (back.tokenizer.parts == made.tokenizer.parts).all()
    assert [name for name, _ in named(back.weights)] == [name for name, _ in named(made.weights)]
    for (_, ours), (_, theirs) in zip(named(made.weights), named(back.weights), strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_array_equal(theirs, ours.astype(np.float16).astype(np.float32))
    again = load(to_bytes(back))
    assert all((again[name] == array).all() for name, array in load(to_bytes(made)).items())


def test_what_was_measured_comes_back_and_a_file_without_it_is_never_unsure(tmp_path):
    thresholds = (Threshold("Korean", 0.3, 0.6, 0.05),)
    rates = {"negation": {"Korean": 0.75, "English": 0.5}}
    (tmp_path / "m.safetensors").write_bytes(to_bytes(replace(checkpoint(), thresholds=thresholds, rates=rates)))
    back = read(tmp_path / "m.safetensors")
    assert (back.thresholds, back.rates) == (thresholds, rates)
    assert (back.threshold(KOREAN), back.threshold(ENGLISH)) == (0.3, 0)
    tensors, header = parts()
    del header["thresholds"], header["rates"]
    (tmp_path / "old.safetensors").write_bytes(save(tensors, metadata={"attnviz": json.dumps(header)}))
    old = read(tmp_path / "old.safetensors")
    assert (old.thresholds, old.rates) == ((), {})
    assert old.threshold(KOREAN) == old.threshold(ENGLISH) == 0


SHARES = {"confidence": 0.3, "caught": 0.5, "lost": 0.1}


@pytest.mark.parametrize(
    "measured",
    [
        *({"thresholds": value} for value in (None, 3, "x", [3], [{}], [{"language": "Korean"}], {"language": "x"})),
        *({"thresholds": [{"language": "Korean", **SHARES, "lost": value}]} for value in (None, "0.1", 1.1, -1, True)),
        *({"rates": value} for value in (None, [], {"negation": 0.5}, {"negation": {"Korean": "0.5"}})),
        {"rates": {"negation": {"Korean": float("nan")}}},
    ],
)
def test_a_file_with_damaged_measurements_is_refused(measured, tmp_path):
    tensors, header = parts()
    assert "its thresholds or rates are" in refusal(tmp_path, tensors, {**header, **measured})


def test_leaves_are_named_by_their_path():
    names = [name for name, _ in named(checkpoint().weights)]
    assert {"E", "encoder.1.self.W_Q", "decoder.0.cross_norm.gain", "decoder.0.ff.b_2"} <= set(names)
    assert len(names) == len(set(names))


def refusal(folder, tensors, header) -> str:
    """Why a file of these is not read; with a `header` of None it has no metadata."""
    metadata = None if header is None else {"attnviz": header if isinstance(header, str) else json.dumps(header)}
    (folder / "m.safetensors").write_bytes(save(tensors, metadata=metadata))
    with pytest.raises((ValueError, RecursionError)) as caught:
        read(folder / "m.safetensors")
    return str(caught.value)


@pytest.mark.parametrize("header", [None, "", "null", "[]", "3", "{}", "[" * 100_000, {"config": {}}, {"stems": []}])
def test_another_safetensors_file_is_refused(header, tmp_path):
    assert refusal(tmp_path, {"E": np.zeros(3)}, header)


GONE = object()


@pytest.mark.parametrize("size", [GONE, None, "8", 8.0, True, -1, 0, 7, 10**6, 10**30, [], {}, float("nan")])
def test_a_file_whose_sizes_are_no_model_s_is_refused_before_anything_of_that_size_is_made(size, tmp_path):
    tensors, header = parts()
    for name in header["config"]:
        sizes = {**header["config"], name: size}
        if size is GONE:
            del sizes[name]
        assert refusal(tmp_path, tensors, {**header, "config": sizes})
    assert refusal(tmp_path, tensors, {**header, "config": size if size is not GONE else "x"})
    assert refusal(tmp_path, tensors, {**header, "config": {**header["config"], "more": 1}})


@pytest.mark.parametrize("change", [lambda v: v[1:], lambda v: [*v, "x"], lambda v: [*v[:-1], 3],
                                    lambda v: None, lambda v: {}, lambda v: "".join(v)])  # fmt: skip
@pytest.mark.parametrize("table", ["stems", "endings", "words"])
def test_a_file_of_another_vocabulary_is_refused(table, change, tmp_path):
    tensors, header = parts()
    assert f"its {table} are no list of" in refusal(tmp_path, tensors, {**header, table: change(header[table])})


@pytest.mark.parametrize("line", ["apple", "apple x", "apple 3", "apple -1", "apple 0 pear", " ", "a b c d"])
def test_a_file_with_a_damaged_line_of_words_is_refused(line, tmp_path):
    tensors, header = parts()
    assert "its words" in refusal(tmp_path, tensors, {**header, "words": [*header["words"][:-1], line]})


def test_a_file_whose_special_tokens_are_others_is_refused(tmp_path):
    tensors, header = parts()
    assert "special tokens" in refusal(tmp_path, tensors, {**header, "stems": header["stems"][::-1]})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x.astype(np.float32), "E is float32 (9, 8), and should be float16 (9, 8)"),
        (lambda x: x[1:], "E is float16 (8, 8), and should be"),
        (lambda x: x * np.float16("nan"), "a number of E is not finite"),
        (None, "its tensors are not those of a transformer of its sizes"),
    ],
)
def test_a_file_with_a_damaged_tensor_is_refused_by_its_name(change, says, tmp_path):
    tensors, header = parts()
    tensor = tensors.pop("E")
    assert says in refusal(tmp_path, tensors if change is None else {**tensors, "E": change(tensor)}, header)


def parts() -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """The tensors and the header of a small model's file."""
    data = to_bytes(checkpoint())
    length = int.from_bytes(data[:8], "little")
    return load(data), json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["attnviz"])


def test_a_file_of_another_size_is_not_read(tmp_path):
    made = checkpoint()
    smaller = Checkpoint(made.config, {**made.weights, "encoder": made.weights["encoder"][:1]}, made.tokenizer)
    (tmp_path / "m.safetensors").write_bytes(to_bytes(smaller))
    with pytest.raises(ValueError, match="its tensors are not those"):
        read(tmp_path / "m.safetensors")


def test_the_shipped_file_is_small_and_float16_and_nothing_but_weights():
    data = SHIPPED.read_bytes()
    assert len(data) <= 12_000_000
    tensors = load(data)
    assert {array.dtype for array in tensors.values()} == {np.dtype(np.float16)}
    config = shipped().config
    assert {name: array.shape for name, array in tensors.items()} == dict(named(transformer.shapes(config)))
    assert all(np.isfinite(array).all() for array in tensors.values())


def test_the_shipped_model_has_a_layer_3_and_is_read_once():
    config = asdict(shipped().config)
    assert config["encoder_layers"] >= 4
    assert config["h"] >= 4
    assert shipped() is shipped()
