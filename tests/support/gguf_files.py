"""Tiny .gguf files, as llama.cpp's converters write them: a Llama of two layers, random and always the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
SIZES = {"block_count": 2, "embedding_length": 32, "feed_forward_length": 64}
SIZES |= {"attention.head_count": 4, "attention.head_count_kv": 2, "context_length": 64}
MARKS = {"<unk>": UNKNOWN, "<s>": CONTROL, "</s>": CONTROL}
BYTES = {f"<0x{byte:02X}>": BYTE for byte in range(256)}


def sentencepiece(*pieces: str, marks: Mapping[str, int] = MARKS) -> dict[str, Any]:
    """The metadata of a vocabulary of SentencePiece's: marks, bytes, and `pieces`, of which the earlier merge first."""
    tokens = {**marks, **BYTES, **dict.fromkeys(pieces, NORMAL)}
    scores = [0.0] * (len(tokens) - len(pieces)) + [-float(rank) for rank in range(len(pieces))]
    return {"model": "llama", "tokens": [*tokens], "scores": scores, "token_type": [*tokens.values()]}


def weights(sizes: Mapping[str, int], vocabulary: int) -> dict[str, np.ndarray]:
    """The tensors of a Llama of these sizes."""
    hidden, inner = sizes["embedding_length"], sizes["feed_forward_length"]
    keys = hidden // sizes["attention.head_count"] * sizes["attention.head_count_kv"]
    shapes = {"token_embd": (vocabulary, hidden), "output_norm": (hidden,)}
    for layer in range(sizes["block_count"]):
        shapes |= {f"blk.{layer}.{name}_norm": (hidden,) for name in ("attn", "ffn")}
        shapes |= {f"blk.{layer}.attn_{name}": (hidden, hidden) for name in ("q", "output")}
        shapes |= {f"blk.{layer}.attn_{name}": (keys, hidden) for name in "kv"}
        shapes |= {f"blk.{layer}.ffn_{name}": (inner, hidden) for name in ("gate", "up")}
        shapes[f"blk.{layer}.ffn_down"] = (hidden, inner)
    random = np.random.default_rng(0)
    return {f"{name}.weight": random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def write(
    path: Path,
    tokenizer: Mapping[str, Any] | None = None,
    *,
    architecture: str = "llama",
    tensors: Mapping[str, np.ndarray] | None = None,
    without: Sequence[str] = (),
    more: Mapping[str, Any] | None = None,
    **writer: Any,
) -> Path:
    """Write a .gguf file at `path`: all that a Llama needs, `without` some keys of its metadata and with `more`."""
    tokenizer = tokenizer or sentencepiece("▁", "I", "a", "t", "e", "▁a", "te", "▁ate")
    values = {f"{architecture}.{key}": size for key, size in SIZES.items()}
    values |= {f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5, f"{architecture}.rope.dimension_count": 8}
    values |= {f"tokenizer.ggml.{key}": value for key, value in tokenizer.items()} | dict(more or {})
    if tensors is None:
        tensors = weights(SIZES, len(tokenizer["tokens"]))
    file = gguf.GGUFWriter(path, architecture, **writer)
    for key, value in values.items():
        if key in without:
            continue
        if isinstance(value, bool):
            file.add_bool(key, value)
        elif isinstance(value, list | np.ndarray):
            file.add_array(key, value)
        else:
            {int: file.add_uint32, float: file.add_float32, str: file.add_string}[type(value)](key, value)
    for name, tensor in tensors.items():
        file.add_tensor(name, tensor)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path
