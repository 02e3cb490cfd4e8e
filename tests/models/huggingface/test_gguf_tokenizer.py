"""The ids that a .gguf file's tokenizer gives are those that llama.cpp's rules give, written out by hand."""

from pathlib import Path

import gguf_files
import pytest
from load_checks import refused
from transformers.convert_slow_tokenizer import bytes_to_unicode

import attnviz
from attnviz.models.huggingface.gguf_tokenizer import load_gguf_tokenizer

PIECES = ("▁", "T", "h", "e", "c", "a", "t", "he", "The", "▁The", "at", "cat", "▁cat", "▁▁")
IDS = {piece: 3 + 256 + rank for rank, piece in enumerate(PIECES)}
BOS, EOS = 1, 2


def ids(folder: Path, text: str, tokenizer: dict, **flags: object) -> list[int]:
    """The ids of `text`, by a file with such a tokenizer and flags."""
    more = {f"tokenizer.ggml.{key}": flag for key, flag in flags.items()}
    return load_gguf_tokenizer(gguf_files.write(folder / "x.gguf", tokenizer, more=more))(text)["input_ids"]


def pieces(*names: str) -> list[int]:
    return [IDS[name] for name in names]


@pytest.mark.parametrize(
    ("flags", "text", "expected"),
    [
        ({}, "The cat", [BOS, *pieces("▁The", "▁cat")]),
        ({"add_space_prefix": True}, "The cat", [BOS, *pieces("▁The", "▁cat")]),
        ({"add_space_prefix": False}, "The cat", [BOS, *pieces("The", "▁cat")]),
        ({"add_space_prefix": False}, " The", [BOS, *pieces("▁The")]),
        # The space before the text is one more where there is one already: "▁The" is likelier than "▁▁".
        ({}, " The", [BOS, *pieces("▁", "▁The")]),
        # It stands after every mark, too.
        ({}, "The</s>cat", [BOS, *pieces("▁The"), EOS, *pieces("▁cat")]),
        ({"add_space_prefix": False}, "The</s>cat", [BOS, *pieces("The"), EOS, *pieces("cat")]),
        ({"add_bos_token": False}, "cat", pieces("▁cat")),
        ({"add_eos_token": True}, "cat", [BOS, *pieces("▁cat"), EOS]),
        ({"add_bos_token": False, "add_eos_token": True}, "cat", [*pieces("▁cat"), EOS]),
        ({"bos_token_id": 2}, "cat", [2, *pieces("▁cat")]),
        ({"bos_token_id": 1, "eos_token_id": 1, "add_eos_token": True}, "cat", [1, *pieces("▁cat"), 1]),
        # Bytes: é is C3 A9.
        ({"add_space_prefix": False}, "hé", [BOS, *pieces("h"), 3 + 0xC3, 3 + 0xA9]),
    ],
)
def test_sentencepiece(flags, text, expected, tmp_path):
    assert ids(tmp_path, text, gguf_files.sentencepiece(*PIECES), **flags) == expected


def test_the_pieces_of_the_higher_score_merge_first(tmp_path):
    # Of "hea", "he" is the likelier pair by the scores, though "ea" is the later of the vocabulary.
    tokenizer = gguf_files.sentencepiece("h", "e", "a", "he", "ea")
    start = 3 + 256
    assert ids(tmp_path, "hea", tokenizer, add_space_prefix=False) == [BOS, start + 3, start + 2]
    tokenizer["scores"][start + 4] = 0.5
    assert ids(tmp_path, "hea", tokenizer, add_space_prefix=False) == [BOS, start, start + 4]


def test_a_character_that_has_neither_token_nor_bytes_is_unknown_and_not_lost(tmp_path):
    tokenizer = gguf_files.sentencepiece("▁", "a", "▁a")
    kept = [0, 1, 2, *range(3 + 256, 3 + 256 + 3)]
    tokenizer |= {key: [tokenizer[key][id_] for id_ in kept] for key in ("tokens", "scores", "token_type")}
    assert ids(tmp_path, "aé", tokenizer) == [BOS, 5, 0]


@pytest.mark.parametrize(("prefix", "first"), [(True, "▁The"), (False, "The")])
def test_a_trace_reads_the_ids_of_llama_cpp_and_shows_the_text(prefix, first, tmp_path):
    more = {"tokenizer.ggml.add_space_prefix": prefix}
    trace = attnviz.trace(
        "The cat", gguf_files.write(tmp_path / "x.gguf", gguf_files.sentencepiece(*PIECES), more=more)
    )
    tokens = trace["masked-self"].queries
    assert [token.id for token in tokens] == [BOS, *pieces(first, "▁cat")]
    assert [token.text for token in tokens[1:]] == ["The", "cat"]
    assert [token.span for token in tokens[1:]] == [(0, 3), (4, 7)]
    assert trace.notes == ()


def test_files_of_another_tokenizer_beside_it_are_not_read(whole, tmp_path):
    for file in whole.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert ids(tmp_path, "The cat", gguf_files.sentencepiece(*PIECES)) == [BOS, *pieces("▁The", "▁cat")]


ALPHABET = [*bytes_to_unicode().values()]
MERGES = ["T h", "Th e", "Ġ c", "Ġc a", "Ġca t", "2 0", "2 4", "20 24", "Ġ 20"]
TOKENS = [*ALPHABET, *(merge.replace(" ", "") for merge in MERGES), "whole", "<|end|>"]
BY_BYTES = {"model": "gpt2", "tokens": TOKENS, "merges": MERGES, "token_type": [1] * (len(TOKENS) - 1) + [3]}


def names(folder: Path, text: str, **flags: object) -> list[str]:
    return [TOKENS[id_] for id_ in ids(folder, text, BY_BYTES, **flags)]


@pytest.mark.parametrize(
    ("pre", "text", "expected"),
    [
        ("gpt-2", "The 2024", ["The", "Ġ", "2024"]),
        ("smollm", "The 2024", ["The", "Ġ", "2", "0", "2", "4"]),
        ("starcoder", "2024", ["2", "0", "2", "4"]),
        ("falcon", "2024", ["20", "2", "4"]),
        ("default", "2024", ["20", "2", "4"]),
        ("qwen2", "2024", ["2", "0", "2", "4"]),
        ("stablelm2", "2024", ["2", "0", "2", "4"]),
        ("llama-bpe", "2024", ["20", "2", "4"]),
        ("glm4", "2024", ["20", "2", "4"]),
        ("bloom", "2024", ["2024"]),
        ("viking", "2024", ["2", "0", "2", "4"]),
        ("gpt-2", "The cat", ["The", "Ġcat"]),
        # There is no BOS but where a pre-tokenizer brings one, and a flag of a space before the text means nothing.
        ("bloom", "The cat", ["The", "Ġcat"]),
    ],
)
def test_bytes_are_merged_within_the_parts_of_the_pre_tokenizer(pre, text, expected, tmp_path):
    assert names(tmp_path, text, pre=pre, add_space_prefix=True, add_bos_token=False) == expected


def test_a_pre_tokenizer_can_add_a_start_token(tmp_path):
    end = {"bos_token_id": len(TOKENS) - 1}
    assert names(tmp_path, "The", pre="llama-bpe", **end) == ["<|end|>", "The"]
    assert names(tmp_path, "The", pre="gpt-2", **end) == ["The"]
    assert names(tmp_path, "The", pre="gpt-2", add_bos_token=True, **end) == ["<|end|>", "The"]
    assert names(tmp_path, "The", pre="llama-bpe", add_bos_token=False, **end) == ["The"]


def test_with_llama_3_a_word_of_the_vocabulary_is_one_token_though_no_merges_make_it(tmp_path):
    assert names(tmp_path, "whole", pre="llama-bpe", add_bos_token=False) == ["whole"]
    assert names(tmp_path, "whole", pre="gpt-2", add_bos_token=False) == [*"whole"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"pre": "gpt-2"}, None),
        ({"pre": "smollm"}, None),
        ({"pre": "stablelm2"}, None),
        ({}, "does not name its pre-tokenizer"),
        ({"pre": "kimi-k2"}, "not by the pre-tokenizer 'kimi-k2'"),
        ({"pre": "gpt-2", "add_eos_token": True}, "says that each text has a EOS token"),
    ],
)
def test_a_flag_that_cannot_be_set_is_a_note_on_every_trace(flags, said, tmp_path):
    more = {f"tokenizer.ggml.{key}": flag for key, flag in flags.items()}
    path = gguf_files.write(tmp_path / "x.gguf", BY_BYTES, more=more)
    notes = attnviz.trace("The cat", path).notes
    assert (len(notes) == 0) if said is None else (said in notes[0])


UNIGRAM = {"model": "t5", "tokens": ["<pad>", "</s>", "<unk>", "▁", "▁The", "The", "▁cat", "cat"]}
UNIGRAM |= {"scores": [0.0, 0.0, 0.0, -9.0, -1.0, -1.0, -1.0, -1.0], "token_type": [3, 3, 2, 1, 1, 1, 1, 1]}


@pytest.mark.parametrize(
    ("flags", "text", "expected"),
    [
        ({"add_space_prefix": True, "remove_extra_whitespaces": True}, "The   cat ", [4, 6, 1]),
        ({"add_space_prefix": False}, "The cat", [5, 6, 1]),
        ({"add_space_prefix": True}, "The  cat", [4, 3, 6, 1]),
        ({"add_space_prefix": True, "add_eos_token": False}, "The", [4]),
    ],
)
def test_unigram(flags, text, expected, tmp_path):
    assert ids(tmp_path, text, UNIGRAM, **flags) == expected


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"eos_token_id": 300}, "has 267 tokens, and tokenizer.ggml.eos_token_id is 300"),
        ({"bos_token_id": 267}, "has 267 tokens, and tokenizer.ggml.bos_token_id is 267"),
        ({"scores": [0.0]}, "has 267 tokens, and tokenizer.ggml.scores for 1"),
        ({"token_type": [1]}, "has 267 tokens, and tokenizer.ggml.token_type for 1"),
        ({"model": "rwkv"}, "rwkv"),
        ({"tokens": 7}, "has no tokenizer"),
    ],
)
def test_a_vocabulary_that_does_not_fit_together_is_refused(flags, message, tmp_path):
    more = {f"tokenizer.ggml.{key}": flag for key, flag in flags.items()}
    path = gguf_files.write(tmp_path / "x.gguf", more={**more, "llama.vocab_size": 267})
    assert message in refused(path).message


def test_smollm2_splits_numbers_as_it_was_trained_to(smollm2_file):
    tokenizer = load_gguf_tokenizer(smollm2_file)
    assert tokenizer.convert_ids_to_tokens(tokenizer("in 2024")["input_ids"]) == ["in", "Ġ", "2", "0", "2", "4"]
