"""A model without sizes, or much larger than its weights, is refused before it takes memory."""

import json
import resource
import time
from pathlib import Path

import gguf_files
import numpy as np
import pytest
import torch
from load_checks import TEXT, configure, refused
from safetensors.numpy import load_file, save_file
from transformers import CONFIG_MAPPING, BertConfig

import attnviz
from attnviz.errors import ModelError
from attnviz.models.huggingface.sizes import Weights, no_larger_than, require_sizes_named, weights_in

NAMES = {
    "bert": ["hidden_size", "num_hidden_layers", "num_attention_heads"],
    "gpt2": ["n_embd", "n_layer", "n_head"],
    "t5": ["d_model", "num_layers", "num_heads"],
    "distilbert": ["dim", "n_layers", "n_heads"],
    "mamba": ["hidden_size", "num_hidden_layers"],
}


@pytest.fixture(autouse=True)
def little_memory():
    """No test may take the gigabytes that a model of the default size would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = taken + 3 * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("kind", NAMES)
def test_a_configuration_without_its_sizes_is_refused_by_its_own_names(kind, folder):
    (folder / "config.json").write_text(json.dumps({"model_type": kind, "vocab_size": 64}))
    error = refused(folder)
    assert f"the config.json of {folder} does not say its sizes: it lacks {', '.join(NAMES[kind])}" in error.message


@pytest.mark.parametrize("lacking", NAMES["bert"])
def test_one_missing_size_is_enough_to_refuse_a_configuration(lacking, folder):
    config = json.loads((folder / "config.json").read_text())
    del config[lacking]
    (folder / "config.json").write_text(json.dumps(config))
    assert refused(folder).message.endswith(f"it lacks {lacking}")


@pytest.mark.parametrize("kind", [*NAMES, "llama", "bart", "xlnet", "llava", "clip"])
def test_configurations_written_by_transformers_have_all_sizes(kind):
    require_sizes_named(json.loads(CONFIG_MAPPING[kind]().to_json_string()), kind)


def test_a_size_under_an_old_name_is_found():
    require_sizes_named({"model_type": "bloom", "n_embed": 1024, "n_layer": 24, "num_attention_heads": 16}, "bloom")


def test_a_configuration_with_its_own_code_or_with_parts_is_not_checked():
    require_sizes_named({"model_type": "bert", "auto_map": {"AutoConfig": "x.Mine"}}, "mine")
    require_sizes_named({"model_type": "llava", "text_config": {"model_type": "llama"}}, "llava")


@pytest.mark.parametrize(
    "size",
    [{"num_hidden_layers": 10**9}, {"num_labels": 10**9}, {"hidden_size": 10**5}, {"intermediate_size": 10**7}],
    ids=str,
)
def test_a_model_that_is_far_larger_than_its_weights_is_refused_at_once(size, folder):
    configure(folder, **size)
    start = time.monotonic()
    message = refused(folder).message
    assert time.monotonic() - start < 20
    assert "much larger than its weights" in message or "which no model has" in message


def test_so_is_one_of_a_hundred_thousand_layers(folder):
    configure(folder, num_hidden_layers=100_000)
    assert "much larger than its weights, which are " in refused(folder).message


def test_a_pickle_is_measured_by_its_file(folder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save({name: torch.from_numpy(weight) for name, weight in weights.items()}, folder / "pytorch_model.bin")
    attnviz.load(folder)
    configure(folder, hidden_size=10**5)
    assert "much larger than its weights" in refused(folder).message


def test_a_gguf_file_that_claims_more_than_it_holds_is_refused(tmp_path):
    sizes = {"embedding_length": 4096, "feed_forward_length": 11008, "block_count": 3, "vocab_size": 32000}
    sizes |= {"attention.head_count": 32, "attention.head_count_kv": 32}
    names = ("token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight", "blk.2.attn_norm.weight")
    tensors = {name: np.zeros(32, np.float32) for name in names}
    path = gguf_files.write(
        tmp_path / "x.gguf", more={f"llama.{key}": size for key, size in sizes.items()}, tensors=tensors
    )
    assert "much larger than its weights, which are 128 numbers in 4 tensors" in refused(path).message


def test_the_number_of_weights_in_files_is_known(tmp_path):
    assert weights_in(tmp_path) is None
    save_file({"a": np.zeros((2, 3), np.float32), "b": np.zeros(5, np.float16)}, tmp_path / "1.safetensors")
    save_file({"packed": np.zeros(10, np.uint8)}, tmp_path / "2.safetensors")
    assert weights_in(tmp_path) == Weights(3, 6 + 5 + 40)


def test_other_models_are_not_counted_once_it_is_made(whole: Path):
    with no_larger_than(lambda: Weights(1, 1), "small"):
        torch.nn.Linear(4, 4)
    torch.nn.Linear(10_000, 10_000, device="meta")
    attnviz.trace(TEXT, whole)


def test_a_model_without_known_weights_can_have_any_size():
    with no_larger_than(lambda: None, "unknown"), torch.device("meta"):
        assert torch.nn.Linear(100_000, 100_000).weight.numel() == 10**10
    assert BertConfig().num_hidden_layers == 12


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"attention.head_count": 5}, "embedding_length is 32 and its llama.attention.head_count 5, which does not"),
        ({"attention.head_count_kv": 3}, "head_count is 4 and its llama.attention.head_count_kv 3, which does not"),
        ({"attention.head_count": 0}, "says that its llama.attention.head_count is 0"),
        ({"attention.head_count_kv": 0}, "says that its llama.attention.head_count_kv is 0"),
        ({"attention.head_count_kv": "x"}, "says that its llama.attention.head_count_kv is 'x'"),
        ({"attention.head_count": 8}, "have other shapes than the metadata says"),
    ],
)
def test_the_error_for_wrong_sizes_in_a_gguf_file_names_its_metadata(said, message, tmp_path):
    file = gguf_files.write(tmp_path / "x.gguf", more={f"llama.{key}": value for key, value in said.items()})
    error = refused(file)
    assert message in error.message
    assert "config.json" not in str(error)


def test_a_chunk_of_a_head_can_be_0():
    raw = {"model_type": "reformer", "chunk_size_lm_head": 0, "hidden_size": 8, "attn_layers": ["local"]}
    require_sizes_named(raw | {"num_attention_heads": 2, "vocab_size": 40}, "x")
    with pytest.raises(ModelError, match="num_attention_heads: 0"):
        require_sizes_named(raw | {"num_attention_heads": 0, "vocab_size": 40}, "x")
