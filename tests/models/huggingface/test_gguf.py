"""A .gguf file: how it is recognised, its parts, and files that are not models, are damaged or lack sizes."""

import struct
from pathlib import Path

import gguf
import gguf_files
import numpy as np
import pytest
import torch
from load_checks import TEXT, refused, same
from transformers import Lfm2Config, Lfm2Model

import attnviz
from attnviz.errors import ModelError
from attnviz.models import model_files
from attnviz.models.huggingface import gguf as ours
from attnviz.models.huggingface.gguf import one_parse
from attnviz.models.huggingface.model import HuggingFaceModel


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return gguf_files.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("split")
    gguf_files.write(folder / "tiny.gguf", split_max_tensors=8)
    return sorted(folder.iterdir())


def test_a_file_is_read_once_and_the_package_left_as_it_was(smollm2_file, monkeypatch):
    read, before = [], (gguf.GGUFReader, gguf.get_tensor_name_map)
    read_header = ours.read_header
    monkeypatch.setattr(ours, "read_header", lambda path: read.append(path) or read_header(path))
    model = HuggingFaceModel.load(smollm2_file)
    assert len(read) == 1
    assert model.model.config.num_hidden_layers == 30
    assert (gguf.GGUFReader, gguf.get_tensor_name_map) == before


def fail(patched):
    assert patched
    raise ModelError("no")


def test_the_package_is_left_as_it_was_on_an_error():
    before = gguf.GGUFReader, gguf.get_tensor_name_map
    with pytest.raises(ModelError), one_parse():
        fail(gguf.GGUFReader is not before[0])
    assert (gguf.GGUFReader, gguf.get_tensor_name_map) == before


def test_the_header_is_the_same_as_that_of_the_package_gguf(smollm2_file):
    theirs, read = gguf.GGUFReader(smollm2_file), ours.as_gguf_reader(smollm2_file)
    assert [tensor.name for tensor in read.tensors] == [tensor.name for tensor in theirs.tensors]
    for tensor, their in zip(read.tensors, theirs.tensors, strict=True):
        assert (tensor.tensor_type, tensor.data.dtype) == (their.tensor_type, their.data.dtype)
        assert np.array_equal(tensor.data, their.data)
    fields = ours.read(smollm2_file).fields
    assert set(fields) == {key for key in theirs.fields if not key.startswith("GGUF.")}
    for key in ("general.architecture", "llama.block_count", "tokenizer.ggml.tokens", "tokenizer.ggml.add_bos_token"):
        assert fields[key].value == theirs.fields[key].contents(), key
    assert fields["tokenizer.ggml.token_type"].value.tolist() == theirs.fields["tokenizer.ggml.token_type"].contents()
    ours.read.cache_clear()


@pytest.mark.parametrize("name", ["TINY.GGUF", "sha256-0123456789abcdef", "model.bin"])
def test_a_file_is_known_by_its_first_bytes(name, file, tmp_path):
    (tmp_path / name).write_bytes(file.read_bytes())
    trace = attnviz.trace(TEXT, tmp_path / name)
    assert same(trace, attnviz.trace(TEXT, file))
    assert trace.provenance["dtype"] == "float32"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_all_parts_are_read_if_any_part_is_named(part, split, file):
    assert [path.name for path in split] == [f"tiny-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    trace = attnviz.trace(TEXT, split[part])
    assert same(trace, attnviz.trace(TEXT, file))
    assert trace.model == "tiny"
    assert sorted(model_files(str(split[part]))) == split


NAMES_IN_LFM2 = {
    "embed_tokens": "token_embd", "embedding_norm": "token_embd_norm", "layers.": "blk.", "operator_norm": "attn_norm",
    "self_attn.q_layernorm": "attn_q_norm", "self_attn.k_layernorm": "attn_k_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.out_proj": "attn_output",
    "feed_forward.w1": "ffn_gate", "feed_forward.w2": "ffn_down", "feed_forward.w3": "ffn_up",
    "conv.in_proj": "shortconv.in_proj", "conv.out_proj": "shortconv.out_proj", "conv.conv": "shortconv.conv",
}  # fmt: skip


def test_so_are_those_of_an_architecture_that_transformers_reads_in_its_newer_way(tmp_path):
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    layers = {"num_hidden_layers": 2, "layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False}
    torch.manual_seed(0)
    model = Lfm2Model(Lfm2Config(vocab_size=267, **sizes, **layers, attn_implementation="eager")).eval()
    tensors = {}
    for name, weight in model.state_dict().items():
        for theirs, own in NAMES_IN_LFM2.items():
            name = name.replace(theirs, own)
        tensors[name] = weight.squeeze(1).numpy() if "shortconv.conv" in name else weight.numpy()
    more = {"lfm2.attention.head_count_kv": [0, 2], "lfm2.shortconv.l_cache": 3, "lfm2.rope.freq_base": 1e6}
    gguf_files.write(tmp_path / "x.gguf", architecture="lfm2", tensors=tensors, more=more, split_max_tensors=6)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) > 2
    for path in (paths[0], paths[-1]):
        attention = attnviz.trace(TEXT, path)["masked-self"]
        ids = torch.tensor([[token.id for token in attention.queries]])
        with torch.no_grad():
            expected = model(ids, output_attentions=True).attentions
        assert attention.layers == (1,)
        np.testing.assert_allclose(attention.weights(1), expected[-1][0].numpy(), atol=1e-5)


def copied(paths: list[Path], folder: Path) -> list[Path]:
    for path in paths:
        (folder / path.name).write_bytes(path.read_bytes())
    return [folder / path.name for path in paths]


def test_a_missing_part_is_named(split, tmp_path):
    for path in copied(split[:2], tmp_path):
        assert refused(path).message == f"{tmp_path / 'tiny'} lacks 1 of its 3 parts: tiny-00003-of-00003.gguf"


def test_parts_that_were_renamed_or_are_of_two_models_are_refused(split, tmp_path):
    one, two, _ = copied(split, tmp_path)
    one.rename(tmp_path / "kept")
    two.rename(one)
    (tmp_path / "kept").rename(two)
    assert "says that it is part 2 of 3, and its name says part 1" in refused(one).message
    alone = two.rename(tmp_path / "alone.gguf")
    assert "says that it is part 1 of 3, and its name says part 1 of 1" in refused(alone).message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"split.no": "one"}, "says that it is part 'one' of 1"),
        ({"split.count": [1, 2]}, "says that it is part 0 of "),
        ({"split.count": 3}, "says that it is part 1 of 3, and its name says part 1 of 1"),
        ({"llama.rope.scaling.type": [1, 2], "llama.block_count": "x"}, "says that its llama.block_count is 'x'"),
        ({"tokenizer.ggml.add_bos_token": [1, 2]}, "cannot load the tokenizer"),
        ({"tokenizer.ggml.pre": [1, 2], "tokenizer.ggml.model": "gpt2"}, "cannot load the tokenizer"),
    ],
)
def test_a_value_of_another_type_is_refused(more, message, tmp_path):
    assert message in refused(gguf_files.write(tmp_path / "x.gguf", more=more)).message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(value, tmp_path):
    path = gguf_files.write(tmp_path / "x.gguf", more={"llama.rope.freq_base": value})
    assert f"llama.rope.freq_base is {value}, which is not a finite number" in refused(path).message


def test_parts_of_two_models_are_refused(split, tmp_path):
    first, *_ = copied(split, tmp_path)
    (tmp_path / "other").mkdir()
    tensors = {"a": np.zeros(32, np.float32), "b": np.zeros(32, np.float32), "c": np.zeros(32, np.float32)}
    gguf_files.write(tmp_path / "other" / "tiny.gguf", tensors=tensors, split_max_tensors=1)
    (tmp_path / "other" / "tiny-00003-of-00003.gguf").replace(tmp_path / "tiny-00003-of-00003.gguf")
    assert "are not of one model" in refused(first).message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"general.type": "adapter"}, "is an adapter, not a whole model"),
        ({"adapter.lora.alpha": 16.0}, "is an adapter, not a whole model"),
        ({"general.type": "imatrix"}, "is an importance matrix"),
        ({"general.type": "mmproj"}, "reads pictures"),
    ],
)
def test_the_error_for_a_file_that_is_not_a_model_says_what_it_is(more, message, tmp_path):
    adapter = {"blk.0.attn_q.weight.lora_a": np.zeros((2, 32), np.float32)}
    path = gguf_files.write(tmp_path / "x.gguf", more=more, without=list(gguf_files.SIZES), tensors=adapter)
    assert message in refused(path).message


def test_an_adapter_is_known_by_its_tensors_too(tmp_path):
    tensors = {"blk.0.attn_q.weight.lora_a": np.zeros((2, 32), np.float32)}
    assert "is an adapter" in refused(gguf_files.write(tmp_path / "x.gguf", tensors=tensors)).message


def test_a_file_with_only_a_vocabulary_is_refused(tmp_path):
    assert (
        "has no weights: it may be only a vocabulary"
        in refused(gguf_files.write(tmp_path / "x.gguf", tensors={})).message
    )


@pytest.mark.parametrize("lacking", ["block_count", "embedding_length", "feed_forward_length", "attention.head_count"])
def test_metadata_that_lacks_a_size_is_refused(lacking, tmp_path):
    error = refused(gguf_files.write(tmp_path / "x.gguf", without=[f"llama.{lacking}"]))
    assert f"does not say its sizes: it lacks llama.{lacking}" in error.message


def test_metadata_without_any_size_names_all(tmp_path):
    lacking = [f"llama.{key}" for key in gguf_files.SIZES] + ["tokenizer.ggml.tokens"]
    error = refused(gguf_files.write(tmp_path / "x.gguf", without=lacking))
    for key in set(lacking) - {"llama.context_length", "llama.attention.head_count_kv"}:
        assert key in error.message


def test_keys_and_values_without_their_own_number_of_heads_have_that_of_the_queries(tmp_path):
    tensors = gguf_files.weights(gguf_files.SIZES | {"attention.head_count_kv": 4}, 267)
    path = gguf_files.write(tmp_path / "x.gguf", without=["llama.attention.head_count_kv"], tensors=tensors)
    assert HuggingFaceModel.load(path).model.config.num_key_value_heads == 4


@pytest.mark.parametrize("layers", [1, 3, 10**9])
def test_a_model_of_more_layers_or_fewer_than_it_holds_is_refused_before_it_is_built(layers, tmp_path):
    path = gguf_files.write(tmp_path / "x.gguf", more={"llama.block_count": layers})
    assert f"says that it has {layers} layers, and holds 2" in refused(path).message


@pytest.mark.parametrize(("name", "size"), [("attn_q.bias", 32), ("attn_k.bias", 16), ("attn_q_norm.weight", 8)])
def test_weights_of_attention_that_transformers_leaves_out_are_not_passed_over(name, size, tmp_path):
    more = {f"blk.{layer}.{name}": np.ones(size, np.float32) for layer in (0, 1)}
    path = gguf_files.write(tmp_path / "x.gguf", tensors=gguf_files.weights(gguf_files.SIZES, 267) | more)
    assert f"x.gguf has blk.0.{name} and 1 more such, which transformers leaves out" in refused(path).message


def test_nor_is_the_bias_of_an_output_beside_those_of_queries_keys_and_values(tmp_path):
    biases = {
        f"blk.{layer}.attn_{name}.bias": size for layer in (0, 1) for name, size in {"q": 32, "k": 16, "v": 16}.items()
    }
    tensors = gguf_files.weights(gguf_files.SIZES, 267) | {
        name: np.ones(size, np.float32) for name, size in biases.items()
    }
    path = gguf_files.write(tmp_path / "x.gguf", architecture="qwen2", tensors=tensors)
    assert attnviz.trace(TEXT, path).kinds == ("masked-self",)
    tensors |= {f"blk.{layer}.attn_output.bias": np.ones(32, np.float32) for layer in (0, 1)}
    gguf_files.write(path, architecture="qwen2", tensors=tensors)
    assert "x.gguf has blk.0.attn_output.bias and 1 more such" in refused(path).message


@pytest.mark.parametrize(
    "tensor", ["attn_qkv.bias", "attn_sinks.weight", "ffn_down.bias", "post_attention_norm.weight", "attn_q.scale"]
)
def test_nor_is_any_other_tensor_of_a_layer(tensor, tmp_path):
    tensors = gguf_files.weights(gguf_files.SIZES, 267) | {f"blk.0.{tensor}": np.ones(32, np.float32)}
    error = refused(gguf_files.write(tmp_path / "x.gguf", tensors=tensors))
    assert f"x.gguf has blk.0.{tensor} and 0 more such, which transformers leaves out" in error.message


@pytest.mark.parametrize("value", ["many", -1.0, True])
def test_an_invalid_size_is_refused(value, tmp_path):
    path = gguf_files.write(tmp_path / "x.gguf", more={"llama.embedding_length": value})
    assert "llama.embedding_length is " in refused(path).message


def begun(version: int, *, order: str = "<") -> bytes:
    return b"GGUF" + struct.pack(f"{order}IQQ", version, 0, 0)


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (b"", "it ends too early", "whole"),
        (b"hello, I am no model at all", "does not begin as a .gguf file", "whole"),
        (b"GGUF", "it ends too early", "whole"),
        (b"GGUF\3\0\0\0", "it ends too early", "whole"),
        (begun(1), "it is of version 1 of the format", "Convert"),
        (begun(9), "it is of version 9 of the format", "newer"),
        (begun(3, order=">"), "big-endian", "gguf-convert-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**62, 0), "it ends too early", "whole"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**62), "it ends too early", "whole"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63), "it ends too early", "whole"),
        (b"GGUF" + struct.pack("<IQQQ1sI", 3, 0, 1, 1, b"\xff", 4), "not UTF-8", "whole"),
        # An array that says that it is of 10¹² numbers.
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 4, 10**12), "it ends too early", "whole"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 8, 10**12), "it ends too early", "whole"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 9, 1), "unknown type 9", "whole"),
        # A tensor of 2⁶⁰ × 2⁶⁰ numbers.
        (b"GGUF" + struct.pack("<IQQQ1sIQQIQ", 3, 1, 0, 1, b"t", 2, 2**60, 2**60, 0, 0), "ends before its", "whole"),
        (b"GGUF" + struct.pack("<IQQQ1sIQIQ", 3, 1, 0, 1, b"t", 1, 32, 999, 0), "is of type 999", "gguf"),
    ],
)
def test_a_broken_file_is_refused_by_its_own_name(data, message, hint, tmp_path):
    (tmp_path / "broken.gguf").write_bytes(data)
    error = refused(tmp_path / "broken.gguf")
    assert f"cannot read the header of {tmp_path / 'broken.gguf'}: " in error.message
    assert message in error.message
    assert hint in error.hint


def test_a_file_cut_short_is_refused_wherever_it_ends(file, tmp_path):
    data = file.read_bytes()
    for end in (6, 20, 200, 4000, len(data) // 2, len(data) - 4000):
        (tmp_path / "cut.gguf").write_bytes(data[:end])
        assert "ends" in refused(tmp_path / "cut.gguf").message


def test_a_file_of_an_architecture_that_cannot_be_read_is_refused(tmp_path):
    path = gguf_files.write(tmp_path / "odd.gguf", architecture="odd")
    assert "holds a odd model" in refused(path).message
