"""Attention, as in "Attention Is All You Need" (Vaswani et al. 2017), section 3.2. Start reading here.

Every function takes `xp`, the array namespace that it computes in: `numpy`, or `array_api_compat.torch` while training.
Shapes stand beside the lines: B sentences, h heads, q queries, k keys, d = d_model features, d_k = d / h.
"""

import math
from typing import Any

Array = Any  # an array of the namespace `xp`; the array API standard has no type to name here
Namespace = Any
Weights = dict[str, Any]


def softmax(S: Array, xp: Namespace) -> Array:
    """softmax(s)_j = exp(s_j) / Σ_k exp(s_k), along the last axis; subtracting the maximum only keeps exp in range."""
    exp = xp.exp(S - xp.max(S, axis=-1, keepdims=True))
    return exp / xp.sum(exp, axis=-1, keepdims=True)


def scaled_dot_product_attention(Q: Array, K: Array, V: Array, visible: Array, xp: Namespace) -> tuple[Array, Array]:
    """Equation 1: what each query reads, and the weights that it reads with.

    `Q` is `[B, h, q, d_k]`, `K` and `V` are `[B, h, k, d_k]`; `visible` is boolean, broadcast to `[B, h, q, k]`, and
    true where a query may look: every query must see at least one key. Returns `[B, h, q, d_k]` and the weights,
    `[B, h, q, k]`, whose rows sum to 1.
    """
    d_k = Q.shape[-1]
    # S = Q Kᵀ / √d_k
    S = Q @ K.mT / math.sqrt(d_k)  # [B, h, q, k]
    # s_ij = −∞ where query i may not see key j (section 3.2.3)
    S = xp.where(visible, S, -math.inf)  # [B, h, q, k]
    # A = softmax(S)
    A = softmax(S, xp)  # [B, h, q, k]
    # Attention(Q, K, V) = A V
    return A @ V, A  # [B, h, q, d_k], [B, h, q, k]


def multi_head_attention(x: Array, y: Array, W: Weights, h: int, visible: Array, xp: Namespace) -> tuple[Array, Array]:
    """Section 3.2.2: queries from `x` `[B, q, d]`, keys and values from `y` `[B, k, d]`, in `h` heads.

    Self-attention is `x` looking at itself, `y = x`; masked self-attention the same with `visible = causal(q)`;
    cross-attention has `x` in the decoder and `y` the encoder's output. Returns `[B, q, d]` and weights `[B, h, q, k]`.
    """
    Q, K, V = projected(x, y, W, h, xp)  # [B, h, q, d_k], [B, h, k, d_k], [B, h, k, d_k]
    # head_i = Attention(Q_i, K_i, V_i)
    heads, A = scaled_dot_product_attention(Q, K, V, visible, xp)  # [B, h, q, d_k], [B, h, q, k]
    # MultiHead(x, y) = Concat(head_1, …, head_h) W_O
    return join_heads(heads, xp) @ W["W_O"] + W["b_O"], A  # [B, q, d], [B, h, q, k]


def projected(x: Array, y: Array, W: Weights, h: int, xp: Namespace) -> tuple[Array, Array, Array]:
    """The queries of `x` `[B, q, d]`, and the keys and values of `y` `[B, k, d]`, each cut into h heads."""
    # Q = x W_Q,  K = y W_K,  V = y W_V
    Q = split_heads(x @ W["W_Q"] + W["b_Q"], h, xp)  # [B, h, q, d_k]
    K = split_heads(y @ W["W_K"] + W["b_K"], h, xp)  # [B, h, k, d_k]
    V = split_heads(y @ W["W_V"] + W["b_V"], h, xp)  # [B, h, k, d_k]
    return Q, K, V


def added_by_head(A: Array, V: Array, W: Weights, xp: Namespace) -> Array:
    """What each head adds to the result: head_i W_O^i, with its own d_k rows of W_O. Their sum and b_O is the result.

    `A` is `[B, h, q, k]` and `V` `[B, h, k, d_k]`; returns `[B, h, q, d]`.
    """
    # Concat(head_1, …, head_h) W_O = Σ_i head_i W_O^i
    W_O = xp.reshape(W["W_O"], (V.shape[1], -1, W["W_O"].shape[1]))  # [h, d_k, d]
    return A @ V @ W_O  # [B, h, q, d]


def value_norms(y: Array, W: Weights, h: int, xp: Namespace) -> Array:
    """How far each head moves its result when it reads a key: ‖f_i(y_j)‖ with f_i(y) = (y W_V^i + b_V^i) W_O^i.

    By the sum over heads, MultiHead(x, y) = Σ_i A_i f_i(y) + b_O: a weight on a key with a small f changes little
    (Kobayashi et al. 2020). Of keys made from `y` `[B, k, d]`; returns `[B, h, k]`.
    """
    V = split_heads(y @ W["W_V"] + W["b_V"], h, xp)  # [B, h, k, d_k]
    # Concat(head_1, …, head_h) W_O = Σ_i head_i W_O^i: head i is multiplied by its own d_k rows of W_O
    W_O = xp.reshape(W["W_O"], (h, -1, W["W_O"].shape[1]))  # [h, d_k, d]
    f = V @ W_O  # [B, h, k, d]
    return xp.sqrt(xp.sum(f * f, axis=-1))  # [B, h, k]


def split_heads(x: Array, h: int, xp: Namespace) -> Array:
    """`[B, n, d]` → `[B, h, n, d / h]`: each head takes its own slice of the features."""
    B, n, d = x.shape
    return xp.permute_dims(xp.reshape(x, (B, n, h, d // h)), (0, 2, 1, 3))


def join_heads(x: Array, xp: Namespace) -> Array:
    """`[B, h, n, d_k]` → `[B, n, h · d_k]`: the Concat of section 3.2.2."""
    B, h, n, d_k = x.shape
    return xp.reshape(xp.permute_dims(x, (0, 2, 1, 3)), (B, n, h * d_k))


def causal(n: int, xp: Namespace, device: Any = None) -> Array:
    """`[n, n]`, true where query i may see key j: j ≤ i (section 3.2.3)."""
    return xp.tril(xp.ones((n, n), dtype=xp.bool, device=device))
