"""The encoder-decoder transformer of "Attention Is All You Need" (Vaswani et al. 2017), section 3.

Read after attention.py.

Weights are a tree of dictionaries and lists of named arrays, as `shapes` lays it out. All functions are pure: the same
code trains under torch and runs under numpy.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from attnviz.scratch.attention import Array, Dropout, Namespace, Weights, causal, keep, multi_head_attention


@dataclass(frozen=True)
class Config:
    """The sizes of a model. The paper's base model has d 512, h 8, ff 2048 and six layers on each side."""

    vocabulary: int
    d: int = 128
    h: int = 4
    ff: int = 256
    encoder_layers: int = 4
    decoder_layers: int = 2


@dataclass
class Seen:
    """The attention of one pass, a layer an entry, each `[B, h, query, key]`."""

    encoder: list[Array] = field(default_factory=list)
    masked: list[Array] = field(default_factory=list)
    cross: list[Array] = field(default_factory=list)


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
    return {"E": (config.vocabulary, d), "encoder": encoder, "decoder": decoder}


def layer_norm(x: Array, W: Weights, xp: Namespace) -> Array:
    """LayerNorm(x) = gain · (x − mean) / √(variance + ε) + bias, over the features (Ba et al. 2016). `[B, n, d]`."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return W["gain"] * centred / xp.sqrt(variance + 1e-5) + W["bias"]


def feed_forward(x: Array, W: Weights, xp: Namespace) -> Array:
    """Equation 2: FFN(x) = max(0, x W_1 + b_1) W_2 + b_2. `[B, n, d]` → `[B, n, d]`."""
    hidden = x @ W["W_1"] + W["b_1"]  # [B, n, ff]
    return xp.where(hidden > 0, hidden, 0.0) @ W["W_2"] + W["b_2"]  # [B, n, d]


def positions(n: int, d: int, xp: Namespace, dtype: Any, device: Any = None) -> Array:
    """Section 3.5: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(pos / 10000^(2i/d)). `[n, d]`."""
    pos = xp.reshape(xp.arange(n, dtype=dtype, device=device), (n, 1))
    two_i = xp.reshape(xp.arange(0, d, 2, dtype=dtype, device=device), (1, d // 2))
    angle = pos * xp.exp(two_i * (-math.log(10000.0) / d))  # [n, d / 2]
    return xp.reshape(xp.stack([xp.sin(angle), xp.cos(angle)], axis=-1), (n, d))


def embed(ids: Array, W: Weights, xp: Namespace, dropout: Dropout = keep) -> Array:
    """Sections 3.4 and 3.5: √d · E[ids] + PE. `[B, n]` → `[B, n, d]`."""
    E = W["E"]
    x = math.sqrt(E.shape[1]) * E[ids]  # [B, n, d]
    return dropout(x + positions(ids.shape[1], E.shape[1], xp, E.dtype, E.device))


def encode(ids: Array, real: Array, W: Weights, h: int, xp: Namespace, dropout: Dropout = keep) -> tuple[Array, Seen]:
    """The encoder: self-attention, then feed-forward, each as LayerNorm(x + Sublayer(x)) (section 3.1).

    `ids` is `[B, n]`; `real` is `[B, n]` and false at padding. Returns `[B, n, d]` and what was seen.
    """
    seen = Seen()
    visible = real[:, None, None, :]  # [B, 1, 1, n]: every query may look at every real key
    x = embed(ids, W, xp, dropout)
    for layer in W["encoder"]:
        read, A = multi_head_attention(x, x, layer["self"], h, visible, xp, dropout)
        x = layer_norm(x + dropout(read), layer["self_norm"], xp)
        x = layer_norm(x + dropout(feed_forward(x, layer["ff"], xp)), layer["ff_norm"], xp)
        seen.encoder.append(A)
    return x, seen


def decode(
    ids: Array, memory: Array, real: Array, W: Weights, h: int, xp: Namespace, dropout: Dropout = keep
) -> tuple[Array, Seen]:
    """The decoder: masked self-attention, cross-attention to `memory`, feed-forward (section 3.1).

    `ids` is `[B, m]`, `memory` `[B, n, d]` the encoder's output, `real` `[B, n]` its padding. Returns `[B, m, d]` and
    what was seen. Padding in `ids` needs no mask of its own: it comes last, where no real query sees it.
    """
    seen = Seen()
    earlier = causal(ids.shape[1], xp, memory.device)  # [m, m]
    source = real[:, None, None, :]  # [B, 1, 1, n]
    x = embed(ids, W, xp, dropout)
    for layer in W["decoder"]:
        read, A = multi_head_attention(x, x, layer["self"], h, earlier, xp, dropout)
        x = layer_norm(x + dropout(read), layer["self_norm"], xp)
        seen.masked.append(A)
        read, A = multi_head_attention(x, memory, layer["cross"], h, source, xp, dropout)
        x = layer_norm(x + dropout(read), layer["cross_norm"], xp)
        seen.cross.append(A)
        x = layer_norm(x + dropout(feed_forward(x, layer["ff"], xp)), layer["ff_norm"], xp)
    return x, seen


def logits(x: Array, W: Weights) -> Array:
    """Section 3.4: the scores of the next token, by the same matrix that embeds: x Eᵀ. `[B, m, d]` → `[B, m, |V|]`."""
    return x @ W["E"].mT


def greedy(ids: Array, real: Array, start: Array, end: int, limit: int, W: Weights, h: int, xp: Namespace) -> Array:
    """Translate by taking the likeliest next token each time, until all sentences ended or `limit` tokens stand.

    `ids` and `real` are `[B, n]`, `start` is `[B, 1]`. Returns `[B, m]`, `start` included; after `end` come arbitrary
    tokens.
    """
    memory, _ = encode(ids, real, W, h, xp)
    written, ended = start, start == end
    while written.shape[1] < limit and not xp.all(ended):
        x, _ = decode(written, memory, real, W, h, xp)
        best = xp.argmax(logits(x[:, -1:, :], W), axis=-1)  # [B, 1]
        written = xp.concat([written, best], axis=1)
        ended = ended | (best == end)
    return written
