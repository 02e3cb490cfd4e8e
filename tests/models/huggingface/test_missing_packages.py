"""Missing packages: the error names the needed package and no other."""

import base64
import json
import sys

import pytest
import tiny_models
from load_checks import configure, refused

import attnviz
from attnviz.errors import ModelError

JAPANESE = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}
FILES = {
    "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n",
    "vocab.json": '{"a": 0, "<unk>": 1}',
    "merges.txt": "a b\n",
}
RANKS = "".join(f"{base64.b64encode(bytes([byte])).decode()} {byte}\n" for byte in range(256))


@pytest.mark.parametrize(
    ("package", "settings", "files", "hint"),
    [
        ("fugashi", JAPANESE, FILES, "pip install fugashi ipadic unidic-lite"),
        ("sudachipy", JAPANESE | {"word_tokenizer_type": "sudachi"}, FILES, "pip install sudachipy sudachidict_core"),
        ("rhoknp", JAPANESE | {"word_tokenizer_type": "jumanpp"}, FILES, "pip install rhoknp"),
        ("sacremoses", {"tokenizer_class": "XLMTokenizer"}, FILES, "pip install sacremoses"),
        ("sacremoses", {"tokenizer_class": "FlaubertTokenizer"}, FILES, "pip install sacremoses"),
        ("sacremoses", {"tokenizer_class": "BioGptTokenizer"}, FILES, "pip install sacremoses"),
        ("rjieba", {"tokenizer_class": "CpmAntTokenizer"}, FILES, "pip install rjieba"),
        ("tiktoken", {}, {"tokenizer.model": RANKS}, "pip install tiktoken"),
    ],
)
def test_a_tokenizers_package_is_named(package, settings, files, hint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ModelError) as error:
        attnviz.load(tiny_models.build("bert"), tokenizer=tmp_path)
    assert error.value.message == f"the tokenizer of {tmp_path} needs the package {package}"
    assert error.value.hint == hint


@pytest.mark.parametrize(
    ("package", "quantization"),
    [
        ("bitsandbytes", {"quant_method": "bitsandbytes", "load_in_4bit": True}),
        ("optimum", {"quant_method": "gptq", "bits": 4}),
        ("hqq", {"quant_method": "hqq"}),
        ("torchao", {"quant_method": "torchao"}),
    ],
)
def test_a_quantized_models_package_is_named(package, quantization, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    configure(folder, quantization_config=quantization)
    error = refused(folder)
    assert error.message == f"{folder} needs the package {package}"
    assert error.hint == f"pip install {package}"
