"""Where the weights go."""

import accelerate.utils
import pytest
import tiny_models
import torch
import transformers
from load_checks import TEXT, refused, same

import attnviz
from attnviz.models.huggingface import devices

LAYERS = {f"encoder.layer.{layer}": where for layer, where in enumerate(("cpu", "disk", "cpu"))}
EMBEDDING = [f"decoder.{part}" for part in ("embed_tokens", "embed_positions", "layernorm_embedding")]
MAPS = {
    "bert": [
        "auto",
        {"embeddings": "cpu", "pooler": "disk", **LAYERS},
        {"embeddings": "disk", "encoder": "disk", "pooler": "cpu"},
    ],
    "bart": [
        {f"model.{part}": "cpu" for part in ("shared", "encoder", *EMBEDDING)}
        | {"model.decoder.layers": "disk", "lm_head": "cpu", "final_logits_bias": "cpu"},
        {"model": "disk", "lm_head": "disk", "final_logits_bias": "cpu"},
    ],
}


@pytest.mark.parametrize(("kind", "device_map"), [(kind, one) for kind, maps in MAPS.items() for one in maps])
def test_a_model_that_is_spread_gives_the_same_attention(kind, device_map, tmp_path, capfd):
    folder = tiny_models.save(kind, tmp_path / kind)
    expected = attnviz.trace(TEXT, folder)
    capfd.readouterr()
    trace = attnviz.trace(TEXT, folder, device_map=device_map)
    assert same(trace, expected)
    assert trace.target == expected.target
    places = ["cpu"] if device_map == "auto" else dict.fromkeys(device_map.values())
    assert trace.provenance["device"] == ", ".join(places)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("free", "places"), [(130_000, {"cpu", "disk"}), (10**9, {"cpu"})])
def test_a_model_larger_than_the_gpu_is_spread_over_free_memory(free, places, whole, monkeypatch):
    """A GPU is feigned: its place is taken by memory, and that of memory by the disk."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(accelerate.utils, "get_max_memory", lambda: {"cpu": free})
    chosen, options = devices.placement("auto", None)
    assert (chosen, options) == ("", {"device_map": "sequential", "max_memory": {"cpu": int(0.9 * free)}})
    monkeypatch.undo()
    model = transformers.AutoModel.from_pretrained(whole, **options)
    assert set(devices.devices(model)) == places
    assert same(attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer()), attnviz.trace(TEXT, whole))


def test_inputs_go_to_the_first_device_that_computes():
    model = tiny_models.build("bert")
    assert devices.input_device(model) == torch.device("cpu")
    model.hf_device_map = {"embeddings": "cpu", "encoder": 1, "pooler": 0}
    assert devices.input_device(model) == torch.device("cuda:1")
    assert devices.devices(model) == ["cpu", "cuda:1", "cuda:0"]


def test_without_accelerate_the_gpu_is_taken_whole_and_a_map_is_refused(whole, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(devices, "find_spec", lambda name: None)
    assert devices.placement(None, None) == ("cuda", {})
    assert devices.placement("cuda:1", None) == ("cuda:1", {})
    error = refused(whole, device_map="auto")
    assert "accelerate" in error.message
    assert error.hint == "pip install accelerate"


def test_a_device_and_a_map_together_or_a_map_with_gaps_are_refused(whole):
    assert "both" in refused(whole, device="cpu", device_map="auto").message
    assert "cannot be spread so" in refused(whole, device_map={"embeddings": "disk"}).message


def test_the_error_for_a_gpu_that_is_too_small_has_a_hint(whole, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr(transformers.BertModel, "to", full)
    error = refused(whole, device="cpu")
    assert "is larger than the device" in error.message
    assert "--device auto" in error.hint
