"""How far each head moves its result when it reads a key: the norm of the key's value behind the output projection.

‖f_h(x_j)‖₂ with f_h(x) = (x W_V^h + b_V^h) W_O^h, without the bias of the output (Kobayashi et al. 2020, Attention is
Not Only a Weight, section 2). The function that computes attention is given the values; W_O is found by
`attnviz.capture.output_projection`.
"""

from collections.abc import Sequence

import torch

from attnviz.capture.buffers import CellBuffer
from attnviz.errors import ModelError

_KEYS = 1024  # that are computed at once
_HINT = "Leave out --method norm, or value norms in Python."


def store_value_norms(
    value: torch.Tensor, W_O: torch.Tensor, heads: Sequence[int], buffers: Sequence[CellBuffer]
) -> None:
    """Store the norms of `heads` in the buffer of each text; `value` is `[text, group, key, d_v]`."""
    norms = _norms(value, W_O, heads).cpu().numpy()
    for buffer, of_text in zip(buffers, norms, strict=True):
        buffer.value_norms = of_text[:, list(buffer.keys)]


def not_shown(model: torch.nn.Module, what: str, why: str) -> ModelError:
    """The error for a model whose output projection was not found."""
    return ModelError(f"method norm: {type(model).__name__} does not show what a head adds: {what}, {why}", _HINT)


def no_values(model: torch.nn.Module) -> ModelError:
    """The error for a model whose attention was captured without its values."""
    return ModelError(f"method norm: the attention of {type(model).__name__} does not hand over its values", _HINT)


def _norms(value: torch.Tensor, W_O: torch.Tensor, heads: Sequence[int]) -> torch.Tensor:
    """‖v_h W_O^h‖ of each key for these `heads`, float32 `[text, head, key]`.

    `value` is `[text, group, key, d_v]`, and W_O `[head, d_v, d]`; each group serves the same number of consecutive
    heads.
    """
    texts, groups, keys, _ = value.shape
    norms = torch.empty(texts, len(heads), keys, device=value.device)
    for index, head in enumerate(heads):
        for start in range(0, keys, _KEYS):
            some = value[:, head * groups // len(W_O), start : start + _KEYS].float()  # [text, key, d_v]
            norms[:, index, start : start + _KEYS] = torch.linalg.vector_norm(some @ W_O[head], dim=-1)
    return norms
