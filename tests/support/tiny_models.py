"""Tiny models with seeded random weights, and tokenizers trained on a few lines: every architecture, no download."""

from pathlib import Path

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

LINES = [
    "I ate an apple.",
    "She ate an apple and went to school.",
    "그녀는 사과를 먹고 학교에 갔다.",
    "나는 사과를 먹었다.",
    "The dog that the cat saw wore a red hat.",
    "그는 어제 도서관에서 책을 읽었다.",
]
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
_SMALL = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
_IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_ENCODER = {**_SMALL, "intermediate_size": 48, "max_position_embeddings": 64, "pad_token_id": 0}
_DECODER = {**_SMALL, **_IDS, "intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8}
_DECODER |= {"max_position_embeddings": 64}
_PAIR = {"vocab_size": 320, "d_model": 32, "encoder_layers": 2, "decoder_layers": 3, "max_position_embeddings": 64}
_PAIR |= {"encoder_attention_heads": 4, "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
_PAIR |= {**_IDS, "decoder_start_token_id": 2, "forced_eos_token_id": 2}
_T5 = {"vocab_size": 320, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 3, "num_decoder_layers": 2}
_T5 |= {"num_heads": 4, "pad_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 0}
_GPT2 = {"vocab_size": 320, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64, "bos_token_id": 1}
_EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}

# model type → its class, and its configuration
ENCODERS = {
    "bert": ("BertModel", _ENCODER),
    "distilbert": ("DistilBertModel", {"vocab_size": 320, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48}),
    "roberta": ("RobertaModel", {**_ENCODER, "pad_token_id": 1}),
    "albert": ("AlbertModel", {**_ENCODER, "embedding_size": 16}),
    "modernbert": ("ModernBertModel", {**_ENCODER, "local_attention": 4, "global_attn_every_n_layers": 2, **_IDS}),
    "deberta-v2": ("DebertaV2Model", {**_ENCODER, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]}),
}
DECODERS = {
    "gpt2": ("GPT2Model", {**_GPT2, "eos_token_id": 2}),
    "llama": ("LlamaModel", _DECODER),
    "gemma2": ("Gemma2Model", {**_DECODER, "sliding_window": 4, "attn_logit_softcapping": 2.0}),
    "mistral": ("MistralModel", {**_DECODER, "sliding_window": 4}),
    "gpt_oss": ("GptOssModel", {**_DECODER, **_EXPERTS, "sliding_window": 4}),
    "qwen3": ("Qwen3Model", _DECODER),
    "falcon": ("FalconModel", {**_SMALL, **_IDS}),
    "bloom": ("BloomModel", {"vocab_size": 320, "hidden_size": 32, "n_layer": 3, "n_head": 4}),
    "jamba": (
        "JambaModel",
        {**_DECODER, "attn_layer_period": 2, "attn_layer_offset": 1, "num_experts": 2, "use_mamba_kernels": False}
        | {"mamba_d_state": 4, "mamba_dt_rank": 4},
    ),
}
PAIRS = {
    "t5": ("T5ForConditionalGeneration", _T5),
    "bart": ("BartForConditionalGeneration", _PAIR),
    "marian": ("MarianMTModel", {**_PAIR, "decoder_start_token_id": 0}),
}


def build(model_type: str, **changes: object) -> PreTrainedModel:
    """A tiny model of that type, always the same one, its weights large enough for attention to be uneven."""
    name, settings = (ENCODERS | DECODERS | PAIRS)[model_type]
    kind = getattr(transformers, name)
    torch.manual_seed(len(model_type))
    model = kind(kind.config_class(**settings | changes)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.2)
    return model


def writer(model_type: str, **changes: object) -> PreTrainedModel:
    """A tiny decoder of that type with a language-model head, always the same one."""
    torch.manual_seed(len(model_type))
    model = transformers.AutoModelForCausalLM.from_config(build(model_type, **changes).config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.2)
    return model


def eager(model: PreTrainedModel, ids: list[int]) -> list[np.ndarray]:
    """The weights of every layer, `[head, query, key]`, by the model's own eager attention."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            found = model(torch.tensor([ids]), output_attentions=True, use_cache=False).attentions
    finally:
        model.config._attn_implementation = before
    return [layer[0].numpy() for layer in found]


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as GPT-2's: it divides most Korean syllables."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(LINES, trainer)
    bpe.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 2)]),
        ]
    )
    return _wrapped(bpe)


def wordpiece() -> PreTrainedTokenizerFast:
    """WordPiece, as BERT's, which writes ## before what continues a word."""
    pieces = Tokenizer(models.WordPiece(unk_token="<unk>"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=SPECIAL, show_progress=False)
    pieces.train_from_iterator(LINES, trainer)
    return _wrapped(pieces)


def unigram() -> PreTrainedTokenizerFast:
    """Unigram, as SentencePiece's, which writes ▁ for a space."""
    pieces = Tokenizer(models.Unigram())
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    pieces.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    pieces.train_from_iterator(LINES, trainer)
    return _wrapped(pieces)


def save(model_type: str, folder: Path, **changes: object) -> Path:
    """Save that model and the byte-level tokenizer to `folder` as a user would have them."""
    build(model_type, **changes).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def _wrapped(trained: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=trained, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
