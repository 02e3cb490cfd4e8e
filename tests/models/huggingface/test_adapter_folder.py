"""A folder that holds an adapter of peft: it is loaded with its base, exactly as peft loads them, or not at all."""

import json
import pickle
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import peft
import pytest
import tiny_models
import torch
import transformers
from fake_hub import COMMIT, put
from load_checks import TEXT, change, refused
from safetensors.torch import load_file, save_file
from tiny_adapters import TARGET, eager, weights

import attnviz
from attnviz.errors import AttnvizError
from attnviz.kinds import KINDS
from attnviz.models import model_files
from attnviz.models.huggingface import pattern_check

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")  # of peft

CLASSES = {
    "CAUSAL_LM": transformers.AutoModelForCausalLM,
    "SEQ_CLS": transformers.AutoModelForSequenceClassification,
    "SEQ_2_SEQ_LM": transformers.AutoModelForSeq2SeqLM,
    "FEATURE_EXTRACTION": transformers.AutoModel,
    None: transformers.AutoModelForMaskedLM,
}
LORA = (peft.LoraConfig, {"r": 4, "lora_alpha": 32})
CASES = {
    "LoRA": ("llama", "CAUSAL_LM", *LORA, ["q_proj", "k_proj"]),
    "LoRA by a pattern": ("llama", "CAUSAL_LM", *LORA, r".*\.[01]\.self_attn\.[qk]_proj"),
    "DoRA": ("llama", "CAUSAL_LM", peft.LoraConfig, {"use_dora": True}, ["q_proj"]),
    "PiSSA": ("llama", "CAUSAL_LM", peft.LoraConfig, {"init_lora_weights": "pissa"}, ["q_proj"]),
    "AdaLoRA": ("llama", "CAUSAL_LM", peft.AdaLoraConfig, {"total_step": 10}, ["q_proj"]),
    "VeRA": ("llama", "CAUSAL_LM", peft.VeraConfig, {"r": 4}, ["q_proj"]),
    "IA3": ("llama", "CAUSAL_LM", peft.IA3Config, {"feedforward_modules": []}, ["k_proj"]),
    "prompt tuning": ("llama", "CAUSAL_LM", peft.PromptTuningConfig, {"num_virtual_tokens": 4}, None),
    "P-tuning": ("gpt2", "CAUSAL_LM", peft.PromptEncoderConfig, {"num_virtual_tokens": 4}, None),
    "prefix tuning": ("gpt2", "CAUSAL_LM", peft.PrefixTuningConfig, {"num_virtual_tokens": 4}, None),
    "a language model's": ("gpt2", "CAUSAL_LM", *LORA, ["c_attn"]),
    "a classifier's": ("bert", "SEQ_CLS", *LORA, ["query", "value"]),
    "an encoder's": ("bert", "FEATURE_EXTRACTION", *LORA, ["query"]),
    "of no task": ("bert", None, *LORA, ["query"]),
}


def made(folder, base="llama", task="CAUSAL_LM", config=peft.LoraConfig, settings=LORA[1], target=("q_proj",), **loads):
    """A base in `folder/base`, and an adapter of it with random weights that peft has saved in `folder/adapter`."""
    if task == "CAUSAL_LM":
        tiny_models.writer(base).save_pretrained(folder / "base")
        tiny_models.tokenizer().save_pretrained(folder / "base")
    else:
        tiny_models.save(base, folder / "base")
    settings = settings | (
        {} if target is None else {"target_modules": target if isinstance(target, str) else [*target]}
    )
    model = CLASSES[task].from_pretrained(folder / "base", **loads)
    model = peft.get_peft_model(model, config(task_type=task, **settings))
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.3)
    model.eval().save_pretrained(folder / "adapter")
    return folder / "adapter"


def loaded_by_peft(folder, task, **loads):
    return peft.PeftModel.from_pretrained(CLASSES[task].from_pretrained(folder.parent / "base", **loads), folder).eval()


@pytest.fixture(scope="module")
def lora(tmp_path_factory):
    return made(tmp_path_factory.mktemp("lora"))


@pytest.fixture
def adapter(lora, tmp_path):
    """A copy of an adapter and of its base, to be damaged."""
    shutil.copytree(lora.parent, tmp_path / "copy")
    change(tmp_path / "copy" / "adapter", "adapter_config.json", base_model_name_or_path="../base")
    return tmp_path / "copy" / "adapter"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_adapter_is_loaded_with_its_base_as_peft_loads_it(case, tmp_path):
    loads = {"num_labels": 3} if case[1] == "SEQ_CLS" else {}
    folder = made(tmp_path, *case, **loads)
    trace = attnviz.trace(TEXT, folder)
    np.testing.assert_allclose(weights(trace), eager(loaded_by_peft(folder, case[1], **loads)), atol=1e-5)
    alone = weights(attnviz.trace(TEXT, folder.parent / "base"))
    assert alone.shape != weights(trace).shape or np.abs(weights(trace) - alone).max() > 0.01
    assert trace.model == f"{tmp_path.name}/adapter"
    assert trace.provenance["base model"] == str(tmp_path / "base")
    assert (
        trace.provenance["adapter"]
        == f"default ({case[2].__name__ and json.loads((folder / 'adapter_config.json').read_text())['peft_type']})"
    )


def test_one_of_an_encoder_decoder(tmp_path):
    folder = made(tmp_path, "t5", "SEQ_2_SEQ_LM", target=["q", "v"])
    trace, expected = (
        attnviz.trace(TEXT, folder, target=TARGET),
        eager(loaded_by_peft(folder, "SEQ_2_SEQ_LM"), target=TARGET),
    )
    for kind in KINDS:
        np.testing.assert_allclose(weights(trace, kind), expected[kind], atol=1e-5)


def test_the_base_is_found_from_here_or_from_the_adapter(adapter, monkeypatch):
    expected = weights(attnviz.trace(TEXT, adapter))  # ../base, from the adapter
    change(adapter, "adapter_config.json", base_model_name_or_path="copy/base")
    monkeypatch.chdir(adapter.parent.parent)
    np.testing.assert_array_equal(weights(attnviz.trace(TEXT, "copy/adapter")), expected)


def test_a_base_that_is_not_there_is_named(adapter):
    for named in ("../other", "/no/such/folder", "./base.gguf", "org/no-such-model"):
        change(adapter, "adapter_config.json", base_model_name_or_path=named)
        assert f"{adapter} is an adapter of {named}" in refused(adapter).message


def test_without_peft_it_is_named_with_the_base(adapter, monkeypatch):
    from attnviz.models.huggingface import location

    there = location.find_spec
    monkeypatch.setattr(location, "find_spec", lambda name: None if name == "peft" else there(name))
    error = refused(adapter)
    assert error.message == f"{adapter} is an adapter of ../base: reading it needs the package peft"
    assert error.hint == "pip install 'attnviz[adapters]'"


def test_weights_that_are_missing_or_of_another_model_are_an_error(adapter):
    file = adapter / "adapter_model.safetensors"
    whole = load_file(file)
    first = next(iter(whole))
    save_file({name: weight for name, weight in whole.items() if name != first}, file)
    assert "lacks 1 weights: base_model.model.model.layers.0" in refused(adapter).message
    save_file(whole | {"base_model.model.layers.7.x": whole[first].clone()}, file)
    assert "has, beside those of its model, 1 weights: base_model.model.layers.7.x" in refused(adapter).message
    file.unlink()
    assert "holds no weights of an adapter" in refused(adapter).message


def test_an_adapter_of_an_adapter_is_an_error(adapter):
    change(adapter, "adapter_config.json", base_model_name_or_path=str(adapter))
    assert "which is an adapter itself" in refused(adapter).message


def test_an_adapter_beside_its_model_is_put_into_that(adapter):
    expected = weights(attnviz.trace(TEXT, adapter))
    for file in (adapter.parent / "base").iterdir():
        shutil.copy(file, adapter)
    np.testing.assert_array_equal(weights(attnviz.trace(TEXT, adapter)), expected)
    (adapter / "model.safetensors").unlink()  # as trainers leave the configuration of the base alone
    np.testing.assert_array_equal(weights(attnviz.trace(TEXT, adapter)), expected)


LARGER = {
    "a LoRA of others": {},
    "a LoRA of embeddings": {"target_modules": ["q_proj", "embed_tokens"]},
    "embeddings learned whole": {"modules_to_save": ["embed_tokens", "lm_head"]},
    "embeddings of new words": {"trainable_token_indices": [320, 321]},
}


@pytest.mark.parametrize("more", LARGER.values(), ids=LARGER)
def test_a_larger_vocabulary_comes_with_the_adapter_and_its_tokenizer(more, tmp_path):
    tiny_models.writer("llama").save_pretrained(tmp_path / "base")
    words = tiny_models.tokenizer()
    words.add_tokens(["<new>", "<other>"])

    def larger():
        model = CLASSES["CAUSAL_LM"].from_pretrained(tmp_path / "base")
        model.resize_token_embeddings(len(words))
        return model

    config = peft.LoraConfig(
        **{"task_type": "CAUSAL_LM", "target_modules": ["q_proj"], "init_lora_weights": False, **more}
    )
    model = peft.get_peft_model(larger(), config)
    for saved in (model, words):
        saved.save_pretrained(tmp_path / "adapter")
    text = "I <new> an apple<other>"
    trace = attnviz.trace(text, tmp_path / "adapter")
    assert [token.id for token in trace["masked-self"].keys] == words(text)["input_ids"]
    assert {320, 321} < {token.id for token in trace["masked-self"].keys}
    expected = peft.PeftModel.from_pretrained(larger(), tmp_path / "adapter").eval()
    np.testing.assert_allclose(
        weights(trace), np.stack(tiny_models.eager(expected, words(text)["input_ids"])), atol=1e-5
    )


def test_pickled_weights_are_read_safely(adapter):
    expected = weights(attnviz.trace(TEXT, adapter))
    torch.save(load_file(adapter / "adapter_model.safetensors"), adapter / "adapter_model.bin")
    (adapter / "adapter_model.safetensors").unlink()
    np.testing.assert_array_equal(weights(attnviz.trace(TEXT, adapter)), expected)
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Path("x")))
    assert "pickled with more than weights" in refused(adapter).message


def test_a_note_names_the_settings_that_peft_does_not_know(adapter):
    change(adapter, "adapter_config.json", of_tomorrow=3, of_nothing=None)
    [note] = attnviz.trace(TEXT, adapter).notes
    assert "this version of peft does not know the adapter's of_tomorrow" in note


def test_an_output_cannot_overwrite_the_adapter_or_its_base(adapter):
    files = {file.resolve() for file in model_files(str(adapter))}
    assert (adapter / "adapter_config.json").resolve() in files
    assert (adapter.parent / "base" / "model.safetensors").resolve() in files


HOSTILE = {
    "a type that there is not": {"peft_type": "NEW"},
    "a type that is no text": {"peft_type": ["LORA"]},
    "no base": {"base_model_name_or_path": None},
    "a base that is no text": {"base_model_name_or_path": ["x"]},
    "a base with a zero": {"base_model_name_or_path": "a\0b"},
    "a task that there is not": {"task_type": "NEW"},
    "code of Megatron": {"megatron_config": {"a": 1}, "megatron_core": "antigravity"},
    "layers over and over": {"layer_replication": [[0, 10**9]]},
    "a huge rank": {"r": 10**9},
    "a large rank": {"r": 900},
    "ranks of layers": {"rank_pattern": {"q_proj": 10**9}},
    "a rank of nothing": {"r": 0},
    "a rank that is a text": {"r": "4"},
    "a rank that is a flag": {"r": True},
    "a flag that is a text": {"use_rslora": "no"},
    "no scale": {"lora_alpha": float("nan")},
    "another model at each load": {"init_lora_weights": "pissa_niter_4"},
    "steps without end": {"init_lora_weights": "loftq", "loftq_config": {"loftq_iter": 10**9}},
    "an expression without end": {"target_modules": "(.*.*)*.*(.*.*)*x"},
    "another one": {"rank_pattern": {"(.*.*)*(.*.*)*x": 4}},
    "no expression": {"target_modules": "("},
    "targets that are none": {"target_modules": 5},
    "virtual tokens without end": {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 10**10},
    "virtual tokens of nothing": {"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 4},
    "a second model": {"peft_type": "SHADOW"},
}


@pytest.mark.parametrize("setting", HOSTILE.values(), ids=HOSTILE)
def test_settings_that_make_no_sense_are_an_error_within_seconds(setting, adapter, capfd, monkeypatch):
    monkeypatch.setattr(pattern_check, "_SECONDS", 1)
    change(adapter, "adapter_config.json", **setting)
    capfd.readouterr()
    start = time.monotonic()
    with pytest.raises(AttnvizError) as error:
        attnviz.trace(TEXT, adapter)
    assert error.value.message
    assert time.monotonic() - start < 20
    assert capfd.readouterr().err == ""
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("content", ["[]", "1", "", "[" * 100_000, "{}"], ids=lambda content: content[:3])
def test_invalid_settings_are_an_error(content, adapter):
    (adapter / "adapter_config.json").write_text(content)
    assert "adapter_config.json" in refused(adapter).message


def test_one_in_the_cache_of_the_hub_is_loaded_with_its_base_there(adapter, cache):
    expected = weights(attnviz.trace(TEXT, adapter))
    change(adapter, "adapter_config.json", base_model_name_or_path="org/base")
    put(cache, "org/adapter", [*adapter.iterdir()])
    error = refused("org/adapter")
    assert "org/adapter is an adapter of org/base: cannot find the model org/base" in error.message
    assert "base_model_name_or_path" in error.hint
    put(cache, "org/base", [*(adapter.parent / "base").iterdir()], commit="d" * 40)
    trace = attnviz.trace(TEXT, "org/adapter")
    np.testing.assert_array_equal(weights(trace), expected)
    assert (trace.model, trace.revision) == ("org/adapter", COMMIT)
    assert trace.provenance["base model"] == f"org/base at {'d' * 40}"
    assert {file.parent.parent.parent.name for file in model_files("org/adapter") if file.is_symlink()} == {
        "models--org--adapter",
        "models--org--base",
    }


def test_one_beside_its_model_in_the_cache_is_not_passed_over(adapter, cache):
    expected = weights(attnviz.trace(TEXT, adapter))
    base = adapter.parent / "base"
    put(cache, "org/both", [*adapter.glob("adapter_*"), *base.iterdir()])
    np.testing.assert_array_equal(weights(attnviz.trace(TEXT, "org/both")), expected)
    put(cache, "org/on", [*adapter.glob("adapter_*")])
    change(adapter, "adapter_config.json", base_model_name_or_path="org/both")
    assert "org/both, which is an adapter itself" in refused(adapter).message


def test_the_revision_of_the_base_is_what_the_adapter_says(adapter, cache):
    change(adapter, "adapter_config.json", base_model_name_or_path="org/base", revision="v1")
    put(cache, "org/base", [*(adapter.parent / "base").iterdir()])
    assert "has no revision v1" in refused(adapter).message or "revision v1 of org/base" in refused(adapter).message
    put(cache, "org/base", [*(adapter.parent / "base").iterdir()], ref="v1", commit="d" * 40)
    assert attnviz.trace(TEXT, adapter).provenance["base model"] == f"org/base at {'d' * 40}"


def test_a_base_that_is_spread_to_the_disk_is_refused_since_weights_would_be_lost(adapter):
    parts = ("embed_tokens", "layers.0", "layers.2", "norm", "rotary_emb")
    spread = {"lm_head": "cpu", "model.layers.1": "disk", **{f"model.{part}": "cpu" for part in parts}}
    error = refused(adapter, device_map=spread)
    assert "an adapter can be put into a whole model only" in error.message
    expected = weights(attnviz.trace(TEXT, adapter))
    np.testing.assert_array_equal(weights(attnviz.trace(TEXT, adapter, device_map={"": "cpu"})), expected)
