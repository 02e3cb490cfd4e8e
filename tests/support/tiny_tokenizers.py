"""Tokenizers of every sort, trained on a few lines or without a vocabulary, to see what labels become of each."""

import io
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tiny_models import LINES, SPECIAL
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertJapaneseTokenizer,
    ByT5Tokenizer,
    CanineTokenizer,
    MyT5Tokenizer,
    PerceiverTokenizer,
    PreTrainedTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LLAMA3 = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def byte_level(prefix: bool = False, trim: bool = False, pattern: str | None = None) -> PreTrainedTokenizerFast:
    """Byte-level BPE, as GPT-2's; with `prefix` and `trim` as RoBERTa's; with a `pattern` as Llama 3's."""
    bpe = Tokenizer(models.BPE())
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=pattern is None)
    split = [] if pattern is None else [pre_tokenizers.Split(Regex(pattern), "isolated")]
    bpe.pre_tokenizer = pre_tokenizers.Sequence([*split, pieces])
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(bpe, trainers.BpeTrainer, vocab_size=320, initial_alphabet=alphabet)
    ends = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    bpe.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=trim), ends])
    return _wrapped(bpe)


def sentencepiece_bpe(normalized: bool) -> PreTrainedTokenizerFast:
    """BPE with bytes for what it does not know, as Llama 2's; `normalized` in its older form, which Gemma has too."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    bpe.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    bpe.pre_tokenizer = pre_tokenizers.Metaspace()
    _train(bpe, trainers.BpeTrainer, vocab_size=400, extra=BYTES)
    settings = json.loads(bpe.to_str())
    settings["added_tokens"] = [token for token in settings["added_tokens"] if token["content"] in SPECIAL]
    settings["pre_tokenizer"] = None
    bpe = Tokenizer.from_str(json.dumps(settings))
    if normalized:
        bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    bpe.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return _wrapped(bpe)


def wordpiece(lower: bool) -> PreTrainedTokenizerFast:
    """WordPiece, as BERT's; `lower` takes the accents too."""
    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=lower)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.decoder = decoders.WordPiece()
    _train(pieces, trainers.WordPieceTrainer, vocab_size=150, special=BERT)
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    pieces.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]"
    )


def unigram(split: bool, nfkc: bool = True) -> PreTrainedTokenizerFast:
    """Unigram with the nmt_nfkc normalizer of SentencePiece, as T5's; without `split` a piece may hold spaces."""
    pieces = Tokenizer(models.Unigram())
    if nfkc:
        spaces = normalizers.Replace(Regex(" {2,}"), " ")
        pieces.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), spaces])
    pieces.pre_tokenizer = pre_tokenizers.Metaspace(split=split)
    pieces.decoder = decoders.Metaspace()
    _train(pieces, trainers.UnigramTrainer, vocab_size=150, unk_token="<unk>")
    pieces.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 2)])
    return _wrapped(pieces)


class Pieces(PreTrainedTokenizer):
    """As the SentencePiece tokenizers written in Python: no offsets, and bytes decode to their names."""

    def __init__(self, bytes_for_unknown: bool):
        known = {f"▁{word}" for line in LINES for word in line.split()} | set("▁abcdehlnopst ,.그녀는한")
        words = [*SPECIAL, *(BYTES if bytes_for_unknown else ()), *sorted(known)]
        self.ids = {word: id_ for id_, word in enumerate(words)}
        self.names = words
        super().__init__(pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>")

    @property
    def vocab_size(self) -> int:
        return len(self.names)

    def get_vocab(self) -> dict[str, int]:
        return dict(self.ids)

    def _tokenize(self, text: str) -> list[str]:
        text, pieces = "▁" + "▁".join(text.split()), []
        while text:
            size = next((n for n in range(16, 0, -1) if text[:n] in self.ids), 0)
            spelled = [f"<0x{byte:02X}>" for byte in text[0].encode()]
            pieces += [text[:size]] if size else spelled if BYTES[0] in self.ids else [text[0]]
            text = text[size or 1 :]
        return pieces

    def _convert_token_to_id(self, token: str) -> int:
        return self.ids.get(token, self.ids["<unk>"])

    def _convert_id_to_token(self, index: int) -> str:
        return self.names[index]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return "".join(tokens).replace("▁", " ").strip()

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        return [*token_ids_0, 2, *([*token_ids_1, 2] if token_ids_1 else [])]

    def get_special_tokens_mask(self, token_ids_0, token_ids_1=None, already_has_special_tokens=False):
        return [int(id_ == 2) for id_ in self.build_inputs_with_special_tokens(token_ids_0, token_ids_1)]


def of_file(kind: type[PreTrainedTokenizer], name: str, content: str, **settings) -> PreTrainedTokenizerBase:
    """A tokenizer whose vocabulary is a file of that `content`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(content, encoding="utf-8")
        return kind(str(path), **settings)


def _bert_words() -> str:
    ids = wordpiece(lower=True).get_vocab()
    return "\n".join(sorted(ids, key=ids.__getitem__)) + "\n"


_IDENTITY = {f"{byte:02x}": f"{byte:02x}" for byte in range(256)}
_SYLLABLES = "\n".join([*BERT, *"abcdehlnopst,.그녀는私はリ漢"]) + "\n"

FAST = {
    "gpt2": byte_level,
    "gpt2, prefix": lambda: byte_level(prefix=True),
    "roberta": lambda: byte_level(prefix=True, trim=True),
    "llama3": lambda: byte_level(pattern=LLAMA3),
    "llama2": lambda: sentencepiece_bpe(normalized=False),
    "llama2, older": lambda: sentencepiece_bpe(normalized=True),
    "bert, uncased": lambda: wordpiece(lower=True),
    "bert, cased": lambda: wordpiece(lower=False),
    "t5": lambda: unigram(split=True),
    "unigram over spaces": lambda: unigram(split=False),
    "unigram, plain": lambda: unigram(split=True, nfkc=False),
}
SLOW = {
    "byt5": ByT5Tokenizer,
    "canine": CanineTokenizer,
    "perceiver": PerceiverTokenizer,
    "myt5": lambda: of_file(MyT5Tokenizer, "byte_maps.json", json.dumps({"decompose_map": _IDENTITY, "merge_map": {}})),
    "bert in Python": lambda: of_file(BertTokenizerLegacy, "vocab.txt", _bert_words()),
    "bert of characters": lambda: of_file(
        BertJapaneseTokenizer, "vocab.txt", _SYLLABLES, subword_tokenizer_type="character"
    ),
    "pieces in Python": lambda: Pieces(bytes_for_unknown=False),
    "pieces and bytes in Python": lambda: Pieces(bytes_for_unknown=True),
}


@cache
def tokenizer(name: str) -> PreTrainedTokenizerBase:
    """One of `FAST` or `SLOW`, made once."""
    return (FAST | SLOW)[name]()


def _train(tokenizer: Tokenizer, trainer, special=SPECIAL, extra=(), **settings) -> None:
    tokenizer.train_from_iterator(LINES, trainer(special_tokens=[*special, *extra], show_progress=False, **settings))


def _wrapped(trained: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=trained, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def pieces(**how: object) -> bytes:
    """The file of a tiny SentencePiece model of our few lines."""
    from sentencepiece import SentencePieceTrainer

    file = io.BytesIO()
    lines = [line.lower() for line in LINES] * 4
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=file,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"vocab_size": 120, **how},
    )
    return file.getvalue()
