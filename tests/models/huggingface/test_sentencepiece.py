"""Folders that hold a SentencePiece file and no tokenizer.json, of each class, against SentencePiece itself."""

import json
from pathlib import Path

import pytest
import sentencepiece
import tiny_models
from tiny_tokenizers import pieces

import attnviz
from attnviz.errors import ModelError

TEXT = "she ate an apple and went to school. the dog wore a red hat"
BPE = {"model_type": "bpe", "vocab_size": 300, "byte_fallback": False}
BYTES = {"model_type": "bpe", "vocab_size": 400, "byte_fallback": True}
T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
BERT = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}
GEMMA = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3}
DEBERTA = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]"}
DEBERTA |= {"eos_piece": "[SEP]", "unk_piece": "[UNK]"}
LANGUAGES = {"extra_special_tokens": ["eng_Latn", "fra_Latn"], "src_lang": "eng_Latn"}

# class: its model type, its file, how that is trained, what the tokenizer's configuration says, by how much it shifts
# the ids of SentencePiece, and which marks it puts before and after them
CLASSES = {
    "LlamaTokenizer": ("llama", "tokenizer.model", BYTES, {"add_bos_token": True}, 0, ["<s>"], []),
    "CodeLlamaTokenizer": ("code_llama", "tokenizer.model", BYTES, {}, 0, ["<s>"], []),
    "TokenizersBackend": ("mistral", "tokenizer.model", BYTES, {"add_bos_token": True}, 0, ["<s>"], []),
    "GemmaTokenizer": ("gemma", "tokenizer.model", BYTES | GEMMA | {"add_dummy_prefix": False}, {}, 0, [], []),
    "T5Tokenizer": ("t5", "spiece.model", T5, {}, 0, [], ["</s>"]),
    "XLMRobertaTokenizer": ("xlm-roberta", "sentencepiece.bpe.model", {}, {}, 1, ["<s>"], ["</s>"]),
    "CamembertTokenizer": ("camembert", "sentencepiece.bpe.model", {}, {}, 4, ["<s>"], ["</s>"]),
    "DebertaV2Tokenizer": ("deberta-v2", "spm.model", DEBERTA, {}, 0, ["[CLS]"], ["[SEP]"]),
    "MBartTokenizer": ("mbart", "sentencepiece.bpe.model", {}, {}, 1, [], ["</s>", "en_XX"]),
    "MBart50Tokenizer": ("mbart", "sentencepiece.bpe.model", {}, {"src_lang": "fr_XX"}, 1, ["fr_XX"], ["</s>"]),
    "NllbTokenizer": ("m2m_100", "sentencepiece.bpe.model", BPE, LANGUAGES, 1, ["eng_Latn"], ["</s>"]),
    "M2M100Tokenizer": ("m2m_100", "sentencepiece.bpe.model", {}, {"src_lang": "fr"}, 1, ["__fr__"], ["</s>"]),
    "AlbertTokenizer": ("albert", "spiece.model", BERT, {}, 0, ["[CLS]"], ["[SEP]"]),
    "FNetTokenizer": ("fnet", "spiece.model", BERT, {}, 0, [], []),
    "RemBertTokenizer": ("rembert", "sentencepiece.model", BERT, {}, 0, [], []),
    "BigBirdTokenizer": (
        "big_bird",
        "spiece.model",
        GEMMA | {"user_defined_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
        {},
        0,
        ["[CLS]"],
        ["[SEP]"],
    ),
    "XLNetTokenizer": (
        "xlnet",
        "spiece.model",
        {"control_symbols": ["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]},
        {},
        0,
        [],
        ["<sep>", "<cls>"],
    ),
    "PegasusTokenizer": ("pegasus", "spiece.model", T5, {}, 103, [], ["</s>"]),
    "BarthezTokenizer": ("mbart", "sentencepiece.bpe.model", {}, {}, 0, [], []),
    "ReformerTokenizer": ("reformer", "spiece.model", BPE, {}, 0, [], []),
    "GPTSw3Tokenizer": ("gpt2", "spiece.model", GEMMA, {}, 0, [], []),
    "BertGenerationTokenizer": ("bert-generation", "spiece.model", GEMMA, {}, 0, [], []),
}


def save(folder: Path, name: str) -> sentencepiece.SentencePieceProcessor:
    """Save what a folder of that class holds at the least."""
    model_type, file, how, settings, *_ = CLASSES[name]
    content = pieces(**how)
    (folder / file).write_bytes(content)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name, **settings}))
    own = sentencepiece.SentencePieceProcessor(model_proto=content)
    if name == "M2M100Tokenizer":  # its ids are in a file of their own
        words = ["<s>", "<pad>", "</s>", "<unk>", *(own.id_to_piece(id_) for id_ in range(3, len(own)))]
        (folder / "vocab.json").write_text(json.dumps({word: id_ for id_, word in enumerate(words)}))
    return own


@pytest.mark.parametrize("name", CLASSES)
def test_a_folder_with_the_file_only_reads_as_sentencepiece_does(name, tmp_path):
    own = save(tmp_path, name)
    *_, by, before, after = CLASSES[name]
    text_tokenizer = attnviz.load(tiny_models.build("bert"), tokenizer=tmp_path).text_tokenizer
    tokenizer = text_tokenizer.tokenizer
    assert type(tokenizer).__name__ == name
    expected = [
        *tokenizer.convert_tokens_to_ids(before),
        *(id_ + by for id_ in own.encode(TEXT)),
        *tokenizer.convert_tokens_to_ids(after),
    ]
    assert tokenizer.unk_token_id not in expected
    assert text_tokenizer.encode(TEXT).ids == expected


@pytest.mark.parametrize(("name", "model_type"), [("LlamaTokenizer", "llama"), ("T5Tokenizer", "t5")])
def test_a_model_with_a_sentencepiece_file_is_traced_from_its_folder(name, model_type, tmp_path):
    own = save(tmp_path, name)
    tiny_models.build(model_type, vocab_size=len(own)).save_pretrained(tmp_path)
    trace = attnviz.trace(TEXT, tmp_path, target="she ate" if model_type == "t5" else None)
    tokens = [token for token in trace.attentions[0].queries if not token.special]
    assert [token.id for token in tokens] == own.encode(TEXT)


@pytest.mark.parametrize("said", [{}, {"add_bos_token": True}, {"add_bos_token": False}])
@pytest.mark.parametrize("name", ["LlamaTokenizer", "GemmaTokenizer", "T5Tokenizer"])
def test_a_note_says_that_an_undecided_start_token_is_left_out(name, said, tmp_path):
    save(tmp_path, name)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    settings.pop("add_bos_token", None)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings | said))
    model = attnviz.load(tiny_models.build("bert", vocab_size=1000), tokenizer=tmp_path)
    start = model.text_tokenizer.tokenizer.bos_token
    is_read = model.text_tokenizer.encode(TEXT).tokens[0].text == start
    noted = any(f"read without {start}" in note for note in model.notes)
    assert (is_read, noted) == (
        name != "T5Tokenizer" and bool(said.get("add_bos_token")),
        name != "T5Tokenizer" and not said,
    )


def test_the_error_for_a_file_that_is_cut_short_says_so(tmp_path):
    save(tmp_path, "T5Tokenizer")
    file = tmp_path / "spiece.model"
    for content in (file.read_bytes()[:500], b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"):
        file.write_bytes(content)
        with pytest.raises(ModelError, match=r"spiece\.model is not a SentencePiece file") as error:
            attnviz.load(tiny_models.build("t5"), tokenizer=tmp_path)
        assert "git lfs pull" in error.value.hint
