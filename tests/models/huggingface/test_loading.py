"""Loading from whole and damaged folders and files, code that can run, and tokenizers given by the user."""

import json
import shutil
import sys
from pathlib import Path

import fake_hub
import pytest
import tiny_models
import torch
import transformers
from load_checks import TEXT, configure, refused, same
from safetensors.torch import load_file, save_file

import attnviz
from attnviz.errors import ModelError

TOKENIZER = ["tokenizer.json", "tokenizer_config.json"]


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])


def pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def without_a_shard(folder: Path) -> None:
    model = transformers.AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    next(folder.glob("model-00002*")).unlink()


def with_a_shard_cut(folder: Path) -> None:
    model = transformers.AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    shard = next(folder.glob("model-00002*"))
    shard.write_bytes(shard.read_bytes()[:300])


def without_tokenizer(folder: Path) -> None:
    for name in TOKENIZER:
        (folder / name).unlink()


def without_half_its_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "layer.2" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def of_another_model(folder: Path) -> None:
    save_file({"x": torch.zeros(2)}, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "message", "hint"),
    [
        (cut, "the weights of {} cannot be read", "cut short"),
        (pointer, "the weights of {} cannot be read", "git lfs pull"),
        (without_a_shard, "a part of the weights of {} is missing: model-00002-of", "index"),
        (with_a_shard_cut, "the weights of {} cannot be read: model-00002-of", "cut short"),
        (without_tokenizer, "{} has no tokenizer", "tokenizer.json"),
        (without_half_its_weights, "lacks 16 of the 53 weights of a BertModel: encoder.layer.2.", "of one model"),
        (of_another_model, "lacks 53 of the 53 weights", "of one model"),
        (lambda folder: (folder / "model.safetensors").unlink(), "{} has no weights", "model.safetensors"),
        (lambda folder: (folder / "config.json").write_text("{"), "the config.json of {} is not JSON", "cut short"),
        (
            lambda folder: (folder / "tokenizer.json").write_text('{"a'),
            "the tokenizer.json of {} is not JSON",
            "cut short",
        ),
        (lambda folder: configure(folder, model_type="bert17"), "of the type bert17", "pip install -U transformers"),
        (lambda folder: configure(folder, hidden_size=64), "other shapes", "of one model"),
        (lambda folder: configure(folder, num_attention_heads="four"), "{}", "text model"),
    ],
)
def test_the_error_for_a_damaged_folder_names_the_fault(folder, damage, message, hint):
    damage(folder)
    error = refused(folder)
    assert message.format(folder) in error.message
    assert hint in error.hint


def test_weights_that_the_configuration_has_no_place_for_are_not_passed_over(tmp_path):
    folder = tiny_models.save("llama", tmp_path / "llama")
    whole = load_file(folder / "model.safetensors")
    biases = {f"layers.{layer}.self_attn.q_proj.bias": torch.ones(32) for layer in range(3)}
    save_file({**whole, **biases}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"has 3 weights that its LlamaModel does not have: "):
        attnviz.load(folder)
    save_file(whole, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    guesses_ahead = {"num_hidden_layers": 2, "num_nextn_predict_layers": 1}  # by the third, which is no layer of it
    (folder / "config.json").write_text(json.dumps(config | guesses_ahead))
    assert len(attnviz.trace(TEXT, folder).attentions[0].layers) == 2
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    with pytest.raises(ModelError, match=r"has 18 weights that its LlamaModel does not have: layers\.1\."):
        attnviz.load(folder)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("llama", "layers.0.self_attn.q_norm.weight"),
        ("llama", "model.layers.1.self_attn.k_norm.weight"),
        ("llama", "layers.1.self_attn.sinks"),
        ("llama", "layers.2.pre_feedforward_layernorm.weight"),
        ("bert", "encoder.layer.0.attention.self.q_bias"),
        ("bert", "bert.embeddings.embedding_norm.weight"),
    ],
)
def test_a_part_of_a_layer_or_of_the_embeddings_that_the_class_does_not_build_is_not_passed_over(kind, name, tmp_path):
    folder = tiny_models.save(kind, tmp_path / kind)
    whole = load_file(folder / "model.safetensors")
    save_file({**whole, name: torch.ones(8)}, folder / "model.safetensors", {"format": "pt"})
    error = refused(folder)
    assert "has 1 weights that its" in error.message
    assert error.message.endswith(name.removeprefix("model.").removeprefix("bert."))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("llama", "layers.0.self_attn.rotary_emb.inv_freq"),
        ("llama", "lm_head.weight"),
        ("gpt2", "h.0.attn.bias"),
        ("gpt2", "h.0.attn.masked_bias"),
        ("bert", "embeddings.position_ids"),
        ("bert", "cls.predictions.transform.dense.weight"),
        ("bert", "bert.pooler.extra.weight"),
        ("bert", "classifier.weight"),
    ],
)
def test_a_head_or_a_buffer_of_an_old_model_can_be_left_over(kind, name, tmp_path):
    folder = tiny_models.save(kind, tmp_path / kind)
    expected = attnviz.trace(TEXT, folder)
    whole = load_file(folder / "model.safetensors")
    save_file({**whole, name: torch.ones(8)}, folder / "model.safetensors", {"format": "pt"})
    assert same(attnviz.trace(TEXT, folder), expected)


def test_a_pooler_can_be_missing(folder, whole):
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "pooler" not in name}
    assert len(kept) == len(weights) - 2
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert same(attnviz.trace(TEXT, folder), attnviz.trace(TEXT, whole))


@pytest.mark.parametrize("said", [True, False])
def test_an_encoder_published_without_its_decoder_is_traced(said, tmp_path):
    model = transformers.T5EncoderModel(tiny_models.build("t5").config).eval()
    model.save_pretrained(tmp_path)
    configure(tmp_path, is_encoder_decoder=said)
    trace = attnviz.trace(TEXT, tmp_path, tokenizer=tiny_models.tokenizer())
    assert trace.kinds == ("self",)
    assert same(trace, attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer()))


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize(
    "named",
    ["flash_attention_2", "flex_attention", "paged|flash_attention_2", "no_such", "org/kernel", 7, {"": "no_such"}],
    ids=str,
)
def test_the_attention_function_named_in_a_checkpoint_is_ignored(folder, whole, key, named):
    configure(folder, **{key: named}, output_attentions=True)
    assert same(attnviz.trace(TEXT, folder), attnviz.trace(TEXT, whole))


def test_nor_is_it_that_of_a_part_of_its_configuration(tmp_path):
    parts = {
        "text_config": tiny_models.build("llama").config.to_dict(),
        "vision_config": {**_PICTURES, "model_type": "siglip_vision_model"},
    }
    model = transformers.LlavaForConditionalGeneration(transformers.LlavaConfig(**parts, image_token_index=319))
    model.save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    expected = attnviz.trace(TEXT, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for part in ("text_config", "vision_config"):
        config[part] |= {"attn_implementation": "flash_attention_2", "_attn_implementation": "no_such"}
    configure(tmp_path, **config, _attn_implementation={"text_config": "flash_attention_2"})
    assert same(attnviz.trace(TEXT, tmp_path), expected)


_PART = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
_PICTURES = {**_PART, "image_size": 16, "patch_size": 8}
_SPEECH = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "pad_token_id": 0, "vocab_size": 320}
_SPEECH |= {"bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
_SPEECH |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
OTHER_MODELS = {
    "vit": lambda: transformers.ViTModel(transformers.ViTConfig(**_PICTURES)),
    "clip": lambda: transformers.CLIPModel(
        transformers.CLIPConfig(text_config={**_PART, "vocab_size": 320}, vision_config=_PICTURES)
    ),
    "Whisper": lambda: transformers.WhisperModel(transformers.WhisperConfig(**_SPEECH)),
}


@pytest.mark.parametrize("kind", OTHER_MODELS)
def test_a_model_of_pictures_or_speech_is_refused_by_name(kind, tmp_path):
    OTHER_MODELS[kind]().save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    assert f"{tmp_path} is a {kind} model" in refused(tmp_path).message


def test_a_folder_has_no_revisions(whole):
    assert "has no revision v3" in refused(whole, revision="v3").message


def test_weights_in_pytorchs_own_form_go_through_its_safe_loader(folder, whole):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert same(attnviz.trace(TEXT, folder), attnviz.trace(TEXT, whole))


CODE = """
import pathlib
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
pathlib.Path({ran!r}).touch()
class MyConfig(BertConfig):
    model_type = "mine"
class MyModel(BertModel):
    config_class = MyConfig
class MyTokenizer(PreTrainedTokenizerFast): pass
"""


@pytest.fixture
def code(folder, tmp_path, monkeypatch) -> Path:
    """The file that exists once the Python code of `folder` has run."""
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (folder / "mine.py").write_text(CODE.format(ran=str(tmp_path / "ran")))
    return tmp_path / "ran"


def test_a_models_code_runs_only_where_it_is_trusted(folder, code):
    configure(folder, model_type="mine", auto_map={"AutoConfig": "mine.MyConfig", "AutoModel": "mine.MyModel"})
    error = refused(folder)
    assert "its own Python code" in error.message
    assert "--trust-remote-code" in error.hint
    assert not code.exists()
    assert attnviz.trace(TEXT, folder, trust_remote_code=True).kinds == ("self",)
    assert code.exists()


def test_a_tokenizers_code_runs_only_where_it_is_trusted(folder, code):
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings |= {"auto_map": {"AutoTokenizer": [None, "mine.MyTokenizer"]}, "tokenizer_class": "MyTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    attnviz.load(folder)
    attnviz.load(tiny_models.build("bert"), tokenizer=folder)
    assert not code.exists()
    attnviz.load(tiny_models.build("bert"), tokenizer=folder, trust_remote_code=True)
    assert code.exists()


def test_a_tokenizer_is_given_as_an_object_a_folder_or_a_name(whole, cache, tmp_path):
    without_tokenizer(shutil.copytree(whole, tmp_path / "bare"))
    alone = tmp_path / "alone"
    tiny_models.tokenizer().save_pretrained(alone)
    fake_hub.put(cache, "org/tokenizer", [*alone.iterdir(), whole / "config.json"])
    expected = attnviz.trace(TEXT, whole)
    for model in (tmp_path / "bare", transformers.AutoModel.from_pretrained(whole)):
        for tokenizer in (tiny_models.tokenizer(), alone, str(alone), "org/tokenizer"):
            trace = attnviz.trace(TEXT, model, tokenizer=tokenizer)
            assert same(trace, expected)
            assert [token.text for token in trace["self"].queries] == [t.text for t in expected["self"].queries]
