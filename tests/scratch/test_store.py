"""The file that the model is kept in."""

from dataclasses import asdict
from importlib.resources import files

import numpy as np
import pytest
from safetensors.numpy import load, save

from attnviz.scratch import transformer
from attnviz.scratch.store import Checkpoint, map_tree, named, read, shipped, to_bytes
from attnviz.scratch.tokenizer import Tokenizer, vocabulary
from attnviz.scratch.transformer import Config

SHIPPED = files("attnviz.scratch") / "weights" / "builtin.safetensors"


def checkpoint() -> Checkpoint:
    tokenizer = Tokenizer(vocabulary(["I", "ate", "사과를"], ["사과"], ["를"]))
    config = Config(len(tokenizer.vocabulary), d=8, h=2, ff=12, encoder_layers=2, decoder_layers=1)
    random = np.random.default_rng(0)
    weights = map_tree(lambda _, shape: random.normal(size=shape).astype(np.float32), transformer.shapes(config))
    return Checkpoint(config, weights, tokenizer)


def test_a_model_comes_back_rounded_to_float16_and_ready_in_float32(tmp_path):
    made = checkpoint()
    (tmp_path / "m.safetensors").write_bytes(to_bytes(made))
    back = read(tmp_path / "m.safetensors")
    assert back.config == made.config
    assert back.tokenizer.vocabulary == made.tokenizer.vocabulary
    assert [name for name, _ in named(back.weights)] == [name for name, _ in named(made.weights)]
    for (_, ours), (_, theirs) in zip(named(made.weights), named(back.weights), strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_array_equal(theirs, ours.astype(np.float16).astype(np.float32))
    again = load(to_bytes(back))
    assert all((again[name] == array).all() for name, array in load(to_bytes(made)).items())


def test_leaves_are_named_by_their_path():
    names = [name for name, _ in named(checkpoint().weights)]
    assert {"E", "encoder.1.self.W_Q", "decoder.0.cross_norm.gain", "decoder.0.ff.b_2"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("metadata", "error"), [(None, KeyError), ({"format": "pt"}, KeyError), ({"config": "{}"}, (KeyError, TypeError))]
)
def test_another_safetensors_file_is_refused(metadata, error, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(save({"E": np.zeros(3)}, metadata=metadata))
    with pytest.raises(error):
        read(tmp_path / "m.safetensors")


def test_a_file_of_another_size_is_not_read(tmp_path):
    made = checkpoint()
    smaller = Checkpoint(made.config, {**made.weights, "encoder": made.weights["encoder"][:1]}, made.tokenizer)
    (tmp_path / "m.safetensors").write_bytes(to_bytes(smaller))
    with pytest.raises(Exception, match=r"encoder\.1"):
        read(tmp_path / "m.safetensors")


def test_the_shipped_file_is_small_and_float16_and_nothing_but_weights():
    data = SHIPPED.read_bytes()
    assert len(data) <= 4_000_000
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
