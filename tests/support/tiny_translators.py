"""Tiny translators of many languages: a tokenizer of each family, trained on a few lines, and a model to go with it."""

import json
from pathlib import Path

import sentencepiece
import tiny_models
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedModel, PreTrainedTokenizerBase

_MARKS = ["<s>", "<pad>", "</s>", "<unk>"]


def _pieces(folder: Path) -> tuple[str, list[tuple[str, float]]]:
    """A SentencePiece file, and its pieces with their scores, without its own marks."""
    (folder / "lines.txt").write_text("\n".join(tiny_models.LINES * 20), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "lines.txt"),
        model_prefix=str(folder / "pieces"),
        vocab_size=90,
        hard_vocab_limit=False,
        character_coverage=1.0,
        minloglevel=2,
    )
    read = sentencepiece.SentencePieceProcessor()
    read.Load(str(folder / "pieces.model"))
    return str(folder / "pieces.model"), [(read.IdToPiece(i), read.GetScore(i)) for i in range(3, len(read))]


def _bpe() -> tuple[dict[str, int], list[tuple[str, str]]]:
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=_MARKS, show_progress=False)
    trained.train_from_iterator(tiny_models.LINES, trainer)
    said = json.loads(trained.to_str())["model"]
    return said["vocab"], [tuple(merge) for merge in said["merges"]]


def tokenizer(family: str, folder: Path) -> PreTrainedTokenizerBase:
    """A tokenizer of that family, whose files are in `folder`."""
    file, pieces = _pieces(folder)
    scored = [*((mark, 0.0) for mark in _MARKS), *pieces]
    vocabulary, merges = _bpe()
    if family == "m2m_100":
        (folder / "vocab.json").write_text(json.dumps({piece: i for i, (piece, _) in enumerate(scored)}))
        return transformers.M2M100Tokenizer(str(folder / "vocab.json"), file)
    if family == "mbart":
        from transformers.models.mbart.tokenization_mbart import FAIRSEQ_LANGUAGE_CODES

        ends = [*((code, 0.0) for code in FAIRSEQ_LANGUAGE_CODES), ("<mask>", 0.0)]
        return transformers.MBartTokenizer(vocab=[*scored, *ends])
    if family == "mbart50":
        return transformers.MBart50Tokenizer(vocab=[("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *pieces])
    if family == "nllb":
        return transformers.NllbTokenizer(vocab=vocabulary, merges=merges)
    if family == "plbart":
        return transformers.PLBartTokenizer(file)
    if family == "plbart, multi":
        return transformers.PLBartTokenizer(file, language_codes="multi")
    if family == "seamless_m4t":
        words = ["<pad>", "<unk>", "<s>", "</s>", *(word for word in vocabulary if word not in _MARKS)]
        ids = {word: i for i, word in enumerate(words)}
        languages = ["__eng__", "__fra__", "__kor__"]
        return transformers.SeamlessM4TTokenizer(vocab=ids, merges=merges, additional_special_tokens=languages)
    assert family == "marian"
    words = ["</s>", "<unk>", ">>fra<<", ">>deu<<", *(piece for piece, _ in pieces), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    return transformers.MarianTokenizer(file, file, str(folder / "vocab.json"))


def model(family: str, read: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A tiny model of that family with an embedding for each id of its tokenizer, always the same one."""
    size = {
        **tiny_models._PAIR,
        "vocab_size": 400,
        "pad_token_id": read.pad_token_id,
        "eos_token_id": read.eos_token_id,
    }
    size |= {"decoder_start_token_id": read.eos_token_id, "forced_eos_token_id": None}
    kinds = {
        "m2m_100": transformers.M2M100ForConditionalGeneration,
        "mbart": transformers.MBartForConditionalGeneration,
        "mbart50": transformers.MBartForConditionalGeneration,
        "nllb": transformers.M2M100ForConditionalGeneration,
        "plbart": transformers.PLBartForConditionalGeneration,
        "plbart, multi": transformers.PLBartForConditionalGeneration,
        "seamless_m4t": transformers.SeamlessM4TForTextToText,
        "marian": transformers.MarianMTModel,
    }
    if family == "marian":
        size["decoder_start_token_id"] = read.pad_token_id
    if family == "seamless_m4t":
        size = {"vocab_size": 400, "hidden_size": 32, "encoder_layers": 2, "decoder_layers": 2, "pad_token_id": 0}
        size |= {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "decoder_start_token_id": 3}
        size |= {"encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "eos_token_id": 3, "max_position_embeddings": 64}
        size |= {"speech_encoder_layers": 1, "t2u_encoder_layers": 1, "t2u_decoder_layers": 1}
    torch.manual_seed(len(family))
    kind = kinds[family]
    made = kind(kind.config_class(**size)).eval()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.2)
    made.generation_config.max_length = 12
    return made


def mark(family: str, code: str) -> str:
    """The token that stands for a language of that family."""
    return f"__{code}__" if family.startswith(("plbart", "seamless", "m2m")) else code
