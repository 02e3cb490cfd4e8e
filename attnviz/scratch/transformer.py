"""The encoder-decoder transformer of "Attention Is All You Need" (Vaswani et al. 2017), section 3.

Read after attention.py.

A word is read and written as two numbers, its stem and its ending (tokenizer.py): `ids` are `[B, n, 2]`.

Weights are a tree of dictionaries and lists of named arrays, as `shapes` lays it out. All functions are pure: the same
code trains under torch and runs under numpy.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from attnviz.scratch.attention import Array, Namespace, Weights, causal, multi_head_attention


@dataclass(frozen=True)
class Config:
    """The sizes of a model. The paper's base model has d 512, h 8, ff 2048 and six layers on each side."""

    stems: int
    endings: int
    d: int = 128
    h: int = 4
    ff: int = 512
    encoder_layers: int = 4
    decoder_layers: int = 2


@dataclass
class Seen:
    """The attention of one pass, a layer an entry, each `[B, h, query, key]`.

    `read` is what went into each layer, `[B, n, d]`, and `asked` what the queries of its cross-attention are made from.
    """

    encoder: list[Array] = field(default_factory=list)
    masked: list[Array] = field(default_factory=list)
    cross: list[Array] = field(default_factory=list)
    read: list[Array] = field(default_factory=list)
    asked: list[Array] = field(default_factory=list)


def shapes(config: Config) -> dict[str, Any]:
    """The tree of weights: each leaf is the shape of its array."""
    d, ff = config.d, config.ff

    def attention() -> dict[str, Any]:
        return {f"W_{name}": (d, d) for name in "QKVO"} | {f"b_{name}": (d,) for name in "QKVO"}

    def norm() -> dict[str, Any]:
        return {"gain": (d,), "bias": (d,)}

    def feed_forward() -> dict[str, Any]:
        return {"W_1": (d, ff), "b_1": (ff,), "W_2": (ff, d), "b_2": (d,)}

    encoder = [
        {"self": attention(), "self_norm": norm(), "ff": feed_forward(), "ff_norm": norm()}
        for _ in range(config.encoder_layers)
    ]
    decoder = [
        {
            "self": attention(),
            "self_norm": norm(),
            "cross": attention(),
            "cross_norm": norm(),
            "ff": feed_forward(),
            "ff_norm": norm(),
        }
        for _ in range(config.decoder_layers)
    ]
    return {"E": (config.stems, d), "F": (config.endings, d), "encoder": encoder, "decoder": decoder}


def layer_norm(x: Array, W: Weights, xp: Namespace) -> Array:
    """LayerNorm(x) = gain · (x − mean) / √(variance + ε) + bias, over the features (Ba et al. 2016). `[B, n, d]`."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return W["gain"] * centred / xp.sqrt(variance + 1e-5) + W["bias"]


def feed_forward(x: Array, W: Weights, xp: Namespace) -> Array:
    """Equation 2: FFN(x) = max(0, x W_1 + b_1) W_2 + b_2. `[B, n, d]` → `[B, n, d]`."""
    hidden = x @ W["W_1"] + W["b_1"]  # [B, n, ff]
    return xp.clip(hidden, min=0.0) @ W["W_2"] + W["b_2"]  # [B, n, d]


def positions(n: int, d: int, xp: Namespace, dtype: Any, device: Any = None) -> Array:
    """Section 3.5: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(pos / 10000^(2i/d)). `[n, d]`."""
    pos = xp.reshape(xp.arange(n, dtype=dtype, device=device), (n, 1))
    two_i = xp.reshape(xp.arange(0, d, 2, dtype=dtype, device=device), (1, d // 2))
    angle = pos * xp.exp(two_i * (-math.log(10000.0) / d))  # [n, d / 2]
    return xp.reshape(xp.stack([xp.sin(angle), xp.cos(angle)], axis=-1), (n, d))


def embed(ids: Array, W: Weights, xp: Namespace) -> Array:
    """Sections 3.4 and 3.5, for a word of two parts: √d · (E[stem] + F[ending]) + PE. `[B, n, 2]` → `[B, n, d]`."""
    E, F = W["E"], W["F"]
    x = math.sqrt(E.shape[1]) * (E[ids[..., 0]] + F[ids[..., 1]])  # [B, n, d]
    return x + positions(ids.shape[1], E.shape[1], xp, E.dtype, E.device)  # [B, n, d]


def encode(ids: Array, real: Array, W: Weights, h: int, xp: Namespace) -> tuple[Array, Seen]:
    """The encoder: self-attention, then feed-forward, each as LayerNorm(x + Sublayer(x)) (section 3.1).

    `ids` is `[B, n, 2]`; `real` is `[B, n]` and false at padding. Returns `[B, n, d]` and what was seen.
    """
    seen = Seen()
    visible = real[:, None, None, :]  # [B, 1, 1, n]: every query may look at every real key
    x = embed(ids, W, xp)
    for layer in W["encoder"]:
        seen.read.append(x)
        read, A = multi_head_attention(x, x, layer["self"], h, visible, xp)
        x = layer_norm(x + read, layer["self_norm"], xp)
        x = layer_norm(x + feed_forward(x, layer["ff"], xp), layer["ff_norm"], xp)
        seen.encoder.append(A)
    return x, seen


def decode(ids: Array, memory: Array, real: Array, W: Weights, h: int, xp: Namespace) -> tuple[Array, Seen]:
    """The decoder: masked self-attention, cross-attention to `memory`, feed-forward (section 3.1).

    `ids` is `[B, m, 2]`, `memory` `[B, n, d]` the encoder's output, `real` `[B, n]` its padding. Returns
    `[B, m, d]` and what was seen. Padding in `ids` needs no mask of its own: it comes last, and no real query sees it.
    """
    seen = Seen()
    earlier = causal(ids.shape[1], xp, memory.device)  # [m, m]
    source = real[:, None, None, :]  # [B, 1, 1, n]
    x = embed(ids, W, xp)
    for layer in W["decoder"]:
        seen.read.append(x)
        read, A = multi_head_attention(x, x, layer["self"], h, earlier, xp)
        x = layer_norm(x + read, layer["self_norm"], xp)
        seen.masked.append(A)
        seen.asked.append(x)
        read, A = multi_head_attention(x, memory, layer["cross"], h, source, xp)
        x = layer_norm(x + read, layer["cross_norm"], xp)
        seen.cross.append(A)
        x = layer_norm(x + feed_forward(x, layer["ff"], xp), layer["ff_norm"], xp)
    return x, seen


def stem_logits(x: Array, W: Weights) -> Array:
    """Section 3.4: the scores of the next stem, by the matrix that embeds: x Eᵀ. `[B, m, d]` → `[B, m, stems]`."""
    return x @ W["E"].mT


def ending_logits(x: Array, stem: Array, W: Weights) -> Array:
    """The scores of the ending that the next stem has: (x + √d · E[stem]) Fᵀ.

    So P(word) = P(stem) P(ending | stem). `x` is `[B, m, d]`, `stem` `[B, m]`, an id each. Returns
    `[B, m, endings]`.
    """
    E, F = W["E"], W["F"]
    return (x + math.sqrt(E.shape[1]) * E[stem]) @ F.mT


def greedy(
    ids: Array, real: Array, start: Array, end: int, limit: int, has: Array, W: Weights, h: int, xp: Namespace
) -> Array:
    """Translate by taking the likeliest next stem each time, and the likeliest ending that it has.

    Goes on until all sentences ended or `limit` tokens stand. `ids` is `[B, n, 2]`, `real` `[B, n]`, `start`
    `[B, 1, 2]`, `end` the stem that ends; `has` is `[stems, endings]`, true where a word is made of the two. Returns
    `[B, m, 2]`, `start` included; after `end` come arbitrary tokens.
    """
    memory, _ = encode(ids, real, W, h, xp)
    written, ended = start, start[:, :, 0] == end
    while written.shape[1] < limit and not xp.all(ended):
        x, _ = decode(written, memory, real, W, h, xp)
        x = x[:, -1:, :]  # [B, 1, d]
        stem = xp.argmax(stem_logits(x, W), axis=-1)  # [B, 1]
        scores = xp.where(has[stem], ending_logits(x, stem, W), -math.inf)  # [B, 1, endings]
        best = xp.stack([stem, xp.argmax(scores, axis=-1)], axis=-1)  # [B, 1, 2]
        written = xp.concat([written, best], axis=1)
        ended = ended | (stem == end)
    return written
