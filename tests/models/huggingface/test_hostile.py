"""Folders made to do harm: each is a clear error within seconds, and nothing else is on stderr."""

import json
import time
from pathlib import Path

import pytest
import tiny_models
import torch
from load_checks import TEXT, change
from safetensors.torch import load_file, save_file

import attnviz
from attnviz.errors import AttnvizError

DEEP = "[" * 100_000 + "]" * 100_000
LONG = f"{TEXT} {'a' * 30}b"


def replaced(pattern: dict, content: str) -> dict:
    return {"type": "Replace", "pattern": pattern, "content": content}


def split(regex: str) -> dict:
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def marks_before(count: int) -> dict:
    """A post-processor that puts so many marks before a text."""
    mark, text = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    pair = [text, {"Sequence": {"id": "B", "type_id": 0}}]
    tokens = {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}
    return {"type": "TemplateProcessing", "single": [mark] * count + [text], "pair": pair, "special_tokens": tokens}


def model_of_words(**changes: object) -> dict:
    return {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0], ["b", -1], ["c", -2], ["d", -3]], **changes}


def token(id_: int, content: str) -> dict:
    marks = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": id_, "content": content, "special": True, **marks}


SETTINGS = {  # a file: what is set in it, one at a time
    "config.json": [
        *({"num_hidden_layers": value} for value in ("twelve", -1, 1.5, [1], None)),
        *({"vocab_size": value} for value in ("x", -1, 0)),
        {"num_attention_heads": 0},
        {"pad_token_id": 10**9},
        {"hidden_act": "no_such"},
        {"layer_norm_eps": "x"},
        {"model_type": ["bert"]},
        {"dtype": "float12"},
        {"id2label": "x"},
    ],
    "tokenizer.json": [
        {"pre_tokenizer": split("(a+)+$")},
        {"pre_tokenizer": split("(")},
        {"normalizer": replaced({"Regex": "(?=(a+))*b"}, "")},
        {"normalizer": replaced({"String": "a"}, "b" * 10_000)},
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
        *({"post_processor": marks_before(count)} for count in (101, 60_000)),
        {"model": model_of_words(unk_id=99)},
        {"model": model_of_words(unk_id=None)},
        {"model": {"type": "WordLevel", "unk_token": "zz", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}}},
        {"model": {"type": "BPE", "vocab": {"a": 4_294_967_295, "b": 1, "c": 2, "d": 3}, "merges": []}},
        {"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}},
        {"model": {"type": "BPE", "vocab": {"a": 1}, "merges": ["z y"]}},
        {"added_tokens": [token(2**63, "I")]},
        {"added_tokens": [token(-1, "I")]},
    ],
    "tokenizer_config.json": [
        {"model_max_length": "long"},
        {"tokenizer_class": 5},
        {"unk_token": {"__type": "AddedToken"}},
        {"added_tokens_decoder": {"x": {"content": "a"}}},
        {"pad_token": {"content": 5}},
    ],
}
CASES = [(file, setting) for file, settings in SETTINGS.items() for setting in settings]


def refused(folder: Path, capfd) -> AttnvizError:
    capfd.readouterr()
    start = time.monotonic()
    with pytest.raises(AttnvizError) as error:
        attnviz.trace(LONG, folder)
    assert time.monotonic() - start < 20
    assert capfd.readouterr().err == ""
    assert error.value.message
    return error.value


@pytest.mark.parametrize(("file", "setting"), CASES, ids=lambda value: str(value)[:60])
def test_a_setting_that_makes_no_sense_is_an_error(file, setting, folder, capfd):
    change(folder, file, **setting)
    refused(folder, capfd)


@pytest.mark.parametrize("kind", ["bert", "llama"])
@pytest.mark.parametrize(
    ("field", "value"),
    [("num_attention_heads", -4), ("num_attention_heads", 0), ("hidden_size", -32), ("intermediate_size", -4)],
)
def test_a_size_that_no_model_has_is_named(field, value, kind, tmp_path, capfd):
    made = tiny_models.save(kind, tmp_path / kind)
    change(made, "config.json", **{field: value})
    assert f"the config.json of {made} says {field}: {value}, which no model has" in refused(made, capfd).message


@pytest.mark.parametrize("kind", ["bert", "llama"])
def test_heads_that_do_not_divide_the_hidden_size_are_not_laid_on_the_weights(kind, tmp_path, capfd):
    made = tiny_models.save(kind, tmp_path / kind)
    change(made, "config.json", num_attention_heads=5)
    error = refused(made, capfd)
    assert f"the config.json of {made} says sizes that do not go together: The hidden size (32) is" in error.message
    assert "(5)" in error.message
    assert "hidden_size is to be a multiple of num_attention_heads" in error.hint


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"])
@pytest.mark.parametrize("content", ["[]", "1", "hello", "", DEEP, b"\xff\xfe\0"], ids=lambda value: repr(value)[:9])
def test_a_file_with_a_wrong_ending_is_an_error(file, content, folder, capfd):
    (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    refused(folder, capfd)


@pytest.mark.parametrize("named", ["../../../etc/passwd", "/etc/passwd", "missing.safetensors", 5, ""])
def test_an_index_that_names_no_weights_is_an_error_that_quotes_no_file(named, folder, capfd):
    names = load_file(folder / "model.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, named)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    assert "root:" not in str(refused(folder, capfd))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_link_to_another_file_says_nothing_of_it(file, folder, tmp_path, capfd):
    (tmp_path / "secret").write_text("the secret")
    (folder / file).unlink()
    (folder / file).symlink_to(tmp_path / "secret")
    assert "the secret" not in str(refused(folder, capfd))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_an_error(value, folder, capfd):
    weights = load_file(folder / "model.safetensors")
    changed = {name: torch.full_like(weight, value) for name, weight in weights.items()}
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, capfd)


def test_a_decoder_that_starts_from_no_token_is_an_error(tmp_path):
    tiny_models.save("t5", tmp_path)
    for start in (-1, 10**9):
        for file in ("config.json", "generation_config.json"):
            change(tmp_path, file, decoder_start_token_id=start)
        with pytest.raises(AttnvizError):
            attnviz.trace(TEXT, tmp_path, target="I")
